// Lasso and growing region on a document with the real store.
#include "tests/app/open_case_fixture.h"

#include <cmath>

namespace tandem {
namespace {

using test::OpenCase;
using test::slice5;
using test::twoLabels;
using test::voxelsOf;

// Left half 100, right half 200, a column of 130 in the left half's middle; 24 x 20 x 16.
std::shared_ptr<const Volume> halves() {
    const Geometry g = Geometry::axisAligned({24, 20, 16}, {1, 1, 2});
    std::vector<std::int16_t> values;
    for (std::int64_t n = 0; n < g.voxelCount(); ++n) {
        const std::int64_t i = n % 24;
        values.push_back(static_cast<std::int16_t>(i >= 12 ? 200 : i >= 5 && i < 8 ? 130 : 100));
    }
    return std::make_shared<const Volume>(Volume::make(g, values).value());
}

void lasso(OpenCase& c, std::vector<Point<SlicePx>> way, bool erase = false) {
    ASSERT_TRUE(c.document.beginLasso(slice5, way.front(), erase));
    for (const Point<SlicePx>& p : way)
        c.document.extendStroke(p);
    c.document.endStroke();
    ASSERT_TRUE(c.waitSaved());
}

void grow(OpenCase& c, const Point<SlicePx>& at, bool erase = false) {
    ASSERT_TRUE(c.document.beginGrow(slice5, at, erase));
    c.document.endStroke();
    ASSERT_TRUE(c.waitSaved());
}

// The columns of row 4 that hold a label, as text.
std::string row(OpenCase& c) {
    std::string text;
    for (std::int64_t i = 0; i < 24; ++i)
        text += static_cast<char>('0' + c.onDisk().at({i, 4, 5}).value);
    return text;
}

TEST(Lasso, WritesWhatItGoesRound_ErasesTheActiveLabelAlone) {
    OpenCase c(halves(), twoLabels);
    lasso(c, {{{2.5, 2.5}}, {{9.5, 2.5}}, {{9.5, 6.5}}, {{2.5, 6.5}}});
    EXPECT_EQ(voxelsOf(c.onDisk(), 1), 7 * 4);
    EXPECT_EQ(row(c), "000111111100000000000000");
    EXPECT_EQ(c.document.undoTitle(), "Lasso, liver, axial 5");
    c.document.selectLabel(2);
    lasso(c, {{{8.5, 0.5}}, {{14.5, 0.5}}, {{14.5, 8.5}}, {{8.5, 8.5}}});
    EXPECT_EQ(row(c), "000111111222222000000000"); // as a brush: the label in the hand wins
    lasso(c, {{{5.5, 0.5}}, {{11.5, 0.5}}, {{11.5, 8.5}}, {{5.5, 8.5}}}, true);
    EXPECT_EQ(row(c), "000111111000222000000000"); // the other label stays
    EXPECT_EQ(c.document.undoTitle(), "Lasso, erasing, spleen, axial 5");
    c.document.undo();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(row(c), "000111111222222000000000");
}

TEST(Lasso, IsShownAsItWillBe_AndEscapeDropsIt) {
    OpenCase c(halves(), twoLabels);
    ASSERT_TRUE(c.document.beginLasso(slice5, {{2.5, 2.5}}, false));
    c.document.extendStroke({{9.5, 2.5}});
    c.document.extendStroke({{9.5, 6.5}});
    ASSERT_NE(c.document.stroke(), nullptr);
    EXPECT_EQ(c.document.stroke()->mask().at(8, 4), 1); // closed by a straight line
    EXPECT_EQ(c.document.stroke()->mask().at(4, 6), 0);
    c.document.extendStroke({{2.5, 6.5}});
    EXPECT_EQ(c.document.stroke()->mask().at(4, 6), 1);
    c.document.cancel();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(voxelsOf(c.onDisk(), 1), 0);
    EXPECT_FALSE(c.document.canUndo());
}

TEST(Lasso, LeavesLockedLabelsAlone) {
    OpenCase c(halves(), twoLabels);
    lasso(c, {{{2.5, 2.5}}, {{9.5, 2.5}}, {{9.5, 6.5}}, {{2.5, 6.5}}});
    c.document.setLabelLocked(1, true);
    EXPECT_FALSE(c.document.beginLasso(slice5, {{3, 3}}, true));
    EXPECT_EQ(c.sentences.size(), 1);
    c.document.selectLabel(2);
    lasso(c, {{{5.5, 0.5}}, {{14.5, 0.5}}, {{14.5, 8.5}}, {{5.5, 8.5}}});
    EXPECT_EQ(row(c), "000111111122222000000000");
}

TEST(Grow, TakesWhatIsLikeTheVoxelClicked_ItsSliceAlone) {
    OpenCase c(halves(), twoLabels);
    c.document.setGrowTolerance(10);
    grow(c, {{14.2, 3.9}});
    EXPECT_EQ(row(c), "000000000000011111111111"); // 200 +- 10 once the edge is blurred by 0.7 px
    EXPECT_EQ(voxelsOf(c.onDisk(), 1), 11 * 20);
    EXPECT_EQ(c.document.undoTitle(), "Region, liver, axial 5");
    c.document.undo();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(voxelsOf(c.onDisk(), 1), 0);
}

TEST(Grow, TheToleranceInTheHandCounts_AndIsKept) {
    OpenCase c(halves(), twoLabels);
    c.document.setGrowTolerance(5);
    ASSERT_TRUE(c.document.beginGrow(slice5, {{2, 4}}, false));
    ASSERT_NE(c.document.stroke(), nullptr);
    EXPECT_EQ(c.document.stroke()->mask().at(6, 4), 0);
    c.document.setGrowTolerance(35);
    EXPECT_EQ(c.document.stroke()->mask().at(6, 4), 1);
    EXPECT_EQ(c.document.stroke()->mask().at(14, 4), 0);
    c.document.endStroke();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(row(c).substr(0, 12), "111111111111");
    EXPECT_EQ(c.document.growTolerance(), 35);
}

TEST(Grow, StopsAtOtherLabels_AndTakesAwayFromItsOwnAlone) {
    OpenCase c(halves(), twoLabels);
    c.document.setBrushRadiusMm(0.5);
    c.document.selectLabel(2);
    c.stroke(slice5, {{17, 0}}, {{17, 19}}); // a wall of spleen
    ASSERT_TRUE(c.waitSaved());
    c.document.selectLabel(1);
    c.document.setGrowTolerance(10);
    grow(c, {{15, 4}});
    EXPECT_EQ(row(c), "000000000000011112000000");
    grow(c, {{20, 4}});
    EXPECT_EQ(row(c), "000000000000011112111111");
    grow(c, {{20, 4}}, true);
    EXPECT_EQ(row(c), "000000000000011112000000");
    EXPECT_EQ(c.document.undoTitle(), "Region, erasing, liver, axial 5");
    grow(c, {{17, 4}}, true); // a voxel of another label: nothing to take
    EXPECT_EQ(row(c), "000000000000011112000000");
}

TEST(Grow, ToleranceFollowsTheImage) {
    OpenCase c(halves(), twoLabels);
    EXPECT_NEAR(c.document.growTolerance(), c.document.windowWidth() / 16, 1e-9);
    c.document.setGrowTolerance(1e9);
    EXPECT_EQ(c.document.growTolerance(), c.document.maxGrowTolerance());
    c.document.setGrowTolerance(std::nan(""));
    EXPECT_EQ(c.document.growTolerance(), c.document.maxGrowTolerance());
}

} // namespace
} // namespace tandem
