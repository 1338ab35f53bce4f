#include "app/gui/shell/window.h"

#include "app/gui/shell/startup_clock.h"

#include <QtGui/QGuiApplication>
#include <QtGui/QSurfaceFormat>
#include <QtQml/QQmlApplicationEngine>
#include <QtQuick/QQuickWindow>
#include <QtQuickControls2/QQuickStyle>

#include <cstdio>
#include <cstdlib>

namespace tandem {

namespace {

QtMessageHandler previousHandler = nullptr;

/// Qt aborts when it finds no display; a person gets a sentence instead.
void fatalAsSentence(QtMsgType type, const QMessageLogContext& context, const QString& text) {
    if (type != QtFatalMsg)
        return previousHandler(type, context, text);
    std::fputs(
        "tandem: the window could not be opened: no display was found. Start it in a desktop session, or use "
        "the command line (tandem --help).\n",
        stderr);
    std::_Exit(1);
}

/// The format that VTK's renderer needs; set before the application exists.
void chooseGraphics() {
    QSurfaceFormat format;
    format.setRenderableType(QSurfaceFormat::OpenGL);
    format.setVersion(3, 2);
    format.setProfile(QSurfaceFormat::CoreProfile);
    format.setDepthBufferSize(24);
    format.setStencilBufferSize(8);
    QSurfaceFormat::setDefaultFormat(format);
    QQuickWindow::setGraphicsApi(QSGRendererInterface::OpenGL);
    QQuickStyle::setStyle(QStringLiteral("Basic"));
}

} // namespace

int runWindow(int& argc, char** argv, const WindowOptions& options, Parts&) {
    chooseGraphics();
    previousHandler = qInstallMessageHandler(fatalAsSentence);
    QGuiApplication application(argc, argv);
    qInstallMessageHandler(previousHandler);
    QCoreApplication::setOrganizationName(QStringLiteral("Tandem"));
    QCoreApplication::setOrganizationDomain(QStringLiteral("tandem.invalid"));
    QCoreApplication::setApplicationName(QStringLiteral("Tandem"));

    QQmlApplicationEngine engine;
    engine.addImportPath(QStringLiteral("qrc:/qt/qml"));
    engine.load(QUrl(QStringLiteral("qrc:/qt/qml/Tandem/Ui/Main.qml")));
    if (engine.rootObjects().isEmpty())
        return 1;
    auto* window = qobject_cast<QQuickWindow*>(engine.rootObjects().constFirst());
    if (options.printStartup)
        reportFirstFrame(*window);
    return application.exec();
}

} // namespace tandem
