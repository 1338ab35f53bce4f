#include "inference/predict/refiner_view.h"
#include "tests/inference/predict/focus_scene.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tandem {
namespace {

using test::boxOnly;
using test::logitsOf;
using test::Scene;
using test::stubborn;

// A refiner that answers the latest logits, raised or lowered by 2 where the clicks' bells are.
FocusRefine obedient(std::vector<RefinerClicks>* heard = nullptr,
                     std::vector<std::vector<float>>* latest = nullptr) {
    return [=](const RefinerQuestion& q) {
        if (heard)
            heard->push_back(q.clicks);
        if (latest)
            latest->push_back(q.latest);
        std::vector<float> logits = q.latest;
        for (std::size_t i = 0; i < logits.size(); ++i)
            logits[i] += 2 * q.clicks.in[i] - 2 * q.clicks.out[i];
        return logits;
    };
}

TEST(AnswerFocus, ARefinerRedrawsAfterEveryPrompt_FromTheAnswerBeforeIt) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const PointPrompt in{{{38, 30}}, true}, line{{{52, 25}}, false, {{{52, 33}}}};
    std::vector<FocusQuestion> asked;
    std::vector<RefinerClicks> heard;
    std::vector<std::vector<float>> latest;
    const FocusNetwork network(stubborn(std::vector<float>(64 * 64, -1), &asked), obedient(&heard, &latest),
                               64, 2.0);
    FocusSettings settings;
    settings.networkClicks = false;
    const FocusAnswer answer = answerFocus(s.image, *crop, {s.box, {in, line}}, 64, settings, network);
    EXPECT_EQ(asked.size(), std::size_t{1}); // the network itself is not shown clicks
    ASSERT_EQ(heard.size(), std::size_t{2});
    const auto cell = [&](double x, double y) {
        const CropGrid g = crop->grid(64);
        const auto at = [](double v, double first, double step) {
            return static_cast<std::size_t>(std::lround((v - first) / step - 0.5));
        };
        return at(y, g.top, g.stepY) * 64 + at(x, g.left, g.stepX);
    };
    EXPECT_GT(heard[0].in[cell(38, 30)], 0.8F);
    EXPECT_LT(heard[0].in[cell(52, 29)], 0.01F);
    EXPECT_EQ(*std::max_element(heard[0].out.begin(), heard[0].out.end()), 0.0F);
    for (double y : {25.0, 29.0, 33.0}) // all along the stroke
        EXPECT_GT(heard[1].out[cell(52, y)], 0.8F);
    EXPECT_NEAR(latest[0][cell(38, 30)], -1, 0.01);
    EXPECT_GT(latest[1][cell(38, 30)], 0.5F);  // the second prompt was made on the first one's answer
    EXPECT_GT(answer.logits[30 * 80 + 39], 0); // beside the click, where the refiner alone decides
    EXPECT_LT(answer.logits[36 * 80 + 57], 0);
}

// Truth: by hand. The network says out everywhere, the refiner in.
TEST(AnswerFocus, ARefinerCountsMoreWithEveryClick_ButNotInAPictureThatIsAllBox) {
    const FocusRefine insists = [](const RefinerQuestion& q) {
        return std::vector<float>(q.latest.size(), 3);
    };
    const auto isInAfter = [&](int clicks, const Scene& s, const SliceBox& box) {
        Prompts p{box, {}};
        for (int n = 0; n < clicks; ++n)
            p.points.push_back({{{box.x0 + 2.0 + n, 22}}, true});
        const auto crop = makeFocusCrop(s.image, boxOnly(box), 256);
        const FocusNetwork network(stubborn(std::vector<float>(64 * 64, -3)), insists, 64, 1.25);
        const FocusAnswer a = answerFocus(s.image, *crop, p, 64, {}, network);
        return a.logits[36 * 80 + 57] > 0; // far from the clicks
    };
    const Scene s;
    EXPECT_FALSE(isInAfter(1, s, s.box));
    EXPECT_TRUE(isInAfter(4, s, s.box));
    EXPECT_FALSE(isInAfter(4, s, {2, 2, 77, 57})); // both disagree about nearly all of the picture
}

TEST(AnswerFocus, WithARefiner_GoingOnFromAMemoryGivesTheAnswerOfAllPromptsAtOnce) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const PointPrompt in{{{38, 30}}, true}, out{{{57, 22}}, false};
    const PointPrompt far{{{44, 8}}, false}; // outside what the refiner looked at before
    const FocusNetwork network(stubborn(logitsOf(s.truth, *crop)), obedient(), 128, 1.25);
    FocusMemory memory;
    for (const std::vector<PointPrompt>& points :
         std::vector<std::vector<PointPrompt>>{{}, {in}, {in, out}, {out}, {out, in}, {out, in, far}}) {
        const Prompts p{s.box, points};
        EXPECT_EQ(answerFocus(s.image, *crop, p, 64, {}, network, &memory).logits,
                  answerFocus(s.image, *crop, p, 64, {}, network).logits);
    }
}

TEST(AnswerFocus, AClickWinsWhereItStands_WhateverARefinerSays) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const FocusRefine deaf = [](const RefinerQuestion& q) { return std::vector<float>(q.latest.size(), 3); };
    const FocusNetwork network(stubborn(std::vector<float>(64 * 64, 3)), deaf, 64, 1.25);
    const FocusAnswer answer = answerFocus(s.image, *crop, {s.box, {{{{44, 30}}, false}}}, 64, {}, network);
    EXPECT_LT(answer.logits[30 * 80 + 44], 0);
    EXPECT_GT(answer.logits[36 * 80 + 57], 0);
}

// Truth: by hand. The network says in everywhere; what the refiner does not look at stays.
TEST(AnswerFocus, BeyondARefinersSquare_TheMaskStands) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256); // 58 px wide, the refiner's 36
    const FocusRefine refuses = [](const RefinerQuestion& q) {
        return std::vector<float>(q.latest.size(), -9);
    };
    const FocusNetwork network(stubborn(std::vector<float>(64 * 64, 5)), refuses, 64, 1.25);
    const Prompts p{s.box, {{{{40, 30}}, true}, {{{44, 30}}, true}, {{{48, 30}}, true}}};
    const FocusAnswer answer = answerFocus(s.image, *crop, p, 64, {}, network);
    EXPECT_LT(answer.logits[36 * 80 + 57], 0);
    EXPECT_GT(answer.logits[36 * 80 + 68], 0);
}

// Truth: by hand.
TEST(RefinerCrop, HoldsBoxAndPoints_WithinTheNetworksCrop) {
    const Scene s; // a box of 29 x 19 around (44, 30)
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    EXPECT_EQ(refinerCrop(*crop, {}, 1.25).side, 1.25 * 29);
    EXPECT_EQ(refinerCrop(*crop, {}, 1.25).centreX, 44);
    const PointPrompt atTheRim{{{58, 39}}, true}, far{{{44, 50}}, true}, beyond{{{5, 5}}, false};
    EXPECT_EQ(refinerCrop(*crop, {atTheRim}, 1.25).side, 1.25 * 29); // no new look for it
    EXPECT_NEAR(refinerCrop(*crop, {far}, 1.25).side, 2 * (1.1 * 20 + 2), 1e-9);
    EXPECT_EQ(refinerCrop(*crop, {beyond}, 1.25).side, crop->side);
    EXPECT_EQ(refinerCells(*crop, 64), 64);
    FocusCrop large = *crop;
    large.side = 64 * 2.6;
    EXPECT_EQ(refinerCells(large, 64), 128);
}

// Truth: the formulas, at places by hand.
TEST(RefinerView, ShowsGreyBoxAndItsInside) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const RefinerView view = refinerView(s.image, *crop, 64);
    const CropGrid g = crop->grid(64);
    for (std::int64_t j = 3; j < 64; j += 7)
        for (std::int64_t i = 2; i < 64; i += 5) {
            const auto at = static_cast<std::size_t>(j * 64 + i);
            const double x = g.centreX(i), y = g.centreY(j);
            const bool in =
                x > s.box.x0 - 0.5 && x < s.box.x1 + 0.5 && y > s.box.y0 - 0.5 && y < s.box.y1 + 0.5;
            const double u = (x - (s.box.x0 + s.box.x1) / 2) / ((s.box.x1 - s.box.x0 + 1) / 2);
            const double v = (y - (s.box.y0 + s.box.y1) / 2) / ((s.box.y1 - s.box.y0 + 1) / 2);
            EXPECT_EQ(view.inBox[at], in ? 1.0F : 0.0F);
            EXPECT_NEAR(view.box[at], in ? std::max(-1.0, 1 - u * u - v * v) : -1, 1e-6);
        }
    const auto [low, high] = std::minmax_element(view.grey.begin(), view.grey.end());
    EXPECT_GE(*low, -2.0F);
    EXPECT_LE(*high, 2.0F);
    EXPECT_GT(view.grey[32 * 64 + 32], view.grey[32 * 64 + 2]); // the object is brighter
}

} // namespace
} // namespace tandem
