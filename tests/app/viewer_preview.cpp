// The viewer in a window of its own, to look at: viewer_preview IMAGE|phantom [MASK]. A project is made in a
// temporary folder; the network is the tests' ellipse.
#include "app/gui/document/document.h"
#include "app/gui/document/register_types.h"
#include "core/imaging/imaging.h"
#include "core/phantom/phantom.h"
#include "database/project_file.h"
#include "tests/app/ellipse_segmenter.h"
#include "tests/support/temporary_folder.h"

#include <QtGui/QGuiApplication>
#include <QtQml/QQmlApplicationEngine>
#include <QtQml/QQmlExtensionPlugin>
#include <QtQuick/QQuickWindow>

#include <cstdio>

Q_IMPORT_QML_PLUGIN(Tandem_UiPlugin)

namespace {

constexpr const char* window = R"(
import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Ui
ApplicationWindow {
    id: window
    property var document
    width: 1280; height: 860; visible: true; color: Theme.background
    Component.onCompleted: document.failed.connect(sentence => console.warn(sentence))
    RowLayout {
        anchors.fill: parent
        spacing: 0
        ColumnLayout {
            spacing: 0
            ToolStrip { document: window.document; Layout.fillWidth: true }
            ViewerGrid { document: window.document; Layout.fillWidth: true; Layout.fillHeight: true }
            ProposalBar { document: window.document; Layout.fillWidth: true }
        }
        LabelPanel { document: window.document; Layout.fillHeight: true; Layout.preferredWidth: Theme.panelWidth }
    }
}
)";

int complain(const tandem::Error& error) {
    std::fprintf(stderr, "%s\n", error.sentence.c_str());
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    using namespace tandem;
    QSurfaceFormat format;
    format.setVersion(3, 2);
    format.setProfile(QSurfaceFormat::CoreProfile);
    format.setDepthBufferSize(24);
    format.setStencilBufferSize(8);
    QSurfaceFormat::setDefaultFormat(format);
    QQuickWindow::setGraphicsApi(QSGRendererInterface::OpenGL);
    QGuiApplication app(argc, argv);
    if (argc < 2)
        return complain({ErrorCode::InvalidArgument, "viewer_preview IMAGE|phantom [MASK]"});

    LoadedImage image;
    LabelMap mask(Geometry::axisAligned({1, 1, 1}, {1, 1, 1}));
    std::vector<LabelInfo> names;
    const auto reader = makeImageReader();
    if (std::string(argv[1]) == "phantom") {
        Phantom phantom = makePhantom(phantomGrid(true), 1);
        image.volume = std::make_shared<const Volume>(std::move(phantom.image));
        mask = std::move(phantom.labels);
        names = std::move(phantom.names);
    } else {
        Result<LoadedImage> read = reader->read(argv[1]);
        if (!read)
            return complain(read.error());
        image = std::move(*read);
        mask = LabelMap(image.volume->geometry());
    }
    if (argc > 2) {
        Result<LabelMap> labels = reader->readLabels(argv[2]);
        if (!labels)
            return complain(labels.error());
        mask = std::move(*labels);
    }

    const test::TemporaryFolder folder;
    Result<std::unique_ptr<ProjectStore>> made = createProject(folder / "preview.tandem", "Preview");
    if (!made)
        return complain(made.error());
    const std::shared_ptr<ProjectStore> store = std::move(*made);
    ImageRecord record{folder / "image.nii", {}, 0, "preview", image.volume->geometry(), image.modality};
    const Result<CaseId> id = store->addCase("Preview", record);
    if (!id)
        return complain(id.error());
    for (const LabelInfo& label : names)
        (void)store->putLabel(label);

    registerDocumentTypes();
    test::EllipseSegmenter segmenter(std::chrono::milliseconds(300));
    Document document;
    document.setSegmenter(&segmenter);
    const Result<CaseRecord> opened = store->caseOf(*id);
    if (!opened)
        return complain(opened.error());
    const Result<Edit> all = editToward(LabelMap(mask.grid()), mask, EditSource::Import, {});
    if (all && !all->empty())
        (void)store->commitNow(opened->layer, {JournalAction::Do, *all, {}});
    Result<LayerContent> layer = store->loadLayer(opened->layer);
    if (!layer)
        return complain(layer.error());
    document.open(*opened, image.volume, std::move(*layer), store);

    QQmlApplicationEngine engine;
    engine.addImportPath("qrc:/qt/qml");
    engine.setInitialProperties({{"document", QVariant::fromValue(&document)}});
    engine.loadData(window);
    if (engine.rootObjects().isEmpty())
        return 1;
    const int rc = QGuiApplication::exec();
    document.setSegmenter(nullptr);
    return rc;
}
