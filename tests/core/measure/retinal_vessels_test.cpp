#include "core/measure/overlap.h"
#include "core/measure/retinal_vessels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace tandem {
namespace {

constexpr std::int64_t n = 384; // as many pixels as the grid has cells
const SliceBox whole{0, 0, n - 1, n - 1};

// Eight branching vessels from a disc in the middle; retinal_vessels_reference.py draws the same.
double depthAt(double x, double y) {
    const double radius = std::hypot(x - 192, y - 192);
    if (radius <= 3)
        return 0;
    double depth = 0;
    for (int k = 0; k < 8; ++k)
        for (const double turn : {0.0, 0.0022 * std::max(0.0, radius - 60)}) {
            const double angle = std::atan2(y - 192, x - 192) -
                                 (2 * std::numbers::pi * k / 8 + 0.15 * std::sin(0.04 * radius + k)) - turn;
            const double off = std::remainder(angle, 2 * std::numbers::pi) * radius;
            depth = std::max(depth, std::exp(-0.5 * (off / 2) * (off / 2)));
        }
    return depth;
}

// A retina in these colours, whose vessels are as deep in green.
SliceImage retina(std::array<double, 3> colour, double depth) {
    SliceImage s{n, n, 3, {}};
    for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t i = 0; i < n; ++i) {
            const auto x = static_cast<double>(i), y = static_cast<double>(j);
            const double radius = std::hypot(x - 192, y - 192);
            const double shade =
                1 - 0.3 * (radius / 192) * (radius / 192) + 0.02 * std::sin(0.9 * x) * std::sin(1.1 * y);
            for (std::size_t c = 0; c < 3; ++c) {
                const double v = colour[c] * shade * (c == 1 ? 1 - depth * depthAt(x, y) : 1);
                s.values.push_back(static_cast<float>(radius > 185 ? 2 : v));
            }
        }
    return s;
}

const std::array<double, 3> red{180, 80, 30};

// Truth: tests/core/measure/retinal_vessels_reference.py.
TEST(RetinalVessels, AreTheReferencesLines) {
    const auto vessels = findRetinalVessels(retina(red, 0.35), whole);
    ASSERT_TRUE(vessels.has_value());
    struct Cell {
        std::size_t x, y;
        float logit;
    };
    for (const Cell& c : std::initializer_list<Cell>{
             {192, 192, -4.0000F},
             {230, 200, 5.3692F},
             {120, 150, -4.0000F},
             {300, 260, -3.6675F},
             {100, 300, -3.6463F},
             {5, 5, -6.0000F},
             {192, 90, 6.0000F},
         })
        EXPECT_NEAR(vessels->logits[c.y * n + c.x], c.logit, 5e-3) << c.x << ", " << c.y;
    SliceMask mask(n, n), truth(n, n);
    for (std::int64_t y = 0; y < n; ++y)
        for (std::int64_t x = 0; x < n; ++x) {
            const auto i = static_cast<double>(x), j = static_cast<double>(y);
            mask.at(x, y) = vessels->logits[static_cast<std::size_t>(y * n + x)] > 0;
            truth.at(x, y) = depthAt(i, j) > 0.5 && std::hypot(i - 192, j - 192) < 165;
        }
    EXPECT_GT(dice(mask, truth), 0.85);
}

TEST(RetinalVessels, AreFoundInNoOtherPicture) {
    EXPECT_FALSE(findRetinalVessels(retina(red, 0), whole));                   // no vessels
    EXPECT_FALSE(findRetinalVessels(retina(red, -0.35), whole));               // bright ones
    EXPECT_FALSE(findRetinalVessels(retina({120, 110, 100}, 0.35), whole));    // not red
    EXPECT_FALSE(findRetinalVessels(retina({180, 80, 70}, 0.35), whole));      // the pink of mucosa
    EXPECT_FALSE(findRetinalVessels(retina({0, 0, 0}, 0), whole));             // black
    EXPECT_FALSE(findRetinalVessels(retina(red, 0.35), {100, 100, 280, 280})); // a part of it
    EXPECT_FALSE(findRetinalVessels(luminance(retina(red, 0.35)), whole));     // grey
}

} // namespace
} // namespace tandem
