#include "core/measure/detail_grey.h"
#include "core/measure/grey_crop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr std::int64_t n = 256; // as large as the grid that is looked at
const SliceBox whole{0, 0, n - 1, n - 1};

double veinsAt(double x, double y) {
    return std::max(0.0, std::sin(0.35 * x + 2 * std::sin(0.05 * y)) - 0.6);
}

// Veins in green, shading in all colours, dark around it.
SliceImage fundus() {
    SliceImage s{n, n, 3, {}};
    for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t i = 0; i < n; ++i) {
            const auto x = static_cast<double>(i), y = static_cast<double>(j);
            const double veins = veinsAt(x, y), shade = std::cos(0.02 * x) * std::cos(0.025 * y);
            const bool rim = std::hypot(x - 128, y - 128) > 125;
            for (const double v :
                 {150 + 60 * shade - 20 * veins, 110 + 25 * shade - 70 * veins, 60 + 30 * shade + 10 * veins})
                s.values.push_back(static_cast<float>(rim ? 3 : v));
        }
    return s;
}

// Truth: tests/core/measure/detail_grey_reference.py.
TEST(DetailGrey, IsTheReferencesMix) {
    const SliceImage grey = detailGrey(fundus(), whole);
    struct Pixel {
        std::int64_t x, y;
        float value;
    };
    for (const Pixel& p : std::initializer_list<Pixel>{
             {128, 128, 2.10722F},
             {60, 80, 2.17268F},
             {140, 50, 2.16866F},
             {120, 150, 2.19759F},
             {33, 101, 2.16101F},
             {0, 0, 1.97534F},
         })
        EXPECT_NEAR(grey.values[static_cast<std::size_t>(p.y * n + p.x)], p.value, 1e-4)
            << p.x << ", " << p.y;
}

// Veins stand 4 times as far out of the shading as they do in brightness; dark ones stay dark.
TEST(DetailGrey, DetailsStandOut_DarkOnesStayDark) {
    const auto contrast = [](const SliceImage& grey) {
        double vein = 0, veins = 0, ground = 0, grounds = 0, squares = 0;
        for (std::int64_t y = 50; y < 205; ++y)
            for (std::int64_t x = 50; x < 205; ++x) {
                const double v = grey.values[static_cast<std::size_t>(y * n + x)];
                if (const double depth = veinsAt(static_cast<double>(x), static_cast<double>(y));
                    depth > 0.3) {
                    vein += v;
                    veins += 1;
                } else if (depth == 0) {
                    ground += v;
                    squares += v * v;
                    grounds += 1;
                }
            }
        const double mean = ground / grounds;
        return (vein / veins - mean) / std::sqrt(squares / grounds - mean * mean);
    };
    const double plain = contrast(luminance(fundus())), detail = contrast(detailGrey(fundus(), whole));
    EXPECT_LT(plain, 0);
    EXPECT_LT(detail, 4 * plain);
}

TEST(DetailGrey, APictureWithoutAnything_IsItsBrightness) {
    const SliceImage flat{30, 20, 3, std::vector<float>(30 * 20 * 3, 90)},
        black{30, 20, 3, std::vector<float>(30 * 20 * 3, 0)};
    EXPECT_EQ(detailGrey(flat, {0, 0, 29, 19}).values, luminance(flat).values);
    EXPECT_EQ(detailGrey(black, {0, 0, 29, 19}).values, luminance(black).values);
}

} // namespace
} // namespace tandem
