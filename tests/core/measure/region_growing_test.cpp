#include "core/measure/overlap.h"
#include "core/measure/region_growing.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

// Two bright squares with a dark gap, one of them brighter, on dark ground.
SliceImage twoSquares() {
    SliceImage image{40, 20, 1, std::vector<float>(40 * 20, 10)};
    for (std::int64_t y = 5; y < 15; ++y)
        for (std::int64_t x = 0; x < 40; ++x)
            if ((x >= 4 && x < 24) || (x >= 27 && x < 36))
                image.values[static_cast<std::size_t>(y * 40 + x)] = x < 24 ? 100.0F : 160.0F;
    return image;
}
std::int64_t count(const SliceMask& m) {
    std::int64_t n = 0;
    for (const std::uint8_t v : m.inside)
        n += v != 0;
    return n;
}

TEST(GrownMask, GrowsFromTheBoxsMiddleAlongLikeGrey) {
    const SliceMask m = grownMask(twoSquares(), {4, 5, 35, 14}, {});
    EXPECT_EQ(count(m), 20 * 10);
    EXPECT_EQ(m.at(23, 14), 1);
    EXPECT_EQ(m.at(24, 10), 0);
}

TEST(GrownMask, ClicksAddAndTakeAwayRegions) {
    const std::vector<PointPrompt> second{{{{30, 10}}, true}};
    EXPECT_EQ(count(grownMask(twoSquares(), {4, 5, 35, 14}, second)), 20 * 10 + 9 * 10);
    const std::vector<PointPrompt> firstGone{{{{30, 10}}, true}, {{{10, 10}}, false}};
    const SliceMask m = grownMask(twoSquares(), {4, 5, 35, 14}, firstGone);
    EXPECT_EQ(count(m), 9 * 10);
    EXPECT_EQ(m.at(10, 10), 0);
}

TEST(GrownMask, AClickDecidesItsPixel_AndTheBoxIsNeverLeft) {
    const std::vector<PointPrompt> clicks{{{{12, 10}}, false}, {{{13, 10}}, true}, {{{39, 19}}, true}};
    const SliceMask m = grownMask(twoSquares(), {6, 7, 20, 12}, clicks);
    EXPECT_EQ(m.at(12, 10), 0);
    EXPECT_EQ(m.at(13, 10), 1);
    EXPECT_EQ(count(m), 15 * 6 - 1);
    EXPECT_EQ(count(grownMask(twoSquares(), {-30, -30, -20, -20}, {})), 0);
}

} // namespace
} // namespace tandem
