#include "app/gui/document/register_types.h"
#include "app/gui/document/slice_item.h"
#include "tests/app/ellipse_segmenter.h"
#include "tests/app/open_case_fixture.h"

#include <QtQml/QQmlApplicationEngine>
#include <QtQml/QQmlExtensionPlugin>
#include <QtQuick/QQuickWindow>

Q_IMPORT_QML_PLUGIN(Tandem_UiPlugin)

namespace tandem {
namespace {

using test::OpenCase;

constexpr const char* windowSource = R"(
import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Ui
ApplicationWindow {
    id: window
    property var document
    width: 1000; height: 700; visible: true
    RowLayout {
        anchors.fill: parent
        ColumnLayout {
            ToolStrip { document: window.document; Layout.fillWidth: true }
            ViewerGrid { document: window.document; Layout.fillWidth: true; Layout.fillHeight: true }
            ProposalBar { document: window.document; Layout.fillWidth: true }
        }
        LabelPanel { document: window.document; Layout.fillHeight: true }
    }
}
)";

QStringList complaints;

void collect(QtMsgType type, const QMessageLogContext&, const QString& text) {
    if (type != QtDebugMsg && type != QtInfoMsg)
        complaints << text;
}

/// The viewer's QML on one open case.
struct Viewer {
    OpenCase c;
    QQmlApplicationEngine engine;
    QQuickWindow* window = nullptr;

    explicit Viewer(Size3 size = {60, 50, 20})
        : c(test::plainVolume(size, {1, 1, 2}),
            {{{1}, "liver", {255, 0, 0}, true, false}, {{2}, "spleen", {0, 0, 255}, true, false}}) {
        registerDocumentTypes();
        complaints.clear();
        previous_ = qInstallMessageHandler(collect);
        engine.addImportPath("qrc:/qt/qml");
        engine.setInitialProperties({{"document", QVariant::fromValue(&c.document)}});
        engine.loadData(windowSource);
        if (engine.rootObjects().isEmpty())
            return;
        window = qobject_cast<QQuickWindow*>(engine.rootObjects().constFirst());
        EXPECT_TRUE(QTest::qWaitForWindowExposed(window));
        window->requestActivate();
        EXPECT_TRUE(QTest::qWaitForWindowActive(window));
    }
    ~Viewer() {
        qInstallMessageHandler(previous_);
        EXPECT_EQ(complaints, QStringList()) << "QML complained: " << complaints.join("; ").toStdString();
    }
    SliceItem* slice(int plane) const {
        return window->findChild<SliceItem*>("slice" + QString::number(plane));
    }
    QPoint at(int plane, const Point<SlicePx>& p) const {
        return slice(plane)->mapToScene(slice(plane)->viewPointOf(p)).toPoint();
    }
    void click(int plane, const Point<SlicePx>& p, Qt::MouseButton button = Qt::LeftButton) const {
        QTest::mouseClick(window, button, {}, at(plane, p));
    }
    void drag(int plane, const Point<SlicePx>& from, const Point<SlicePx>& to,
              Qt::KeyboardModifiers keys = {}) const {
        QTest::mousePress(window, Qt::LeftButton, keys, at(plane, from));
        QTest::mouseMove(window, (at(plane, from) + at(plane, to)) / 2);
        QTest::mouseMove(window, at(plane, to));
        QTest::mouseRelease(window, Qt::LeftButton, keys, at(plane, to));
    }

private:
    QtMessageHandler previous_ = nullptr;
};

/// With a network that answers with the box's ellipse.
struct ProposingViewer : Viewer {
    test::EllipseSegmenter segmenter;

    ProposingViewer() { c.document.setSegmenter(&segmenter); }
    ~ProposingViewer() { c.document.setSegmenter(nullptr); }
};

TEST(ViewerQml, LoadsWithoutAWord_AndShowsThreeSlices) {
    Viewer v;
    ASSERT_NE(v.window, nullptr);
    for (int plane = 0; plane < 3; ++plane) {
        ASSERT_NE(v.slice(plane), nullptr);
        EXPECT_GT(v.slice(plane)->width(), 200);
        EXPECT_EQ(v.slice(plane)->width(), std::floor(v.slice(plane)->width()))
            << "frames must meet whole pixels";
    }
}

TEST(ViewerQml, Keys_ChooseToolsLabelsSlicesAndBrush) {
    Viewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    v.click(0, {{30, 25}});
    for (const auto& [key, tool] : {std::pair{Qt::Key_V, Document::Box},
                                    {Qt::Key_P, Document::Points},
                                    {Qt::Key_B, Document::Brush},
                                    {Qt::Key_E, Document::Eraser},
                                    {Qt::Key_L, Document::Lasso},
                                    {Qt::Key_G, Document::Grow},
                                    {Qt::Key_X, Document::Navigate}}) {
        QTest::keyClick(v.window, key);
        EXPECT_EQ(d.tool(), tool);
    }
    QTest::keyClick(v.window, Qt::Key_2);
    EXPECT_EQ(d.activeLabel(), 2);
    const double radius = d.brushRadiusMm();
    QTest::keyClick(v.window, Qt::Key_BracketRight);
    EXPECT_GT(d.brushRadiusMm(), radius);
    QTest::keyClick(v.window, Qt::Key_BracketLeft);
    EXPECT_NEAR(d.brushRadiusMm(), radius, 1e-9);
    QTest::keyClick(v.window, Qt::Key_G);
    const double tolerance = d.growTolerance();
    QTest::keyClick(v.window, Qt::Key_BracketLeft);
    EXPECT_LT(d.growTolerance(), tolerance);
    EXPECT_EQ(d.brushRadiusMm(), radius);
    QTest::keyClick(v.window, Qt::Key_X);
    const int k = d.cursorK();
    QTest::keyClick(v.window, Qt::Key_Period);
    EXPECT_EQ(d.cursorK(), k + 1);
    QTest::keyClick(v.window, Qt::Key_Comma);
    EXPECT_EQ(d.cursorK(), k);
    QTest::keyPress(v.window, Qt::Key_Space);
    EXPECT_TRUE(d.masksHidden());
    QTest::keyRelease(v.window, Qt::Key_Space);
    EXPECT_FALSE(d.masksHidden());
    const double before = v.slice(0)->width();
    QTest::keyClick(v.window, Qt::Key_M);
    EXPECT_GT(v.slice(0)->width(), 1.8 * before);
    EXPECT_FALSE(v.slice(1)->isVisible());
}

TEST(ViewerQml, APicture_OpensInItsOwnPlaneAlone_MShowsAllViews) {
    const Viewer v({60, 1, 50});
    EXPECT_EQ(v.c.document.activePlane(), 1);
    const auto visible = [&] {
        QList<bool> shown;
        for (int plane = 0; plane < 3; ++plane)
            shown << v.slice(plane)->isVisible();
        return shown;
    };
    EXPECT_EQ(visible(), QList<bool>({false, true, false}));
    QTest::keyClick(v.window, Qt::Key_M);
    EXPECT_EQ(visible(), QList<bool>({true, true, true}));
}

TEST(ViewerQml, APicture_IsFreeOfTheCrosshair_UnlessOneNavigates) {
    const auto crosshairs = [](Viewer& v, Document::Tool tool) {
        v.c.document.setTool(tool);
        const auto lines = v.window->findChildren<QQuickItem*>("crosshair");
        return std::count_if(lines.begin(), lines.end(), [](const QQuickItem* i) { return i->isVisible(); });
    };
    Viewer picture({60, 50, 1}), volume;
    EXPECT_EQ(crosshairs(picture, Document::Navigate), 1);
    EXPECT_EQ(crosshairs(picture, Document::Box), 0);
    EXPECT_EQ(crosshairs(volume, Document::Navigate), 3);
    EXPECT_EQ(crosshairs(volume, Document::Box), 3);
}

TEST(ViewerQml, ToolStrip_FitsIntoTheLeastWindow) {
    Viewer v;
    ASSERT_NE(v.window, nullptr);
    v.c.document.setTool(Document::Grow);
    for (int width : {1400, 1000, 900, 700}) { // of it the strip has 260 less
        v.window->resize(width, 600);
        QTest::qWait(50);
        const auto* strip = v.window->findChild<QQuickItem*>("toolStrip");
        ASSERT_NE(strip, nullptr);
        EXPECT_LE(strip->implicitWidth(), strip->width()) << width;
    }
}

TEST(ViewerQml, NavigateClick_MovesTheCrosshairOfAllViews) {
    Viewer v;
    ASSERT_NE(v.window, nullptr);
    v.click(0, {{11, 34}});
    EXPECT_EQ(v.c.document.cursorI(), 11);
    EXPECT_EQ(v.c.document.cursorJ(), 34);
    EXPECT_EQ(v.slice(2)->sliceIndex(), 11);
    EXPECT_EQ(v.slice(1)->sliceIndex(), 34);
}

TEST(ViewerQml, BoxEnterEsc_AcceptAndDiscard) {
    ProposingViewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    v.click(0, {{30, 25}});
    QTest::keyClick(v.window, Qt::Key_V);
    v.drag(0, {{10, 10}}, {{30, 28}});
    ASSERT_TRUE(QTest::qWaitFor([&] { return d.proposalState() == Document::Ready; }, 5000));
    EXPECT_EQ(*d.prompts().prompts().box, (SliceBox{10, 10, 30, 28}));
    QTest::keyClick(v.window, Qt::Key_Escape);
    EXPECT_EQ(d.proposalState(), Document::None);
    EXPECT_EQ(v.c.shown().count({1}), 0);

    v.drag(0, {{10, 10}}, {{30, 28}});
    ASSERT_TRUE(QTest::qWaitFor([&] { return d.proposalState() == Document::Ready; }, 5000));
    QTest::keyClick(v.window, Qt::Key_Return);
    ASSERT_TRUE(v.c.waitSaved());
    EXPECT_GT(v.c.shown().count({1}), 200);
    EXPECT_EQ(v.c.shown().labels(), v.c.onDisk().labels());
}

TEST(ViewerQml, Tab_ShowsTheNextCandidate_AndTheBarSaysWhich) {
    ProposingViewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    const auto answered = [&] {
        return QTest::qWaitFor([&] { return d.proposalState() == Document::Ready; }, 5000);
    };
    const auto seen = [&](const char* name, const char* property) {
        return v.window->findChild<QObject*>(name)->property(property);
    };
    v.click(0, {{30, 25}});
    EXPECT_FALSE(seen("nextCandidate", "visible").toBool());
    QTest::keyClick(v.window, Qt::Key_V);
    v.drag(0, {{10, 10}}, {{30, 28}});
    ASSERT_TRUE(answered());
    EXPECT_TRUE(seen("nextCandidate", "visible").toBool());
    EXPECT_EQ(seen("nextCandidate", "text").toString(), "Mask 1 of 2  Tab");
    EXPECT_FALSE(seen("candidateNote", "visible").toBool());
    QTest::keyClick(v.window, Qt::Key_Tab);
    ASSERT_TRUE(answered());
    EXPECT_EQ(d.candidate(), 1);
    EXPECT_EQ(seen("nextCandidate", "text").toString(), "Mask 2 of 2  Tab");
    EXPECT_TRUE(seen("candidateNote", "visible").toBool());
    EXPECT_EQ(seen("candidateNote", "text").toString(), "the box read the other way");
    QTest::keyClick(v.window, Qt::Key_Tab);
    ASSERT_TRUE(answered());
    EXPECT_EQ(d.candidate(), 0);
}

TEST(ViewerQml, BoxEdges_CanBeDraggedAndAskAgain) {
    ProposingViewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    d.setTool(Document::Box);
    v.drag(0, {{10, 10}}, {{30, 28}});
    v.drag(0, {{30.5, 19}}, {{40.5, 19}}); // the right edge
    EXPECT_EQ(*d.prompts().prompts().box, (SliceBox{10, 10, 40, 28}));
    v.drag(0, {{20, 19}}, {{22, 16}}); // the whole box
    EXPECT_EQ(*d.prompts().prompts().box, (SliceBox{12, 7, 42, 25}));
    EXPECT_EQ(v.segmenter.asked(), 3u);
    EXPECT_TRUE(QTest::qWaitFor([&] { return d.proposalState() == Document::Ready; }, 5000));
}

TEST(ViewerQml, PointsTool_RightClickIsBackground_RightDragIsTheWindow) {
    ProposingViewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    d.setTool(Document::Points);
    v.click(0, {{20, 20}});
    v.click(0, {{40, 20}}, Qt::RightButton);
    QTest::mouseClick(v.window, Qt::LeftButton, Qt::ShiftModifier, v.at(0, {{10, 30}}));
    const auto& points = d.prompts().prompts().points;
    ASSERT_EQ(points.size(), 3u);
    EXPECT_TRUE(points[0].foreground);
    EXPECT_FALSE(points[1].foreground);
    EXPECT_FALSE(points[2].foreground);
    EXPECT_NEAR(points[1].at[0], 40, 0.2);
    const double width = d.windowWidth();
    QTest::mousePress(v.window, Qt::RightButton, {}, v.at(0, {{10, 10}}));
    QTest::mouseMove(v.window, v.at(0, {{20, 10}}));
    QTest::mouseMove(v.window, v.at(0, {{40, 10}}));
    QTest::mouseRelease(v.window, Qt::RightButton, {}, v.at(0, {{40, 10}}));
    EXPECT_GT(d.windowWidth(), 1.1 * width);
    EXPECT_EQ(d.promptPoints(), 3) << "a drag of the window must not leave a point behind";
}

void expectStroke(const PointPrompt& p, const Point<SlicePx>& from, const Point<SlicePx>& to,
                  bool foreground) {
    EXPECT_TRUE(p.isScribble());
    EXPECT_EQ(p.foreground, foreground);
    for (std::size_t axis = 0; axis < 2; ++axis) {
        EXPECT_NEAR(p.at[axis], from[axis], 0.2);
        EXPECT_NEAR(verticesOf(p).back()[axis], to[axis], 0.2);
    }
}

TEST(ViewerQml, PointsTool_ADragIsAScribble_BackspaceTakesItBackAsOne) {
    ProposingViewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    v.click(0, {{30, 25}});
    QTest::keyClick(v.window, Qt::Key_P);
    v.click(0, {{20, 20}});
    v.drag(0, {{10, 12}}, {{30, 28}});
    v.drag(0, {{40, 10}}, {{45, 40}}, Qt::ShiftModifier);
    const auto& points = d.prompts().prompts().points;
    ASSERT_EQ(points.size(), 3u);
    EXPECT_FALSE(points[0].isScribble());
    expectStroke(points[1], {{10, 12}}, {{30, 28}}, true);
    expectStroke(points[2], {{40, 10}}, {{45, 40}}, false);
    EXPECT_EQ(v.slice(0)->scribbles().size(), 2);
    EXPECT_EQ(v.slice(0)->promptPoints().size(), 1);
    EXPECT_EQ(v.slice(1)->scribbles().size(), 0) << "a scribble is on the slice it was drawn on";
    QTest::keyClick(v.window, Qt::Key_Backspace);
    ASSERT_EQ(points.size(), 2u);
    expectStroke(points[1], {{10, 12}}, {{30, 28}}, true);
    ASSERT_TRUE(QTest::qWaitFor([&] { return d.proposalState() == Document::Ready; }, 5000));
    const std::vector<PointPrompt> accepted = points;
    QTest::keyClick(v.window, Qt::Key_Return);
    ASSERT_TRUE(v.c.waitSaved());
    EXPECT_EQ(v.c.store->promptRecords(v.c.record().layer)->back().prompts.points, accepted);
}

TEST(ViewerQml, ScribbleInTheHand_IsShown_EscDropsItAlone) {
    ProposingViewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    d.setTool(Document::Points);
    v.click(0, {{20, 20}});
    const QPoint from = v.at(0, {{10, 30}}), to = v.at(0, {{30, 30}});
    QTest::mousePress(v.window, Qt::LeftButton, {}, from);
    QTest::mouseMove(v.window, from + QPoint(4, 1)); // a hand that clicks
    EXPECT_EQ(v.slice(0)->scribbles().size(), 0);
    QTest::mouseMove(v.window, to);
    ASSERT_EQ(v.slice(0)->scribbles().size(), 1);
    const QVariantList path = v.slice(0)->scribbles().front().toMap().value("path").toList();
    const QPointF end = v.slice(0)->mapToScene(path.back().toPointF());
    EXPECT_LT((end - QPointF(to)).manhattanLength(), 2);
    EXPECT_EQ(d.promptPoints(), 1) << "a question was asked before the mouse let go";
    const int k = d.cursorK();
    QWheelEvent wheel(to, v.window->mapToGlobal(to), {}, {0, 120}, Qt::LeftButton, {}, Qt::NoScrollPhase,
                      false);
    QCoreApplication::sendEvent(v.window, &wheel);
    EXPECT_EQ(d.cursorK(), k);
    QTest::keyClick(v.window, Qt::Key_Escape);
    EXPECT_EQ(v.slice(0)->scribbles().size(), 0);
    QTest::mouseRelease(v.window, Qt::LeftButton, {}, to);
    EXPECT_EQ(d.promptPoints(), 1);
}

TEST(ViewerQml, PointsTool_AnUnsteadyClickIsAClick_AndAScribbleStaysOnTheImage) {
    ProposingViewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    d.setTool(Document::Points);
    const QPoint at = v.at(0, {{20, 20}});
    QTest::mousePress(v.window, Qt::LeftButton, {}, at);
    QTest::mouseMove(v.window, at + QPoint(3, 2));
    QTest::mouseRelease(v.window, Qt::LeftButton, {}, at + QPoint(3, 2));
    v.drag(0, {{50, 20}}, {{70, 20}}); // the image ends at 59
    const auto& points = d.prompts().prompts().points;
    ASSERT_EQ(points.size(), 2u);
    EXPECT_FALSE(points[0].isScribble());
    EXPECT_NEAR(points[0].at[0], 20, 0.2);
    expectStroke(points[1], {{50, 20}}, {{59, 20}}, true);
}

// Voxels of a label on the slice that a view shows, by the definition of `inside` at their centres.
template <class Inside>
void expectOnSlice(Viewer& v, std::uint16_t label, const Inside& inside) {
    const Document& d = v.c.document;
    std::int64_t taken = 0;
    for (std::int64_t j = 0; j < 50; ++j)
        for (std::int64_t i = 0; i < 60; ++i) {
            taken += inside(i, j);
            ASSERT_EQ(v.c.shown().at({i, j, d.cursorK()}).value == label, inside(i, j)) << i << "," << j;
        }
    EXPECT_GT(taken, 20);
    EXPECT_EQ(v.c.shown().count({label}), taken) << "another slice changed";
}

TEST(ViewerQml, Lasso_TakesWhatTheMouseGoesRound_WithShiftItGoes) {
    Viewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    d.setTool(Document::Lasso);
    const auto round = [&](double x0, double y0, double x1, double y1, Qt::KeyboardModifiers keys) {
        QTest::mousePress(v.window, Qt::LeftButton, keys, v.at(0, {{x0, y0}}));
        for (const Point<SlicePx>& p : {Point<SlicePx>{{x1, y0}}, {{x1, y1}}, {{x0, y1}}})
            QTest::mouseMove(v.window, v.at(0, p));
        EXPECT_GE(v.slice(0)->lasso().size(), 4);
        EXPECT_EQ(v.slice(1)->lasso().size(), 0);
        QTest::mouseRelease(v.window, Qt::LeftButton, keys, v.at(0, {{x0, y1}}));
        ASSERT_TRUE(v.c.waitSaved());
        EXPECT_EQ(v.slice(0)->lasso().size(), 0);
    };
    round(10.5, 8.5, 30.5, 28.5, {});
    const auto in = [](std::int64_t i, std::int64_t j, int x0, int y0, int x1, int y1) {
        return i > x0 && j > y0 && i <= x1 && j <= y1;
    };
    expectOnSlice(v, 1, [&](std::int64_t i, std::int64_t j) { return in(i, j, 10, 8, 30, 28); });
    round(20.5, 4.5, 40.5, 18.5, Qt::ShiftModifier);
    expectOnSlice(v, 1, [&](std::int64_t i, std::int64_t j) {
        return in(i, j, 10, 8, 30, 28) && !in(i, j, 20, 4, 40, 18);
    });
}

TEST(ViewerQml, Grow_ADragToTheRightTakesMore_EscapeTakesItBack) {
    Viewer v; // grey values rise along i by one a voxel, and along j by 60 modulo 251
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    d.setTool(Document::Grow);
    d.setGrowTolerance(4);
    const QPoint at = v.at(0, {{30, 25}});
    const auto taken = [&] {
        const auto& inside = d.stroke()->mask().inside;
        return std::count(inside.begin(), inside.end(), 1);
    };
    QTest::mousePress(v.window, Qt::LeftButton, {}, at);
    ASSERT_NE(d.stroke(), nullptr);
    const auto first = taken();
    EXPECT_GE(first, 5);
    QTest::mouseMove(v.window, at + QPoint(80, 0));
    EXPECT_NEAR(d.growTolerance(), 8, 1e-9);
    const auto more = taken();
    EXPECT_GT(more, first);
    QTest::mouseMove(v.window, at + QPoint(-80, 0));
    EXPECT_NEAR(d.growTolerance(), 2, 1e-9);
    EXPECT_LT(taken(), first);
    QTest::mouseMove(v.window, at + QPoint(80, 0));
    QTest::mouseRelease(v.window, Qt::LeftButton, {}, at + QPoint(80, 0));
    ASSERT_TRUE(v.c.waitSaved());
    EXPECT_EQ(v.c.shown().count({1}), more);
    QTest::mousePress(v.window, Qt::LeftButton, Qt::ShiftModifier, at);
    QTest::keyClick(v.window, Qt::Key_Escape);
    QTest::mouseRelease(v.window, Qt::LeftButton, Qt::ShiftModifier, at);
    ASSERT_TRUE(v.c.waitSaved());
    EXPECT_EQ(v.c.shown().count({1}), more);
    QTest::mouseClick(v.window, Qt::LeftButton, Qt::ShiftModifier, at);
    ASSERT_TRUE(v.c.waitSaved());
    EXPECT_EQ(v.c.shown().count({1}), 0);
}

TEST(ViewerQml, WheelDuringAStroke_DoesNotLeaveTheSlice) {
    Viewer v;
    ASSERT_NE(v.window, nullptr);
    Document& d = v.c.document;
    d.setTool(Document::Brush);
    const int k = d.cursorK();
    QTest::mousePress(v.window, Qt::LeftButton, {}, v.at(0, {{20, 20}}));
    const QPoint at = v.at(0, {{22, 20}});
    QWheelEvent wheel(at, v.window->mapToGlobal(at), {}, {0, 120}, Qt::LeftButton, {}, Qt::NoScrollPhase,
                      false);
    QCoreApplication::sendEvent(v.window, &wheel);
    EXPECT_EQ(d.cursorK(), k);
    QTest::mouseRelease(v.window, Qt::LeftButton, {}, at);
    ASSERT_TRUE(v.c.waitSaved());
    EXPECT_GT(v.c.shown().count({1}), 0);
    QWheelEvent after(at, v.window->mapToGlobal(at), {}, {0, 120}, {}, {}, Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(v.window, &after);
    EXPECT_EQ(d.cursorK(), k + 1);
}

} // namespace
} // namespace tandem
