#include "core/usecases/label_lean.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr std::int64_t side = 120;

// The left half of a box: no ellipse.
SliceMask leftHalf(const SliceBox& b) {
    SliceMask mask(side, side);
    for (auto y = std::llround(b.y0); y <= std::llround(b.y1); ++y)
        for (auto x = std::llround(b.x0); x <= std::llround(b.x1); ++x)
            mask.at(x, y) = 2 * static_cast<double>(x) < b.x0 + b.x1 || y == std::llround((b.y0 + b.y1) / 2);
    return mask; // a line to the right side keeps the box tight
}

// A network that says the whole box, not very sure of itself.
SliceImage wholeBox(const SliceBox& b, float logit = 1) {
    SliceImage image{side, side, 1, std::vector<float>(side * side, -4)};
    for (std::int64_t y = 0; y < side; ++y)
        for (std::int64_t x = 0; x < side; ++x)
            if (static_cast<double>(x) >= b.x0 && static_cast<double>(x) <= b.x1 &&
                static_cast<double>(y) >= b.y0 && static_cast<double>(y) <= b.y1)
                image.values[static_cast<std::size_t>(y * side + x)] = logit;
    return image;
}

double diceOf(const SliceImage& logits, const SliceMask& truth) {
    double both = 0, either = 0;
    for (std::size_t i = 0; i < truth.inside.size(); ++i) {
        both += logits.values[i] > 0 && truth.inside[i];
        either += (logits.values[i] > 0) + truth.inside[i];
    }
    return 2 * both / either;
}

SliceImage leant(SliceImage logits, const BoxLean& lean, const SliceBox& b) {
    const std::vector<float> more = lean.on({-0.5, -0.5, 1, 1, side, side}, b);
    for (std::size_t i = 0; i < more.size(); ++i)
        logits.values[i] += more[i];
    return logits;
}

const SliceBox boxes[] = {{10, 12, 49, 51}, {30, 40, 89, 79}, {60, 5, 99, 84}, {20, 50, 79, 109}};

LabelMemory remembered(std::size_t count, SliceMask (*maskOf)(const SliceBox&) = leftHalf) {
    LabelMemory memory;
    for (std::size_t n = 0; n < count; ++n)
        memory.add(exampleOf(wholeBox(boxes[n]), 0, 0, nullptr, boxes[n], maskOf(boxes[n])).value());
    return memory;
}

TEST(LabelLean, LearnsAShapeThatTheNetworkMisses) {
    const auto lean = remembered(3).lean();
    ASSERT_TRUE(lean);
    const SliceMask truth = leftHalf(boxes[3]);
    const double before = diceOf(wholeBox(boxes[3]), truth);
    EXPECT_LT(before, 0.7);
    EXPECT_GT(diceOf(leant(wholeBox(boxes[3]), *lean, boxes[3]), truth), before + 0.2);
}

TEST(LabelLean, OneExample_OrANetworkThatIsRight_TeachNothing) {
    EXPECT_FALSE(remembered(1).lean());
    const auto whole = [](const SliceBox& b) {
        SliceMask mask(side, side);
        for (auto y = std::llround(b.y0); y <= std::llround(b.y1); ++y)
            for (auto x = std::llround(b.x0); x <= std::llround(b.x1); ++x)
                mask.at(x, y) = 1;
        return mask;
    };
    EXPECT_FALSE(remembered(4, whole).lean());
}

TEST(LabelLean, ANetworkThatDrawsTooLittle_GetsAConstant) {
    LabelMemory memory;
    SliceMask (*const full)(const SliceBox&) = [](const SliceBox& b) {
        const SliceImage image = wholeBox(b);
        SliceMask mask(side, side);
        std::transform(image.values.begin(), image.values.end(), mask.inside.begin(),
                       [](float v) { return v > 0; });
        return mask;
    };
    for (const SliceBox& b : boxes)
        memory.add(exampleOf(wholeBox(b, -0.3F), 0, 0, nullptr, b, full(b)).value());
    const auto lean = memory.lean();
    ASSERT_TRUE(lean);
    EXPECT_GT(diceOf(leant(wholeBox(boxes[0], -0.3F), *lean, boxes[0]), full(boxes[0])), 0.9);
}

TEST(LabelLean, LooseBox_IsRememberedInTheFrameOfItsMask) {
    const SliceBox tight = boxes[0], loose{6, 8, 53, 55};
    const auto a = exampleOf(wholeBox(tight), 0, 0, nullptr, tight, leftHalf(tight));
    const auto b = exampleOf(wholeBox(tight), 0, 0, nullptr, loose, leftHalf(tight));
    EXPECT_EQ(*a, *b);
    EXPECT_FALSE(exampleOf(wholeBox(tight), 0, 0, nullptr, {80, 80, 110, 110}, leftHalf(tight)).has_value());
}

TEST(LabelLean, APartOfTheLogits_AndWhatWasAdded_ComeToTheSame) {
    const auto lean = remembered(3).lean();
    ASSERT_TRUE(lean);
    const SliceBox& b = boxes[3];
    const SliceImage all = leant(wholeBox(b), *lean, b);
    SliceImage part{side - 2, side - 30, 1, {}};
    for (std::int64_t y = 30; y < side; ++y)
        for (std::int64_t x = 2; x < side; ++x)
            part.values.push_back(all.values[static_cast<std::size_t>(y * side + x)]);
    const auto example = exampleOf(part, 2, 30, lean.get(), b, leftHalf(b));
    const auto whole = exampleOf(all, 0, 0, lean.get(), b, leftHalf(b));
    const auto plain = exampleOf(wholeBox(b), 0, 0, nullptr, b, leftHalf(b));
    for (std::size_t c = 0; c < plain->logits.size(); ++c) {
        ASSERT_NEAR(example->logits[c], whole->logits[c], 1e-4) << c;
        ASSERT_NEAR(whole->logits[c], plain->logits[c], 0.5) << c; // was sampled twice
    }
}

TEST(LabelLean, OnTheFramesOwnCells_IsItself) {
    const auto lean = remembered(3).lean();
    ASSERT_TRUE(lean);
    const std::vector<float> same = lean->on(leanFrame(boxes[1]), boxes[1]);
    for (std::size_t c = 0; c < same.size(); ++c)
        ASSERT_NEAR(same[c], lean->cells.values[c], 1e-4) << c;
    EXPECT_FLOAT_EQ(lean->on({500, 500, 1, 1, 1, 1}, boxes[1]).front(), lean->outside);
}

TEST(LabelMemory, KeepsTheLatestTwelve_AndComesBackFromText) {
    LabelMemory memory;
    for (int n = 0; n < 15; ++n)
        memory.add(
            LabelExample{std::vector<float>(1600, static_cast<float>(n) / 5), std::vector<float>(1600, 1)});
    ASSERT_EQ(memory.examples().size(), 12u);
    EXPECT_FLOAT_EQ(memory.examples().front().logits.front(), 0.6F);
    const LabelMemory back = memoryFromText(memoryAsText(memory));
    ASSERT_EQ(back.examples().size(), 12u);
    for (std::size_t n = 0; n < 12; ++n) {
        EXPECT_NEAR(back.examples()[n].logits[7], memory.examples()[n].logits[7], 0.07);
        EXPECT_EQ(back.examples()[n].mask, memory.examples()[n].mask);
    }
    std::string text = memoryAsText(memory);
    EXPECT_TRUE(memoryFromText(text.substr(1)).examples().empty());
    text[5] = '\n';
    EXPECT_TRUE(memoryFromText(text).examples().empty());
    EXPECT_TRUE(memoryFromText("").examples().empty());
}

} // namespace
} // namespace tandem
