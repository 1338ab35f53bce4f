#include "app/gui/document/slice_item.h"
#include "tests/app/open_case_fixture.h"

#include <QtGui/QImage>
#include <QtQuick/QQuickWindow>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

using test::OpenCase;

constexpr int viewWidth = 420, viewHeight = 360;

// The demo abdomen sampled on a grid whose array axis a runs along LPS axis order[a], forwards or backwards,
// always covering the same part of the patient, with unequal spacings.
Geometry reordered(std::array<int, 3> order, std::array<int, 3> sign) {
    constexpr std::array<double, 3> mm{4.0, 4.5, 8.0}; // along L, P, S
    constexpr std::array<std::int64_t, 3> count{86, 64, 36};
    Affine<Patient, Voxel> m;
    Size3 size{};
    for (std::size_t a = 0; a < 3; ++a) {
        const auto lps = static_cast<std::size_t>(order[a]);
        size[a] = count[lps];
        m.linear[lps][a] = sign[a] * mm[lps];
        m.offset[lps] = -sign[a] * mm[lps] * static_cast<double>(count[lps] - 1) / 2;
    }
    return Geometry::make(size, m).value();
}

// The same abdomen on another order of axes: every voxel is looked up at its place in the patient.
template <class Value>
std::vector<Value> resorted(const Geometry& from, const std::vector<Value>& values, const Geometry& to) {
    std::vector<Value> out;
    const Size3 size = to.size();
    for (std::int64_t k = 0; k < size[2]; ++k)
        for (std::int64_t j = 0; j < size[1]; ++j)
            for (std::int64_t i = 0; i < size[0]; ++i) {
                const VoxelIndex v =
                    nearestVoxel(from.voxelFromPatient()(to.patientFromVoxel()(centreOf({i, j, k}))));
                out.push_back(values.at(static_cast<std::size_t>(from.offsetOf(v))));
            }
    return out;
}

// Middle of a label in the patient.
Point<Patient> middleOf(const LabelMap& map, LabelId label) {
    Point<Patient> sum;
    double n = 0;
    const Size3 size = map.grid().size();
    for (std::int64_t k = 0; k < size[2]; ++k)
        for (std::int64_t j = 0; j < size[1]; ++j)
            for (std::int64_t i = 0; i < size[0]; ++i)
                if (map.at({i, j, k}) == label) {
                    sum = sum + (map.grid().patientFromVoxel()(centreOf({i, j, k})) - Point<Patient>{});
                    ++n;
                }
    for (double& c : sum.v)
        c /= n;
    return sum;
}

// Where radiological convention puts a patient point on a fitted view, from the convention alone: the
// screen's axes in LPS for each plane, the same millimetres everywhere, the image's box in the middle.
QPointF expectedOnScreen(Plane plane, const Point<Patient>& p) {
    constexpr std::array<double, 3> extentMm{86 * 4.0, 64 * 4.5, 36 * 8.0};
    const std::size_t across = plane == Plane::Sagittal ? 1 : 0, down = plane == Plane::Axial ? 1 : 2;
    const double downSign = plane == Plane::Axial ? 1 : -1; // axial: posterior is down; else inferior is down
    const double scale = std::min(viewWidth / extentMm[across], viewHeight / extentMm[down]);
    return {viewWidth / 2.0 + scale * p[across], viewHeight / 2.0 + scale * downSign * p[down]};
}

struct Window {
    QQuickWindow window;
    SliceItem item;

    explicit Window(Document& document) {
        window.resize(viewWidth, viewHeight);
        item.setParentItem(window.contentItem());
        item.setSize({viewWidth, viewHeight});
        item.setDocument(&document);
        window.show();
        EXPECT_TRUE(QTest::qWaitForWindowExposed(&window));
    }
};

void putCursorAt(Document& document, const Point<Patient>& p) {
    document.setCursor(nearestVoxel(document.geometry().voxelFromPatient()(p)));
}

// A dab with the mouse on the left kidney, in one plane of one grid.
void drawOnLeftKidney(const Phantom& phantom, const Geometry& grid, Plane plane) {
    const Geometry& from = phantom.labels.grid();
    const Point<Patient> kidney = middleOf(phantom.labels, phantom_label::leftKidney);
    ASSERT_GT(kidney[0], 20) << "the phantom's left kidney must be on the patient's left";
    const auto grey = resorted(from, std::get<std::vector<std::int16_t>>(phantom.image.values()), grid);
    const auto truth = resorted(from, phantom.labels.labels(), grid);
    OpenCase c(std::make_shared<const Volume>(Volume::make(grid, grey).value()), {phantom.names.front()});
    Window w(c.document);
    w.item.setPlaneNumber(static_cast<int>(plane));
    putCursorAt(c.document, kidney);
    c.document.setTool(Document::Brush);
    c.document.setBrushRadiusMm(9);

    const QPointF at = expectedOnScreen(plane, kidney);
    const QImage before = w.window.grabWindow();
    QTest::mousePress(&w.window, Qt::LeftButton, {}, at.toPoint());
    QTest::mouseRelease(&w.window, Qt::LeftButton, {}, at.toPoint());
    ASSERT_TRUE(c.waitSaved());

    const LabelMap drawn = c.onDisk();
    std::int64_t count = 0;
    for (std::size_t n = 0; n < drawn.labels().size(); ++n)
        if (drawn.labels()[n]) {
            ++count;
            EXPECT_EQ(truth[n], phantom_label::leftKidney.value) << "voxel " << n;
        }
    EXPECT_GE(count, 6);
    const QImage after = w.window.grabWindow();
    EXPECT_NE(after.pixel(at.toPoint()), before.pixel(at.toPoint())) << "the dab is not where the mouse was";
    const QPoint mirrored(viewWidth - 1 - at.toPoint().x(), at.toPoint().y());
    if (plane != Plane::Sagittal) {
        EXPECT_EQ(after.pixel(mirrored), before.pixel(mirrored)) << "the other side changed";
    }
}

TEST(SliceItem, All48Orders_MouseOnTheLeftKidneyDrawsTheLeftKidney) {
    const Phantom phantom = makePhantom(reordered({0, 1, 2}, {1, 1, 1}), 3);
    std::array<int, 3> order{0, 1, 2};
    int seen = 0;
    do
        for (int bits = 0; bits < 8; ++bits, ++seen)
            for (Plane plane : {Plane::Axial, Plane::Coronal, Plane::Sagittal}) {
                SCOPED_TRACE(::testing::Message() << "order " << order[0] << order[1] << order[2] << " signs "
                                                  << bits << " " << planeName(plane));
                drawOnLeftKidney(phantom,
                                 reordered(order, {bits & 1 ? -1 : 1, bits & 2 ? -1 : 1, bits & 4 ? -1 : 1}),
                                 plane);
            }
    while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(seen, 48);
}

TEST(SliceItem, EveryVoxel_CoversExactlyItsPixelsOnTheScreen) {
    OpenCase c(test::plainVolume({20, 17, 9}, {1.7, 1.1, 3.0}), {{{1}, "a", {255, 0, 0}, true, false}});
    Window w(c.document);
    for (int plane = 0; plane < 3; ++plane) {
        w.item.setPlaneNumber(plane);
        w.item.zoomBy(1.37);
        const Affine<ViewPx, SlicePx> view = w.item.view().viewFromSlice();
        const auto size = sliceSize(c.document.geometry(), w.item.plane());
        for (std::int64_t y = 0; y < size[1]; ++y)
            for (std::int64_t x = 0; x < size[0]; ++x)
                for (const double d : {-0.499, 0.0, 0.499}) {
                    const Point<ViewPx> p =
                        view(Point<SlicePx>{{static_cast<double>(x) + d, static_cast<double>(y) - d}});
                    EXPECT_EQ(w.item.voxelUnder({p[0], p[1]}),
                              voxelAt(c.document.geometry(), c.document.sliceOf(w.item.plane()), x, y));
                }
    }
}

TEST(SliceItem, BoxDrag_PromptsTheVoxelsUnderTheCornersInclusive) {
    OpenCase c(test::plainVolume({30, 20, 9}, {1, 2, 3}), {{{1}, "a", {255, 0, 0}, true, false}});
    Window w(c.document);
    c.document.setTool(Document::Box);
    const VoxelIndex a{4, 5, 0}, b{17, 12, 0};
    const QPoint from = w.item.viewPointOf({{4, 5}}).toPoint(), to = w.item.viewPointOf({{17, 12}}).toPoint();
    ASSERT_EQ(w.item.voxelUnder(from).i, a.i);
    // Dragged from the lower right corner to the upper left one: the box is the same.
    QTest::mousePress(&w.window, Qt::LeftButton, {}, to);
    QTest::mouseMove(&w.window, (from + to) / 2);
    QTest::mouseMove(&w.window, from);
    QTest::mouseRelease(&w.window, Qt::LeftButton, {}, from);
    ASSERT_TRUE(c.document.prompts().prompts().box.has_value());
    EXPECT_EQ(*c.document.prompts().prompts().box,
              (SliceBox{4, 5, static_cast<double>(b.i), static_cast<double>(b.j)}));
    const QRectF shown = w.item.boxRect();
    const QPointF corner = w.item.viewPointOf({{3.5, 4.5}});
    EXPECT_NEAR(shown.left(), corner.x(), 1e-6);
    EXPECT_NEAR(shown.top(), corner.y(), 1e-6);
}

TEST(SliceItem, WheelZoomPan_KeepThePointUnderTheMouse) {
    OpenCase c(test::plainVolume({30, 20, 9}, {1, 2, 3}));
    Window w(c.document);
    const QPointF mouse(130, 95);
    QTest::mouseMove(&w.window, mouse.toPoint());
    const Point<SlicePx> before = w.item.slicePointAt(mouse);
    w.item.zoomBy(2.5);
    const Point<SlicePx> after = w.item.slicePointAt(mouse);
    EXPECT_NEAR(before[0], after[0], 1e-9);
    EXPECT_NEAR(before[1], after[1], 1e-9);
    QTest::mousePress(&w.window, Qt::MiddleButton, {}, mouse.toPoint());
    QTest::mouseMove(&w.window, {160, 120});
    QTest::mouseRelease(&w.window, Qt::MiddleButton, {}, {160, 120});
    const Point<SlicePx> panned = w.item.slicePointAt({160, 120});
    EXPECT_NEAR(before[0], panned[0], 1e-6);
    EXPECT_NEAR(before[1], panned[1], 1e-6);
}

TEST(SliceItem, StepSlice_LeadsTowardsTheHeadInEveryOrder) {
    for (int sign : {-1, 1}) {
        const Geometry g = reordered({2, 0, 1}, {sign, 1, 1});
        std::vector<std::int16_t> zero(static_cast<std::size_t>(g.voxelCount()));
        OpenCase c(std::make_shared<const Volume>(Volume::make(g, zero).value()));
        const double before = g.patientFromVoxel()(centreOf(c.document.cursor()))[2];
        c.document.stepSlice(0, 3);
        EXPECT_NEAR(g.patientFromVoxel()(centreOf(c.document.cursor()))[2] - before, 3 * 8.0, 1e-9);
    }
}

} // namespace
} // namespace tandem
