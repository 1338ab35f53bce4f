#include "core/measure/components.h"
#include "core/measure/distance_transform.h"
#include "core/measure/overlap.h"
#include "core/measure/random_walker.h"
#include "core/measure/surface_dice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tandem {
namespace {

#include "measure_expected.inc" // by make_expected.py: numpy and scipy

TEST(Dice, CountsTwiceTheOverlap) {
    EXPECT_EQ(dice(std::vector<std::uint8_t>{1, 1, 0, 0}, std::vector<std::uint8_t>{0, 7, 1, 1}), 2.0 / 5);
    EXPECT_EQ(dice(std::vector<std::uint8_t>{0, 0}, std::vector<std::uint8_t>{0, 0}), 1.0);
    EXPECT_EQ(dice(std::vector<std::uint8_t>{1, 0}, std::vector<std::uint8_t>{0, 1}), 0.0);
}

// By hand: probabilities 0.8, 0.6 in the mask, 0.25 and 0.2 beside it; what nobody doubts adds nothing.
TEST(ExpectedIou, IsTheOverlapWithTheProbabilities) {
    const auto odds = [](double p) { return static_cast<float>(std::log(p / (1 - p))); };
    std::vector<float> logits{odds(0.8), odds(0.6), odds(0.25), odds(0.2)};
    EXPECT_NEAR(expectedIou(logits), 1.4 / 2.45, 1e-6);
    logits.resize(100000, -10);
    EXPECT_NEAR(expectedIou(logits), 1.4 / 2.45, 1e-6);
    logits[4] = 10;
    EXPECT_NEAR(expectedIou(logits), 2.4 / 3.45, 1e-6);
    EXPECT_EQ(expectedIou(std::vector<float>{-1, -2}), 0.0);
}

TEST(SquaredDistance, UnequalSpacing_EqualsScipy) {
    const std::vector<double> d = squaredDistance(distanceFeature, {8, 6, 4}, {1.3, 0.7, 2.5});
    ASSERT_EQ(d.size(), distanceExpected.size());
    for (std::size_t i = 0; i < d.size(); ++i)
        EXPECT_NEAR(d[i], distanceExpected[i], 1e-6);
}

TEST(SquaredDistance, NoFeature_IsInfinite) {
    for (double d : squaredDistance(std::vector<std::uint8_t>(12), {4, 3, 1}))
        EXPECT_TRUE(std::isinf(d));
}

TEST(Components, SizesEqualScipyForFacesAndCorners) {
    for (bool full : {false, true}) {
        const Components c = connectedComponents(componentMask, {12, 10, 3}, full);
        std::vector<double> sizes(c.voxels.begin() + 1, c.voxels.end());
        std::sort(sizes.begin(), sizes.end());
        EXPECT_EQ(sizes, full ? componentSizesCorners : componentSizesFaces);
        EXPECT_EQ(static_cast<double>(c.voxels[static_cast<std::size_t>(c.largest())]), sizes.back());
    }
}

// Truth: by hand. A row of one, a pair, a diagonal pair and a three.
TEST(Components, DropSpecks_TurnsSmallOnes_ButNotThosePointedAt) {
    const std::vector<float> before{2, -1, 1,  1,  -1, 3,  -1, -1, 1,  1,  1,  -1, //
                                    0, -1, -2, -2, -1, -1, 4,  -1, -1, -1, -1, -1};
    const auto kept = [&](bool full, std::vector<std::uint8_t> pointedAt) {
        std::vector<float> logits = before;
        const Components parts = dropSpecks(logits, {12, 2, 1}, 2, full, pointedAt);
        EXPECT_EQ(parts.count(), full ? 4 : 5);
        return logits;
    };
    std::vector<float> expected = before;
    expected[0] = -2;
    EXPECT_EQ(kept(true, {}), expected); // across a corner a pair hangs together
    std::vector<std::uint8_t> pointedAt(before.size());
    pointedAt[5] = 1;
    pointedAt[0] = 2;
    expected[18] = -4;
    EXPECT_EQ(kept(false, pointedAt), expected);
}

TEST(Components, Innermost_IsTheMiddleOfADisc) {
    std::vector<std::uint8_t> mask(20 * 15);
    for (int y = 0; y < 15; ++y)
        for (int x = 0; x < 20; ++x)
            mask[static_cast<std::size_t>(y * 20 + x)] =
                std::hypot(x - 12, y - 7) <= 4.5 || (x == 1 && y == 1);
    const Components c = connectedComponents(mask, {20, 15, 1});
    EXPECT_EQ(c.count(), 2);
    EXPECT_EQ(innermost(c, c.largest(), 20, 15), (std::array<std::int64_t, 2>{12, 7}));
    EXPECT_EQ(innermost(c, 1, 20, 15), (std::array<std::int64_t, 2>{1, 1}));
}

TEST(RandomWalker, SeedsOnly_EqualsTheDirectSolution) {
    const auto p = randomWalker({9, 7, walkerGrey, walkerSeeds, 30, {}, {}}, 1e-6, 1000);
    for (std::size_t i = 0; i < p.size(); ++i)
        EXPECT_NEAR(p[i], walkerSeedsOnly[i], 1e-4);
}

TEST(RandomWalker, WithPrior_EqualsTheDirectSolution) {
    const auto p = randomWalker({9, 7, walkerGrey, walkerSeeds, 30, walkerPrior, walkerWeight}, 1e-6, 1000);
    for (std::size_t i = 0; i < p.size(); ++i)
        EXPECT_NEAR(p[i], walkerWithPrior[i], 1e-4);
}

TEST(RandomWalker, NothingGiven_KnowsNothing) {
    const std::vector<std::uint8_t> none(walkerGrey.size());
    for (float p : randomWalker({9, 7, walkerGrey, none, 30, {}, {}}))
        EXPECT_EQ(p, 0.5F);
}

// A surface Dice written as plainly as its definition: every pair of surface corners.
double plainSurfaceDice(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b, int w, int h,
                        int d, double tolerance, std::array<double, 3> spacing) {
    struct Corner {
        double x, y, z, area;
    };
    const auto corners = [&](const std::vector<std::uint8_t>& m) {
        std::vector<Corner> out;
        for (int z = 0; z <= d; ++z)
            for (int y = 0; y <= h; ++y)
                for (int x = 0; x <= w; ++x) {
                    int pattern = 0;
                    for (int i = 0; i < 8; ++i) {
                        const int vx = x - 1 + (i & 1), vy = y - 1 + (i >> 1 & 1), vz = z - 1 + (i >> 2);
                        if (vx >= 0 && vy >= 0 && vz >= 0 && vx < w && vy < h && vz < d)
                            pattern |= (m[static_cast<std::size_t>(vx + w * (vy + h * vz))] != 0) << i;
                    }
                    if (pattern != 0 && pattern != 255)
                        out.push_back({x * spacing[0], y * spacing[1], z * spacing[2],
                                       cornerAreas()[static_cast<std::size_t>(pattern)]});
                }
        return out;
    };
    const auto near = [&](const std::vector<Corner>& of, const std::vector<Corner>& to) {
        double area = 0;
        for (const Corner& c : of)
            if (std::any_of(to.begin(), to.end(), [&](const Corner& o) {
                    return std::hypot(c.x - o.x, c.y - o.y, c.z - o.z) <= tolerance;
                }))
                area += c.area;
        return area;
    };
    const auto ca = corners(a), cb = corners(b);
    double total = 0;
    for (const auto* side : {&ca, &cb})
        for (const Corner& c : *side)
            total += c.area;
    return (near(ca, cb) + near(cb, ca)) / total;
}

TEST(SurfaceDice, UnequalSpacing_EqualsEveryPairOfCorners) {
    std::vector<std::uint8_t> a(12 * 10 * 3), b(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = componentMask[i];
        b[i] = componentMask[(i + 25) % a.size()];
    }
    for (double tolerance : {0.0, 1.0, 2.0}) {
        const std::array<double, 3> spacing{0.8, 1.1, 2.0};
        EXPECT_NEAR(surfaceDice(a, b, {12, 10, 3}, tolerance, spacing),
                    plainSurfaceDice(a, b, 12, 10, 3, tolerance, spacing), 1e-12);
    }
}

TEST(SurfaceDice, EmptyMasks) {
    const std::vector<std::uint8_t> none(27), one = [] {
        std::vector<std::uint8_t> m(27);
        m[13] = 1;
        return m;
    }();
    EXPECT_TRUE(std::isnan(surfaceDice(none, none, {3, 3, 3}, 1)));
    EXPECT_EQ(surfaceDice(none, one, {3, 3, 3}, 1), 0.0);
    EXPECT_NEAR(surfaceDice(one, one, {3, 3, 3}, 0), 1.0, 1e-15);
}

TEST(SurfaceDice, AreaOfEveryPatternIsKnown) {
    // A plane through the lattice carries 1 per corner, a single voxel's 8 corners sqrt(3)/8 each.
    EXPECT_NEAR(cornerAreas()[0b00001111], 1.0, 1e-15);
    EXPECT_NEAR(cornerAreas()[0b00000001], std::sqrt(3.0) / 8, 1e-15);
    for (std::size_t p = 1; p < 255; ++p)
        EXPECT_GT(cornerAreas()[p], 0.0);
}

} // namespace
} // namespace tandem
