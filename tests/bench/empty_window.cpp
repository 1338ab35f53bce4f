// The yardstick for the window's start: a Qt Quick window with nothing in it. Prints the milliseconds from
// the start of the process to its first frame and ends.
#include "app/gui/shell/startup_clock.h"

#include <QGuiApplication>
#include <QQuickWindow>
#include <cstdio>

int main(int argc, char** argv) {
    QQuickWindow::setGraphicsApi(QSGRendererInterface::OpenGL);
    QGuiApplication app(argc, argv);
    QQuickWindow window;
    window.resize(1400, 900);
    QObject::connect(
        &window, &QQuickWindow::frameSwapped, &app,
        [&app] {
            std::printf("first frame after %.0f ms\n", tandem::millisecondsSinceStart());
            app.quit();
        },
        Qt::SingleShotConnection);
    window.show();
    return QGuiApplication::exec();
}
