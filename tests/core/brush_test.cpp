#include "core/tools/brush.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tandem {
namespace {

// The definition, by brute force: the distance to the line sampled finely is never below the true distance,
// and at most `slack` above it, so a voxel whose distance is further than that from the radius has a known
// answer.
double sampledDistanceMm(double x, double y, const Point<SlicePx>& a, const Point<SlicePx>& b,
                         std::array<double, 2> mm) {
    double best = INFINITY;
    constexpr int steps = 4000;
    for (int n = 0; n <= steps; ++n) {
        const double t = static_cast<double>(n) / steps;
        const double dx = (x - (a[0] + t * (b[0] - a[0]))) * mm[0];
        const double dy = (y - (a[1] + t * (b[1] - a[1]))) * mm[1];
        best = std::min(best, std::hypot(dx, dy));
    }
    return best;
}

TEST(Brush, Leg_MarksExactlyTheVoxelsWithinTheRadius) {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> place(-6, 30), radius(0.3, 9), spacing(0.4, 5);
    std::size_t in = 0, out = 0;
    for (int trial = 0; trial < 40; ++trial) {
        const Point<SlicePx> a{{place(random), place(random)}};
        const Point<SlicePx> b = trial % 4 == 0 ? a : Point<SlicePx>{{place(random), place(random)}};
        const std::array<double, 2> mm{spacing(random), spacing(random)};
        const double r = radius(random);
        SliceMask mask(24, 19);
        brushLeg(mask, a, b, r, mm);
        const double legMm = std::hypot((b[0] - a[0]) * mm[0], (b[1] - a[1]) * mm[1]);
        const double slack = legMm / 4000 + 1e-9;
        for (std::int64_t y = 0; y < mask.height; ++y)
            for (std::int64_t x = 0; x < mask.width; ++x) {
                const double d = sampledDistanceMm(static_cast<double>(x), static_cast<double>(y), a, b, mm);
                if (std::abs(d - r) <= slack)
                    continue;
                EXPECT_EQ(mask.at(x, y) != 0, d < r) << "voxel " << x << "," << y << " trial " << trial;
                ++(d < r ? in : out);
            }
    }
    EXPECT_GT(in, 1000u); // the trials do mark and leave out many voxels
    EXPECT_GT(out, 1000u);
}

TEST(Brush, Dab_IsRoundInMillimetresOnUnequalSpacing) {
    SliceMask mask(41, 41);
    const SliceRect touched = brushLeg(mask, {{20, 20}}, {{20, 20}}, 6.0, {1.0, 3.0});
    EXPECT_EQ(touched, (SliceRect{14, 18, 26, 22}));
    EXPECT_TRUE(mask.at(26, 20));
    EXPECT_TRUE(mask.at(20, 22));
    EXPECT_FALSE(mask.at(26, 21)); // 6 mm across and 3 mm down is 6.7 mm away
}

TEST(Brush, Leg_ReturnsTheRectangleOfMarkedVoxelsAndStaysOnTheSlice) {
    SliceMask mask(10, 10);
    const SliceRect touched = brushLeg(mask, {{-5, 4}}, {{50, 4}}, 0.6, {1, 1});
    EXPECT_EQ(touched, (SliceRect{0, 4, 9, 4}));
    EXPECT_TRUE(brushLeg(mask, {{-50, -50}}, {{-40, -20}}, 3, {1, 1}).empty());
}

TEST(Brush, VoxelUnder_TakesTheVoxelThatCoversThePoint) {
    SliceMask mask(4, 3);
    EXPECT_EQ(brushVoxelUnder(mask, {{2.49, 0.51}}), (SliceRect{2, 1, 2, 1}));
    EXPECT_TRUE(mask.at(2, 1));
    EXPECT_EQ(brushVoxelUnder(mask, {{-0.5, -0.5}}), (SliceRect{0, 0, 0, 0}));
    EXPECT_TRUE(brushVoxelUnder(mask, {{3.5, 0}}).empty());
    EXPECT_TRUE(brushVoxelUnder(mask, {{0, -0.51}}).empty());
}

} // namespace
} // namespace tandem
