#include "inference/predict/box_reading.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

FocusAnswer answer(std::vector<float> logits, float iou, double clickEvidence = 0) {
    return {std::move(logits), iou, clickEvidence};
}

TEST(InnerBox, MovesEverySideByAShareOfThePicturesLongerSide) {
    const auto inner = innerBox({50, 60, 149, 119}, 400, 300, 0.03); // 12 px
    ASSERT_TRUE(inner.has_value());
    EXPECT_EQ(*inner, (SliceBox{62, 72, 137, 107}));
}

TEST(InnerBox, SidesAtThePicturesEdge_Stay) {
    const auto inner = innerBox({0, 60, 399, 119}, 400, 300, 0.03);
    ASSERT_TRUE(inner.has_value());
    EXPECT_EQ(*inner, (SliceBox{0, 72, 399, 107}));
    EXPECT_FALSE(innerBox({0, 0, 399, 299}, 400, 300, 0.03).has_value());
}

TEST(InnerBox, ASmallBox_KeepsThirtyPercentOfItsLengths) {
    const auto inner = innerBox({100, 100, 110, 120}, 400, 300, 0.03);
    ASSERT_TRUE(inner.has_value());
    EXPECT_NEAR(inner->x1 - inner->x0, 3, 1e-9);
    EXPECT_NEAR(inner->y1 - inner->y0, 6, 1e-9);
    EXPECT_NEAR((inner->x0 + inner->x1) / 2, 105, 1e-9);
}

TEST(InnerBox, WithoutASlackWorthAPixel_ThereIsNone) {
    EXPECT_FALSE(innerBox({5, 5, 20, 20}, 400, 300, 0).has_value());
    EXPECT_FALSE(innerBox({5, 5, 10, 10}, 16, 16, 0.03).has_value());
}

// Truth: by hand. logit 0.8 = ln 4, logit 0.5 = 0; lengths left 76 of 100 and 36 of 60 pixels.
TEST(InnerOdds, AreALogisticRegressionAndWhatClicksSaid) {
    const HandReading s{0.03, -1, 2, 3, 5};
    const double odds =
        innerOdds(answer({}, 0.8F, -2), answer({}, 0.5F, -0.5), {50, 60, 149, 119}, {62, 72, 137, 107}, s);
    EXPECT_NEAR(odds, -1 + 2 * std::log(4.0) + 0 + 5 * 0.6 + 1.5, 1e-6);
}

TEST(InLightOf, AModelThatReadsBoxesAsTheyAre_StaysSo) {
    const HandReading asItIs{0, -5, 1, 1, 1};
    EXPECT_EQ(inLightOf(asItIs, {0, 10, 0.4}).share, 0);
    EXPECT_EQ(inLightOf(asItIs, {0, 10, 0.4}).bias, -5);
}

TEST(InnerOdds, NeedNoAnswer_WhereNoneCouldMakeTheInnerBoxLikely) {
    const SliceBox own{50, 60, 149, 119}, inner{62, 72, 137, 107};
    const double most = std::log(0.999 / 0.001); // the logit of an IoU of 1, as it is clipped
    EXPECT_TRUE(surelyOwn(answer({}, 0.5F), own, inner, {0.03, -most - 4, 0, 1, 0}));
    EXPECT_FALSE(surelyOwn(answer({}, 0.5F), own, inner, {0.03, -most - 3, 0, 1, 0}));
    EXPECT_FALSE(surelyOwn(answer({}, 0.5F), own, inner, {0.03, -most - 3, 0, -1, 0}));
}

TEST(MixReadings, AverageTheirProbabilities) {
    const FocusAnswer own = answer({2, -1, 10}, 0.9F), inner = answer({-2, -3, 10}, 0.5F);
    const FocusAnswer even = mixReadings(own, inner, 0);
    EXPECT_NEAR(even.logits[0], 0, 1e-6);
    const double p = (1 / (1 + std::exp(1.0)) + 1 / (1 + std::exp(3.0))) / 2;
    EXPECT_NEAR(even.logits[1], std::log(p / (1 - p)), 1e-5);
    EXPECT_NEAR(even.logits[2], 10, 1e-3);
    EXPECT_NEAR(even.predictedIou, 0.7, 1e-6);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_NEAR(mixReadings(own, inner, -40).logits[i], own.logits[i], 1e-3);
        EXPECT_NEAR(mixReadings(own, inner, 40).logits[i], inner.logits[i], 1e-3);
    }
}

} // namespace
} // namespace tandem
