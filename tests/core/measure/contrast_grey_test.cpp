#include "core/measure/contrast_grey.h"
#include "core/measure/grey_crop.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

// A disc of one colour on a ground of another, with a fixed pattern of noise on all three colours alike.
SliceImage disc(std::array<float, 3> inside, std::array<float, 3> outside) {
    SliceImage s{60, 60, 3, std::vector<float>(60 * 60 * 3)};
    for (std::int64_t y = 0; y < 60; ++y)
        for (std::int64_t x = 0; x < 60; ++x) {
            const bool in = std::hypot(static_cast<double>(x) - 30, static_cast<double>(y) - 30) <= 12;
            const auto noise = static_cast<float>((x * 7 + y * 13) % 11 - 5);
            for (std::size_t c = 0; c < 3; ++c)
                s.values[static_cast<std::size_t>(3 * (y * 60 + x)) + c] = (in ? inside : outside)[c] + noise;
        }
    return s;
}

// Difference of means over the pooled deviation.
double separation(const SliceImage& grey) {
    double sum[2]{}, squares[2]{}, n[2]{};
    for (std::int64_t y = 0; y < 60; ++y)
        for (std::int64_t x = 0; x < 60; ++x) {
            const bool in = std::hypot(static_cast<double>(x) - 30, static_cast<double>(y) - 30) <= 12;
            const double v = grey.values[static_cast<std::size_t>(y * 60 + x)];
            sum[in] += v;
            squares[in] += v * v;
            n[in] += 1;
        }
    const double m0 = sum[0] / n[0], m1 = sum[1] / n[1];
    const double variance = squares[0] / n[0] - m0 * m0 + squares[1] / n[1] - m1 * m1;
    return (m1 - m0) / std::sqrt(variance / 2 + 1e-12);
}

const SliceBox box{18, 18, 42, 42};

TEST(ContrastGrey, ColoursOfEqualBrightness_AreToldApart) {
    // 0.299 * 100 = 0.587 * 50.94: the luminance of the two is the same.
    const SliceImage s = disc({200, 100, 100}, {100, 150.94F, 100});
    EXPECT_LT(std::abs(separation(luminance(s))), 0.1);
    EXPECT_GT(std::abs(separation(contrastGrey(s, box))), 5);
}

TEST(ContrastGrey, BrighterStaysBrighter) {
    EXPECT_GT(separation(contrastGrey(disc({180, 180, 170}, {90, 90, 95}), box)), 5);
    EXPECT_LT(separation(contrastGrey(disc({90, 90, 95}, {180, 180, 170}), box)), -5);
}

TEST(ContrastGrey, GreyStaysAsItIs_NoDifferenceGivesLuminance) {
    SliceImage grey{4, 4, 1, std::vector<float>(16, 3)};
    EXPECT_EQ(contrastGrey(grey, {0, 0, 3, 3}).values, grey.values);
    SliceImage flat{60, 60, 3, std::vector<float>(60 * 60 * 3, 50)};
    EXPECT_EQ(contrastGrey(flat, box).values, luminance(flat).values);
    EXPECT_EQ(contrastGrey(disc({9, 9, 9}, {5, 5, 5}), {-500, -500, -400, -400}).components, 1);
}

} // namespace
} // namespace tandem
