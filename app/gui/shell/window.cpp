#include "app/gui/shell/window.h"

#include "app/gui/document/register_types.h"
#include "app/gui/shell/automation.h"
#include "app/gui/shell/session.h"
#include "app/gui/shell/startup_clock.h"

#include <QtCore/QStringList>
#include <QtCore/QTimer>
#include <QtGui/QGuiApplication>
#include <QtGui/QIcon>
#include <QtGui/QSurfaceFormat>
#include <QtQml/QQmlApplicationEngine>
#include <QtQuick/QQuickWindow>
#include <QtQuickControls2/QQuickStyle>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

// Made by the build from the QML_ELEMENT types of Tandem.Shell.
void qml_register_types_Tandem_Shell();

namespace tandem {

namespace {

QtMessageHandler previousHandler = nullptr;

/// Qt aborts when it finds no display; a person gets a sentence instead.
void fatalAsSentence(QtMsgType type, const QMessageLogContext& context, const QString& text) {
    if (type != QtFatalMsg) {
        if (previousHandler)
            previousHandler(type, context, text);
        return;
    }
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

void nameProgram() {
    QCoreApplication::setOrganizationName(QStringLiteral("Tandem"));
    QCoreApplication::setOrganizationDomain(QStringLiteral("tandem.invalid"));
    QCoreApplication::setApplicationName(QStringLiteral("Tandem"));
    QCoreApplication::setApplicationVersion(QStringLiteral(TANDEM_VERSION));
    QGuiApplication::setApplicationDisplayName(QStringLiteral("Tandem"));
    QGuiApplication::setWindowIcon(QIcon(QStringLiteral(":/qt/qml/Tandem/Ui/icons/tandem.svg")));
}

/// Loads the network's library when the window has come to rest, a few frames after what it was asked to
/// open. While the dynamic loader works, a render thread that asks it for a symbol has to wait (Mesa's shader
/// compiler does for every new shader), and the window with it: nothing new should be drawn then.
void startNetworkWhenCalm(Session& session) {
    constexpr std::chrono::milliseconds lookEvery{100};
    constexpr int calmLooks = 3, mostLooks = 30;
    auto* timer = new QTimer(&session);
    QObject::connect(timer, &QTimer::timeout, &session, [timer, &session, looks = 0, calm = 0]() mutable {
        calm = session.opening() ? 0 : calm + 1;
        if (calm < calmLooks && ++looks < mostLooks)
            return;
        timer->deleteLater();
        session.model()->start();
    });
    timer->start(lookEvery);
}

} // namespace

int runWindow(int& argc, char** argv, const WindowOptions& options, Parts& parts) {
    chooseGraphics();
    previousHandler = qInstallMessageHandler(fatalAsSentence);
    QGuiApplication application(argc, argv);
    qInstallMessageHandler(previousHandler);
    nameProgram();
    registerDocumentTypes();
    qml_register_types_Tandem_Shell();

    Session session(parts);
    QQmlApplicationEngine engine;
    engine.addImportPath(QStringLiteral("qrc:/qt/qml"));
    engine.setInitialProperties({{QStringLiteral("session"), QVariant::fromValue(&session)}});
    engine.load(QUrl(QStringLiteral("qrc:/qt/qml/Tandem/Ui/Main.qml")));
    auto* window = engine.rootObjects().isEmpty()
                       ? nullptr
                       : qobject_cast<QQuickWindow*>(engine.rootObjects().constFirst());
    if (!window) {
        std::fputs(
            "tandem: the window could not be built; the reasons are above. Install the packages of the "
            "program again (QML modules may be missing).\n",
            stderr);
        return 1;
    }
    QStringList paths;
    for (const std::string& path : options.paths)
        paths << QString::fromLocal8Bit(path);
    if (options.printStartup)
        reportFirstFrame(*window);
    session.beginWhenBuilt(paths);
    QObject::connect(&session, &Session::begun, &session, [&session] { startNetworkWhenCalm(session); });
    std::unique_ptr<Automation> automation;
    if (!options.stateFile.empty())
        automation =
            std::make_unique<Automation>(*window, session, QString::fromStdString(options.stateFile));
    return application.exec();
}

} // namespace tandem
