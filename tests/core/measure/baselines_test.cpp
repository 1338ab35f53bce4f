#include "core/measure/baselines.h"
#include "core/measure/overlap.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

// A bright disc of radius 9.4 at (30, 22) on dark ground with a gentle slope, 64 x 48.
struct Disc {
    SliceImage image{64, 48, 1, std::vector<float>(64 * 48)};
    SliceMask truth{64, 48};
    Disc() {
        for (std::int64_t y = 0; y < 48; ++y)
            for (std::int64_t x = 0; x < 64; ++x) {
                truth.at(x, y) = std::hypot(x - 30, y - 22) <= 9.4;
                image.values[static_cast<std::size_t>(y * 64 + x)] =
                    100.0F + static_cast<float>(x) * 0.1F + (truth.at(x, y) ? 80.0F : 0.0F);
            }
    }
};

TEST(EllipseMask, TightBoxOfADisc_IsNearlyTheDisc) {
    const Disc d;
    const SliceMask m = ellipseMask(d.image, {21, 13, 39, 31});
    EXPECT_GT(dice(m, d.truth), 0.97);
    EXPECT_EQ(m.at(21, 22), 1); // touches the box's sides
    EXPECT_EQ(m.at(21, 13), 0); // not its corners
    EXPECT_EQ(m.at(20, 22), 0);
}

TEST(EllipseMask, BoxAcrossTheEdge_IsCutOff) {
    const Disc d;
    const SliceMask m = ellipseMask(d.image, {-10, -10, 5, 5});
    EXPECT_EQ(m.at(0, 0), 1);
    EXPECT_EQ(m.at(6, 6), 0);
}

TEST(OtsuMask, BrightDisc_IsFoundInALooseBox) {
    const Disc d;
    EXPECT_EQ(otsuMask(d.image, {15, 7, 45, 37}), d.truth);
}

TEST(OtsuMask, DarkDisc_IsFoundToo) {
    Disc d;
    for (float& v : d.image.values)
        v = -v;
    EXPECT_EQ(otsuMask(d.image, {15, 7, 45, 37}), d.truth);
}

TEST(OtsuThreshold, TwoGroups_CutsBetweenThem) {
    const float t = otsuThreshold({1, 1.5F, 2, 9, 9.5F, 10});
    EXPECT_GT(t, 2.0F);
    EXPECT_LT(t, 9.0F);
    EXPECT_EQ(otsuThreshold({4, 4, 4}), 4.0F);
}

TEST(WalkerMask, LooseBox_FollowsTheEdgeWhereTheEllipseCannot) {
    const Disc d;
    const SliceBox loose{15, 7, 45, 37};
    EXPECT_GT(dice(walkerMask(d.image, loose), d.truth), dice(ellipseMask(d.image, loose), d.truth) + 0.2);
}

TEST(Baselines, BoxOutsideTheSlice_GivesAnEmptyMask) {
    const Disc d;
    const SliceBox away{200, 200, 220, 220};
    EXPECT_TRUE(ellipseMask(d.image, away).empty());
    EXPECT_TRUE(otsuMask(d.image, away).empty());
    EXPECT_TRUE(walkerMask(d.image, away).empty());
}

} // namespace
} // namespace tandem
