// A window whose content is a file: what is dragged out of it is that file, as out of a file manager. For
// tests of dropping. Usage: tandem_drag_source FILE; the window is 80 x 80 at the top left of the screen.
#include <QtCore/QFileInfo>
#include <QtCore/QMimeData>
#include <QtCore/QUrl>
#include <QtGui/QDrag>
#include <QtGui/QGuiApplication>
#include <QtGui/QMouseEvent>
#include <QtGui/QPainter>
#include <QtGui/QRasterWindow>

namespace {

class DragSource : public QRasterWindow {
public:
    explicit DragSource(const QUrl& url) : url_(url) {}

protected:
    void paintEvent(QPaintEvent*) override { QPainter(this).fillRect(0, 0, width(), height(), Qt::gray); }
    void mousePressEvent(QMouseEvent*) override {
        auto* drag = new QDrag(this);
        auto* data = new QMimeData;
        data->setUrls({url_});
        drag->setMimeData(data);
        drag->exec(Qt::CopyAction);
    }

private:
    QUrl url_;
};

} // namespace

int main(int argc, char** argv) {
    QGuiApplication application(argc, argv);
    if (application.arguments().size() != 2)
        return 2;
    DragSource window(QUrl::fromLocalFile(QFileInfo(application.arguments().at(1)).absoluteFilePath()));
    window.setFlags(Qt::FramelessWindowHint | Qt::WindowStaysOnTopHint);
    window.setTitle(QStringLiteral("tandem drag source"));
    window.setGeometry(0, 0, 80, 80);
    window.show();
    return application.exec();
}
