#include "core/measure/pixel_classifier.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace tandem {
namespace {

// Several bright islands on dark ground; the network is sure of the one in the middle and says no to the
// rest.
struct Islands {
    static constexpr std::int64_t size = 64;
    std::vector<float> grey, logits;
    std::vector<std::uint8_t> decided, outside;

    Islands() {
        for (std::int64_t y = 0; y < size; ++y)
            for (std::int64_t x = 0; x < size; ++x) {
                const bool rim = x < 6 || y < 6 || x >= size - 6 || y >= size - 6;
                const bool bright = !rim && x % 16 < 9 && y % 16 < 9;
                grey.push_back(bright ? 0.8F : 0.3F);
                logits.push_back(x / 16 == 2 && y / 16 == 2 && bright ? 3.0F : -1.5F);
                outside.push_back(rim);
                decided.push_back(0);
            }
    }
    void decide(std::int64_t x0, std::int64_t y0, std::uint8_t what) {
        for (std::int64_t y = y0; y < y0 + 5; ++y)
            for (std::int64_t x = x0; x < x0 + 5; ++x)
                decided[static_cast<std::size_t>(y * size + x)] = what;
    }
    std::vector<float> learn(int foreground, int background) const {
        return learnFromClicks({size, size, grey, logits, decided, outside, foreground, background});
    }
    static float at(const std::vector<float>& v, std::int64_t x, std::int64_t y) {
        return v[static_cast<std::size_t>(y * size + x)];
    }
};

TEST(PixelClassifier, AClickOnOneIsland_RaisesThoseThatLookLikeIt) {
    Islands s;
    const std::vector<float> before = s.learn(0, 0);
    s.decide(18, 18, 1);
    const std::vector<float> after = s.learn(1, 0);
    EXPECT_GT(Islands::at(after, 52, 20), Islands::at(before, 52, 20) + 0.3F); // an island nobody clicked
    EXPECT_LT(Islands::at(after, 28, 28), 0.0F);                               // ground stays ground
    EXPECT_GT(Islands::at(after, 36, 36), 0.0F);                               // what the network saw stays
}

TEST(PixelClassifier, ABackgroundClick_LowersWhatLooksLikeIt_AndASpotDoesNotSinkTheObject) {
    Islands s;
    const std::vector<float> before = s.learn(0, 0);
    s.decide(18, 18, 2);
    const std::vector<float> after = s.learn(0, 1);
    EXPECT_LT(Islands::at(after, 52, 20), Islands::at(before, 52, 20) - 0.1F);
    EXPECT_GT(Islands::at(after, 36, 36), 0.0F);
}

TEST(PixelClassifier, WithoutNews_ChangesLittle) {
    Islands s; // the network agrees with the grey values everywhere
    for (std::size_t i = 0; i < s.grey.size(); ++i)
        s.logits[i] = s.grey[i] > 0.5F ? 3.0F : -3.0F;
    const std::vector<float> out = s.learn(0, 0);
    for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(out[i] > 0, s.logits[i] > 0) << i;
        EXPECT_NEAR(out[i], s.logits[i], 0.5F) << i;
    }
}

// The numbers are those of pixel_classifier_reference.py (NumPy, SciPy).
TEST(PixelClassifier, IsTheMinimumThatSciPyFinds) {
    constexpr std::int64_t width = 16, height = 12;
    std::vector<float> grey, logits;
    std::vector<std::uint8_t> decided, outside;
    for (std::int64_t j = 0; j < height; ++j)
        for (std::int64_t i = 0; i < width; ++i) {
            const auto x = static_cast<double>(i), y = static_cast<double>(j);
            grey.push_back(static_cast<float>(0.5 + 0.4 * std::sin(0.7 * x) * std::cos(0.5 * y)));
            logits.push_back(static_cast<float>(5 - 1.3 * std::hypot(x - 7, y - 6)));
            outside.push_back(i < 2 || i > 13 || j < 1 || j > 10);
            decided.push_back((j == 5 || j == 6) && (i == 10 || i == 11) ? 1 : j == 8 && i == 5 ? 2 : 0);
        }
    const std::vector<float> out = learnFromClicks({width, height, grey, logits, decided, outside, 1, 2});
    struct Cell {
        std::int64_t y, x;
        float logit;
    };
    for (const Cell& c : std::array<Cell, 6>{{{6, 7, 3.83606F},
                                              {5, 10, 1.00629F},
                                              {8, 5, 0.59497F},
                                              {3, 3, -1.93808F},
                                              {9, 12, -2.67910F},
                                              {0, 0, -4.31740F}}})
        EXPECT_NEAR(out[static_cast<std::size_t>(c.y * width + c.x)], c.logit, 2e-3F) << c.y << " " << c.x;
}

} // namespace
} // namespace tandem
