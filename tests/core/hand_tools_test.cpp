#include "core/measure/gaussian_blur.h"
#include "core/tools/lasso.h"
#include "core/tools/similar_region.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace tandem {
namespace {

using Outline = std::vector<Point<SlicePx>>;

// How often a closed outline goes round a point: the angles under which it sees the edges, summed. Another
// way than the crossings that are tested.
int windingByAngles(const Outline& outline, double x, double y) {
    double turned = 0;
    for (std::size_t n = 0; n < outline.size(); ++n) {
        const Point<SlicePx>&a = outline[n], &b = outline[(n + 1) % outline.size()];
        const double ax = a[0] - x, ay = a[1] - y, bx = b[0] - x, by = b[1] - y;
        turned += std::atan2(ax * by - ay * bx, ax * bx + ay * by);
    }
    return static_cast<int>(std::lround(turned / (2 * std::numbers::pi)));
}

TEST(Lasso, TakesTheVoxelsThatTheOutlineGoesRound) {
    std::mt19937 random(3);
    std::uniform_real_distribution<double> place(-6, 30);
    std::size_t in = 0, twice = 0, out = 0;
    for (int trial = 0; trial < 60; ++trial) {
        Outline outline(static_cast<std::size_t>(3 + trial % 9));
        for (Point<SlicePx>& p : outline)
            p = {{place(random), place(random)}}; // crosses itself, leaves the slice
        SliceMask mask(24, 19);
        const SliceRect touched = fillOutline(mask, outline);
        SliceRect expected;
        for (std::int64_t y = 0; y < mask.height; ++y)
            for (std::int64_t x = 0; x < mask.width; ++x) {
                const int winding = windingByAngles(outline, static_cast<double>(x), static_cast<double>(y));
                ASSERT_EQ(mask.at(x, y) != 0, winding != 0)
                    << "voxel " << x << "," << y << " trial " << trial;
                ++(winding == 0 ? out : std::abs(winding) == 1 ? in : twice);
                if (winding != 0)
                    expected.include(x, y);
            }
        EXPECT_EQ(touched, expected) << "trial " << trial;
    }
    EXPECT_GT(in, 2000u);
    EXPECT_GT(twice, 50u); // where the rule of odd and even would leave a hole
    EXPECT_GT(out, 2000u);
}

TEST(Lasso, NeighboursShareNoVoxel_AndNothingIsLostBetweenThem) {
    SliceMask left(9, 9), right(9, 9);
    fillOutline(left, Outline{{{1, 1}}, {{4, 1}}, {{4, 7}}, {{1, 7}}});
    fillOutline(right, Outline{{{4, 1}}, {{4, 7}}, {{7, 7}}, {{7, 1}}});
    for (std::int64_t y = 0; y < 9; ++y)
        for (std::int64_t x = 0; x < 9; ++x)
            EXPECT_EQ(left.at(x, y) + right.at(x, y), x >= 1 && x < 7 && y >= 1 && y < 7)
                << "voxel " << x << "," << y;
}

TEST(Lasso, ALineOrAPointTakesNothing) {
    SliceMask mask(9, 9);
    EXPECT_TRUE(fillOutline(mask, Outline{{{2, 2}}}).empty());
    EXPECT_TRUE(fillOutline(mask, Outline{{{2, 2}}, {{6, 3}}}).empty());
    EXPECT_TRUE(fillOutline(mask, Outline{}).empty());
    EXPECT_TRUE(mask.empty());
}

SliceImage randomSlice(int components, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> grey(0, 9);
    SliceImage slice{23, 17, components, {}};
    for (int i = 0; i < 23 * 17 * components; ++i)
        slice.values.push_back(static_cast<float>(grey(random)));
    return slice;
}

// The definition, by growing the seed until nothing more joins.
SliceMask regionByRounds(const SliceImage& s, std::array<std::int64_t, 2> seed, double tolerance,
                         const SliceMask& passable) {
    SliceMask mask(s.width, s.height);
    const auto like = [&](std::int64_t x, std::int64_t y) {
        for (int c = 0; c < s.components; ++c) {
            const auto value = [&](std::int64_t px, std::int64_t py) {
                return s.values[static_cast<std::size_t>((py * s.width + px) * s.components + c)];
            };
            if (std::abs(value(x, y) - value(seed[0], seed[1])) > static_cast<float>(tolerance))
                return false;
        }
        return passable.at(x, y) != 0;
    };
    mask.at(seed[0], seed[1]) = passable.at(seed[0], seed[1]);
    for (bool more = true; more;) {
        more = false;
        for (std::int64_t y = 0; y < s.height; ++y)
            for (std::int64_t x = 0; x < s.width; ++x) {
                const bool beside = (x > 0 && mask.at(x - 1, y)) || (x + 1 < s.width && mask.at(x + 1, y)) ||
                                    (y > 0 && mask.at(x, y - 1)) || (y + 1 < s.height && mask.at(x, y + 1));
                if (!mask.at(x, y) && beside && like(x, y))
                    mask.at(x, y) = more = true;
            }
    }
    return mask;
}

TEST(SimilarRegion, IsWhatHangsTogetherWithinTheTolerance) {
    std::size_t taken = 0;
    for (unsigned trial = 0; trial < 40; ++trial) {
        const SliceImage slice = randomSlice(trial % 2 ? 3 : 1, trial);
        SliceMask passable(slice.width, slice.height);
        for (std::size_t i = 0; i < passable.inside.size(); ++i)
            passable.inside[i] = (i * 7 + trial) % 11 != 0;
        const std::array<std::int64_t, 2> seed{trial % 23, trial % 17};
        const SliceMask region = similarRegion(slice, seed, 4, passable);
        EXPECT_EQ(region, regionByRounds(slice, seed, 4, passable)) << "trial " << trial;
        for (std::uint8_t v : region.inside)
            taken += v;
    }
    EXPECT_GT(taken, 1000u);
}

TEST(SimilarRegion, LeavesVoxelsWithoutAValueAlone) {
    SliceImage slice{5, 1, 1, {1, 1, NAN, 1, 1}};
    SliceMask all(5, 1);
    all.inside.assign(5, 1);
    EXPECT_EQ(similarRegion(slice, {0, 0}, 100, all).inside, (std::vector<std::uint8_t>{1, 1, 0, 0, 0}));
}

TEST(SimilarRegion, ReadsThroughGrainOfNoise) {
    // A disc of 60 on 0 with noise of 12: unblurred, single voxels stray beyond a tolerance of 30.
    std::mt19937 random(5);
    std::normal_distribution<float> noise(0, 12);
    SliceImage slice{41, 41, 1, {}};
    SliceMask disc(41, 41), all(41, 41);
    for (std::int64_t y = 0; y < 41; ++y)
        for (std::int64_t x = 0; x < 41; ++x) {
            disc.at(x, y) = std::hypot(x - 20, y - 20) <= 12;
            slice.values.push_back((disc.at(x, y) ? 60.f : 0.f) + noise(random));
        }
    all.inside.assign(all.inside.size(), 1);
    const auto wrong = [&](const SliceImage& s) {
        const SliceMask region = similarRegion(s, {20, 20}, 30, all);
        std::int64_t count = 0;
        for (std::size_t i = 0; i < region.inside.size(); ++i)
            count += region.inside[i] != disc.inside[i];
        return count;
    };
    EXPECT_LT(wrong(readyToGrow(slice)), wrong(slice) / 2);
    // Each component alone, as the blur of one does it.
    SliceImage two{41, 41, 2, {}}, blurred = slice;
    for (float v : slice.values) {
        two.values.push_back(v);
        two.values.push_back(-2 * v);
    }
    blur(blurred, 0.7);
    two = readyToGrow(std::move(two));
    for (std::size_t i = 0; i < slice.values.size(); ++i) {
        EXPECT_NEAR(two.values[2 * i], blurred.values[i], 1e-4);
        EXPECT_NEAR(two.values[2 * i + 1], -2 * blurred.values[i], 2e-4);
    }
}

} // namespace
} // namespace tandem
