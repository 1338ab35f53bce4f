#include "core/measure/look_alikes.h"
#include "core/measure/overlap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem {
namespace {

// Many dark spots on bright ground, as nuclei are: every 16 pixels one of radius 5, some noise over all.
struct Spots {
    static constexpr std::int64_t width = 160, height = 128;
    SliceImage image;
    SliceMask truth{width, height};
    SliceBox box{0, 0, width - 1.0, height - 1.0};

    explicit Spots(int components) {
        image = {width, height, components, {}};
        std::uint32_t noise = 1;
        for (std::int64_t y = 0; y < height; ++y)
            for (std::int64_t x = 0; x < width; ++x) {
                const bool in =
                    std::hypot(static_cast<double>(x % 16) - 7, static_cast<double>(y % 16) - 8) < 5;
                truth.at(x, y) = in;
                for (int c = 0; c < components; ++c) {
                    noise = noise * 1664525 + 1013904223;
                    const auto grain = static_cast<float>(noise >> 27); // 0..31
                    image.values.push_back((in ? 90.0F + 20.0F * static_cast<float>(c) : 180.0F) + grain);
                }
            }
    }
    // Dice of what is found after these clicks on pixels.
    double found(const std::vector<std::pair<SlicePixel, bool>>& clicks) const {
        LookAlikes alikes(image, box);
        for (const auto& [at, belongs] : clicks)
            alikes.show(std::array{at}, belongs);
        const std::vector<float> logits = unsampleGrid(alikes.logits(), alikes.grid(), width, height, -10);
        SliceMask mask(width, height);
        for (std::size_t i = 0; i < logits.size(); ++i)
            mask.inside[i] = logits[i] > 0;
        return dice(mask, truth);
    }
};

constexpr SlicePixel onSpot{71, 72}, between{63, 64};

TEST(LookAlikes, AClickOnOnePart_AndOneBeside_FindsThemAll) {
    for (const int components : {1, 3})
        EXPECT_GT(Spots(components).found({{onSpot, true}, {between, false}}), 0.9) << components;
}

TEST(LookAlikes, TheLatestWordOnACellCounts) {
    const Spots s(3);
    EXPECT_GT(s.found({{onSpot, false}, {between, true}, {onSpot, true}, {between, false}}), 0.9);
    EXPECT_LT(s.found({{onSpot, true}, {between, false}, {onSpot, false}, {between, true}}), 0.1);
}

// What is unlike the ground is then a guess, but not everything and not nothing.
TEST(LookAlikes, OneKindOfExampleAlone_GivesAFewOfTheCells) {
    const Spots s(3);
    for (const bool belongs : {true, false}) {
        LookAlikes alikes(s.image, s.box);
        alikes.show(std::array{belongs ? onSpot : between}, belongs);
        const std::vector<float> logits = alikes.logits();
        const auto in =
            static_cast<double>(std::count_if(logits.begin(), logits.end(), [](float v) { return v > 0; }));
        EXPECT_GE(in / static_cast<double>(logits.size()), 0.02) << belongs;
        EXPECT_LE(in / static_cast<double>(logits.size()), 0.21) << belongs;
        EXPECT_GT(s.found({{belongs ? onSpot : between, belongs}}), 0.5) << belongs;
    }
}

TEST(LookAlikes, OutsideTheBox_NothingBelongs) {
    const Spots s(1);
    LookAlikes alikes(s.image, {32, 32, 95, 79});
    const CropGrid& g = alikes.grid();
    alikes.show(std::array{SlicePixel{g.width / 2, g.height / 2}}, true);
    const std::vector<float> logits = alikes.logits();
    EXPECT_LT(g.width * g.height, 160 * 128); // a neighbourhood of the box, not the slice
    for (std::int64_t j = 0; j < g.height; ++j)
        for (std::int64_t i = 0; i < g.width; ++i)
            EXPECT_TRUE(
                (g.centreX(i) > 31.5 && g.centreX(i) < 95.5 && g.centreY(j) > 31.5 && g.centreY(j) < 79.5) ||
                logits[static_cast<std::size_t>(j * g.width + i)] == -10);
}

TEST(LookAlikes, SpecksOfAFewCells_DoNotBelong_UnlessPointedAt) {
    Spots s(1);
    for (const std::int64_t x : {79, 80}) // darker than the spots, between four of them
        s.image.values[static_cast<std::size_t>(48 * Spots::width + x)] = -60;
    const auto speck = [&](bool pointedAt) {
        LookAlikes alikes(s.image, s.box);
        alikes.show(std::array{onSpot}, true);
        alikes.show(std::array{between}, false);
        if (pointedAt)
            alikes.show(std::array{SlicePixel{79, 48}}, true);
        return alikes.logits()[static_cast<std::size_t>(48 * alikes.grid().width + 79)];
    };
    EXPECT_LT(speck(false), 0);
    EXPECT_GT(speck(true), 0);
}

TEST(LookAlikes, ASliceWithoutContrast_IsAnsweredWithNumbers) {
    const SliceImage flat{40, 30, 3, std::vector<float>(3 * 40 * 30, 128.0F)};
    LookAlikes alikes(flat, {5, 5, 30, 25});
    alikes.show(std::array{SlicePixel{8, 8}, SlicePixel{-3, 500}}, true); // one of them nowhere
    alikes.show(std::array{SlicePixel{18, 12}}, false);
    for (const float v : alikes.logits())
        EXPECT_TRUE(std::isfinite(v));
}

// The numbers are those of look_alikes_reference.py (NumPy, SciPy).
TEST(LookAlikes, AreTheRidgeRegressionThatNumPyFinds) {
    SliceImage image{30, 24, 3, {}};
    for (std::int64_t j = 0; j < image.height; ++j)
        for (std::int64_t i = 0; i < image.width; ++i) {
            const auto x = static_cast<double>(i), y = static_cast<double>(j);
            const double spots = std::sin(0.9 * x) * std::cos(0.8 * y);
            for (const double v : {140 + 80 * spots, 120 + 50 * spots + x, 160 - 60 * std::sin(0.3 * y)})
                image.values.push_back(static_cast<float>(v));
        }
    LookAlikes alikes(image, {9, 7, 20, 16});
    const CropGrid& g = alikes.grid();
    ASSERT_EQ(g.width, 19);
    ASSERT_EQ(g.height, 17);
    const auto show = [&](double x, double y, bool belongs) {
        const SlicePixel cell{static_cast<std::int64_t>((x - g.left) / g.stepX),
                              static_cast<std::int64_t>((y - g.top) / g.stepY)};
        alikes.show(std::array{cell}, belongs);
    };
    show(12, 10, true);
    show(16, 13, false);
    show(18, 9, true);
    const std::vector<float> logits = alikes.logits();
    struct Cell {
        std::int64_t y, x;
        float logit;
    };
    for (const Cell& c : std::array<Cell, 5>{
             {{4, 5, 2.11755F}, {6, 7, 0.63671F}, {9, 9, -1.02144F}, {8, 12, -0.13143F}, {12, 6, -1.97965F}}})
        EXPECT_NEAR(logits[static_cast<std::size_t>(c.y * g.width + c.x)], c.logit, 2e-3F)
            << c.y << " " << c.x;
}

} // namespace
} // namespace tandem
