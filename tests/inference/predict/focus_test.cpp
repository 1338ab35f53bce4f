#include "core/measure/baselines.h"
#include "core/measure/components.h"
#include "core/measure/overlap.h"
#include "inference/predict/focus.h"
#include "inference/predict/focus_box.h"
#include "inference/predict/refiner_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tandem {
namespace {

// 80 x 60: a bright ellipse around (44, 30), radii 14 and 9, on a darker slope.
struct Scene {
    SliceImage image{80, 60, 1, std::vector<float>(80 * 60)};
    SliceMask truth{80, 60};
    Scene() {
        for (std::int64_t y = 0; y < 60; ++y)
            for (std::int64_t x = 0; x < 80; ++x) {
                truth.at(x, y) = std::hypot((x - 44) / 14.0, (y - 30) / 9.0) <= 1;
                image.values[static_cast<std::size_t>(y * 80 + x)] =
                    40.0F + 0.2F * static_cast<float>(x) + (truth.at(x, y) ? 60.0F : 0.0F);
            }
    }
    SliceBox box{30, 21, 58, 39};
};

Prompts boxOnly(const SliceBox& b) {
    return {b, {}};
}

TEST(FocusCrop, IsTwiceTheLongerSideAroundTheBox) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    ASSERT_TRUE(crop.has_value());
    EXPECT_EQ(crop->side, 2.0 * 29);
    EXPECT_EQ(crop->centreX, 44.0);
    EXPECT_EQ(crop->centreY, 30.0);
}

TEST(FocusCrop, BoxIsMappedByItsOuterEdges) {
    const Scene s;
    const auto crop =
        makeFocusCrop(s.image, boxOnly({10, 20, 19, 29}), 256); // 10 px: crop of 20, 12.8 input px each
    ASSERT_TRUE(crop.has_value());
    const SliceBox b = crop->modelBox();
    EXPECT_NEAR(b.x0, 64, 1e-9); // the left edge of pixel 10 is a quarter into the crop
    EXPECT_NEAR(b.x1, 191, 1e-9);
    EXPECT_NEAR(b.y0, 64, 1e-9);
    EXPECT_NEAR(b.y1, 191, 1e-9);
    const Point<ModelPx> middle = crop->modelFromSlice({{14.5, 24.5}});
    EXPECT_NEAR(middle[0], 127.5, 1e-9);
    EXPECT_NEAR(middle[1], 127.5, 1e-9);
}

TEST(FocusCrop, GridAndPointsAgree) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const CropGrid g = crop->grid(256);
    for (int i : {0, 17, 255}) {
        const Point<ModelPx> p = crop->modelFromSlice({{g.centreX(i), g.centreY(i)}});
        EXPECT_NEAR(p[0], i, 1e-9);
        EXPECT_NEAR(p[1], i, 1e-9);
    }
}

TEST(FocusCrop, GrowsToHoldEveryClick) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    p.points.push_back({{{2, 58}}, false});
    const auto crop = makeFocusCrop(s.image, p, 256);
    ASSERT_TRUE(crop.has_value());
    const Point<ModelPx> at = crop->modelFromSlice({{2, 58}});
    EXPECT_GT(at[0], 0.0);
    EXPECT_LT(at[1], 255.0);
}

TEST(FocusCrop, GrowsToHoldEveryScribble) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    p.points.push_back({{{44, 30}}, false, {{{2, 58}}, {{44, 40}}}});
    const auto crop = makeFocusCrop(s.image, p, 256);
    ASSERT_TRUE(crop.has_value());
    const Point<ModelPx> at = crop->modelFromSlice({{2, 58}});
    EXPECT_GT(at[0], 0.0);
    EXPECT_LT(at[1], 255.0);
}

TEST(FocusCrop, SenselessPrompts_AreRefused) {
    const Scene s;
    EXPECT_FALSE(makeFocusCrop(s.image, {}, 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, boxOnly({9, 9, 3, 12}), 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, boxOnly({0, 0, std::nan(""), 5}), 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, {std::nullopt, {{{{5, 5}}, false}}}, 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, {std::nullopt, {{{{INFINITY, 5}}, true}}}, 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, {std::nullopt, {{{{5, 5}}, true, {{{NAN, 5}}}}}}, 256).has_value());
}

TEST(EstimateBox, PointOnAnEvenObject_FindsItsBox) {
    const Scene s;
    const auto box = estimateBox(s.image, {{{{44, 30}}, true}});
    ASSERT_TRUE(box.has_value());
    EXPECT_NEAR(box->x0, 30, 5);
    EXPECT_NEAR(box->x1, 58, 5);
    EXPECT_NEAR(box->y0, 21, 4);
    EXPECT_NEAR(box->y1, 39, 4);
}

TEST(EstimateBox, Scribble_IsHeldWhole_AndLooksAroundItsMiddle) {
    const Scene s;
    const auto box = estimateBox(s.image, {{{{18, 30}}, true, {{{70, 30}}}}}); // begins and ends beside it
    ASSERT_TRUE(box.has_value());
    EXPECT_EQ(box->x0, 18);
    EXPECT_EQ(box->x1, 70);
    EXPECT_NEAR(box->y0, 21, 4);
    EXPECT_NEAR(box->y1, 39, 4);
}

// Noise between a faint object that fills most of the slice and its ground: too large for a click to find.
TEST(EstimateBox, Scribble_FindsALargeFaintObject) {
    SliceImage image{120, 100, 1, std::vector<float>(120 * 100)};
    std::uint32_t random = 7;
    for (std::int64_t y = 0; y < 100; ++y)
        for (std::int64_t x = 0; x < 120; ++x) {
            random = random * 1664525 + 1013904223;
            const double inside = std::hypot((x - 60) / 44.0, (y - 50) / 36.0) <= 1 ? 25 : 0;
            image.values[static_cast<std::size_t>(y * 120 + x)] =
                static_cast<float>(inside + static_cast<double>(random >> 24) / 12 + (y < 4 ? 200 : 0));
        }
    const auto box = estimateBox(image, {{{{40, 40}}, true, {{{60, 60}}, {{75, 45}}}}});
    ASSERT_TRUE(box.has_value());
    const double margin = 0.1 * 88 + 3;
    EXPECT_NEAR(box->x0, 16 - margin / 2, margin);
    EXPECT_NEAR(box->x1, 104 + margin / 2, margin);
    EXPECT_NEAR(box->y0, 14 - margin / 2, margin);
    EXPECT_NEAR(box->y1, 86 + margin / 2, margin);
}

TEST(FocusInput, ChannelsAreGreyBoxAndWalker) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 64);
    const std::vector<float> in = focusInput(s.image, *crop);
    ASSERT_EQ(in.size(), std::size_t{3 * 64 * 64});
    const auto at = [&](std::size_t channel, std::size_t x, std::size_t y) {
        return in[(channel * 64 + y) * 64 + x];
    };
    EXPECT_GT(at(0, 32, 32), 0.5F);
    EXPECT_LT(at(0, 32, 4), -0.5F);
    EXPECT_NEAR(at(1, 32, 32), 1.0F, 0.02F);
    EXPECT_EQ(at(1, 2, 2), -1.0F);
    EXPECT_GT(at(2, 32, 32), 0.9F);
    EXPECT_LT(at(2, 17, 23), 0.0F); // a corner of the box: dark ground
    EXPECT_EQ(at(2, 2, 2), -1.0F);
}

TEST(FocusInput, PictureCue_TellsHowLargeTheBoxIsInThePicture) {
    const Scene s; // 80 px wide
    FocusSettings settings;
    settings.pictureCue = true;
    const auto outside = [&](const SliceBox& box, const FocusSettings& f) {
        return focusInput(s.image, *makeFocusCrop(s.image, boxOnly(box), 64, f))[64 * 64];
    };
    EXPECT_EQ(outside({30, 21, 69, 39}, {}), -1.0F);
    EXPECT_NEAR(outside({30, 21, 69, 39}, settings), -0.8F, 1e-6F); // half of it
    EXPECT_NEAR(outside({30, 21, 34, 40}, settings), -0.6F, 1e-6F); // a quarter
    EXPECT_NEAR(outside({0, 0, 79, 59}, settings), -1.0F, 1e-6F);
    EXPECT_NEAR(outside({30, 21, 30, 21}, settings), 0.0F, 1e-6F); // one pixel
}

TEST(FocusInput, GainAndShiftOfTheImage_ChangeNothing) {
    const Scene s;
    SliceImage other = s.image;
    for (float& v : other.values)
        v = 3 * v - 500;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 64);
    const auto a = focusInput(s.image, *crop), b = focusInput(other, *crop);
    for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_NEAR(a[i], b[i], 2e-3);
}

TEST(FocusInput, OutsideTheSlice_IsMinusOne) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly({0, 0, 9, 9}), 64);
    EXPECT_EQ(focusInput(s.image, *crop)[0], -1.0F);
}

TEST(PriorMask, IsHighOnTheObjectAndLowAround) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const std::vector<float> prior = priorMask(s.image, *crop, 64);
    EXPECT_GT(prior[32 * 64 + 32], 3.0F);
    EXPECT_LT(prior[4 * 64 + 32], -3.0F);
    EXPECT_LE(*std::max_element(prior.begin(), prior.end()), 6.0F);
}

// A network that always answers with the same logits: tests see what the correction adds.
FocusDecode stubborn(const std::vector<float>& logits, std::vector<FocusQuestion>* asked = nullptr,
                     float iou = 0.5F) {
    return [=](const FocusQuestion& q) {
        if (asked)
            asked->push_back(q);
        return FocusReply{logits, iou};
    };
}

// Logits of a mask on the crop's cells.
std::vector<float> logitsOf(const SliceMask& mask, const FocusCrop& crop) {
    SliceImage values{mask.width, mask.height, 1, {}};
    values.values.assign(mask.inside.begin(), mask.inside.end());
    std::vector<float> v = sampleGrid(values, crop.grid(64), 0);
    for (float& x : v)
        x = 8 * x - 4;
    return v;
}

SliceMask maskOf(const FocusAnswer& a, const SliceImage& image) {
    SliceMask m(image.width, image.height);
    for (std::size_t i = 0; i < a.logits.size(); ++i)
        m.inside[i] = a.logits[i] > 0;
    return m;
}

TEST(AnswerFocus, LogitsComeBackOnTheSlicesGrid) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const auto answer =
        answerFocus(s.image, *crop, boxOnly(s.box), 64, {}, stubborn(logitsOf(s.truth, *crop)));
    EXPECT_GT(dice(maskOf(answer, s.image), s.truth), 0.98);
}

TEST(AnswerFocus, LeansOnThePrior_OfABoxThatTheMaskFills) {
    const Scene s;
    SliceMask full(80, 60), small(80, 60); // the network's answers: the whole box; a spot in its middle
    for (std::int64_t y = 21; y <= 39; ++y)
        for (std::int64_t x = 30; x <= 58; ++x) {
            full.at(x, y) = 1;
            small.at(x, y) = std::abs(x - 44) < 5 && std::abs(y - 30) < 4;
        }
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const auto scoreOf = [&](const SliceMask& network, double weight) {
        FocusSettings settings;
        settings.priorWeight = weight;
        std::vector<float> logits = logitsOf(network, *crop);
        for (float& v : logits)
            v = std::clamp(v, -0.2F, 0.2F);
        return dice(
            maskOf(answerFocus(s.image, *crop, boxOnly(s.box), 64, settings, stubborn(logits)), s.image),
            s.truth);
    };
    EXPECT_LT(scoreOf(full, 0), 0.87); // the truth is nearly the ellipse
    EXPECT_GT(scoreOf(full, 2), 0.93);
    EXPECT_EQ(scoreOf(small, 0), scoreOf(small, 2)); // a loose box says nothing
}

TEST(AnswerFocus, TightOffset_IsAddedWhereTheMaskReachesTheBox) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    // A network that fills the inner `reach` of the box and predicts `iou`.
    const auto pixels = [&](double reach, double offset, float iou = 0.4F) {
        FocusSettings settings;
        settings.tightOffset = offset;
        settings.unsureIou = 0.5;
        settings.sureIou = 0.75;
        const CropGrid g = crop->grid(64);
        std::vector<float> logits(64 * 64);
        for (std::int64_t j = 0; j < 64; ++j)
            for (std::int64_t i = 0; i < 64; ++i)
                logits[static_cast<std::size_t>(j * 64 + i)] =
                    static_cast<float>(3 * (reach - ellipticRadius(s.box, g.centreX(i), g.centreY(j))));
        const SliceMask m =
            maskOf(answerFocus(s.image, *crop, boxOnly(s.box), 64, settings, stubborn(logits, nullptr, iou)),
                   s.image);
        return std::count(m.inside.begin(), m.inside.end(), 1);
    };
    EXPECT_GT(pixels(0.95, 0.6), pixels(0.95, 0) + 60); // its rim moves by 0.2 of the box's radius
    EXPECT_EQ(pixels(0.4, 0.6), pixels(0.4, 0));        // a loose box says nothing
    EXPECT_EQ(pixels(0.95, 0.6, 0.9), pixels(0.95, 0)); // nor where the network is sure of itself
}

TEST(AnswerFocus, EveryClickIsShownWithTheLogitsBeforeIt) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    p.points = {{{{44, 30}}, true}, {{{31, 22}}, false}};
    const auto crop = makeFocusCrop(s.image, p, 256);
    std::vector<FocusQuestion> asked;
    (void)answerFocus(s.image, *crop, p, 64, {}, stubborn(std::vector<float>(64 * 64, 25.0F), &asked));
    ASSERT_EQ(asked.size(), std::size_t{3});
    EXPECT_EQ(asked[0].clicks.size(), std::size_t{0});
    EXPECT_EQ(asked[2].clicks.size(), std::size_t{2});
    EXPECT_FALSE(asked[2].clicks[1].foreground);
    EXPECT_EQ(asked[1].maskPrompt[0], 10.0F); // previous logits, clipped
}

// What a person sees must not depend on how the prompts came: one by one, all at once, or with one taken
// back.
TEST(AnswerFocus, GoingOnFromAMemory_GivesTheAnswerOfAllPromptsAtOnce) {
    const Scene s;
    const PointPrompt in{{{38, 30}}, true}, out{{{57, 22}}, false}, line{{{52, 33}}, true, {{{56, 33}}}};
    for (bool shown : {false, true}) {
        FocusSettings settings;
        settings.walkerWeight = 0.1;
        settings.networkClicks = shown;
        const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
        std::vector<float> logits(64 * 64);
        for (std::size_t i = 0; i < logits.size(); ++i)
            logits[i] = static_cast<float>(std::sin(0.01 * static_cast<double>(i)));
        FocusMemory memory;
        std::vector<FocusQuestion> asked, askedAfresh;
        for (const std::vector<PointPrompt>& points : std::vector<std::vector<PointPrompt>>{
                 {}, {in}, {in, out}, {in, out, line}, {in, out, line}, {in, out}, {out}, {out, in}}) {
            const Prompts p{s.box, points};
            const auto kept = answerFocus(s.image, *crop, p, 64, settings, stubborn(logits, &asked), &memory);
            const auto fresh = answerFocus(s.image, *crop, p, 64, settings, stubborn(logits, &askedAfresh));
            EXPECT_EQ(kept.logits, fresh.logits) << points.size() << " points, shown: " << shown;
        }
        // {} {in} {in,out} {in,out,line}: one question more each, if clicks are shown; the repeated one:
        // none; the shorter ones begin again.
        EXPECT_EQ(asked.size(), std::size_t{shown ? 4U + 3U + 2U + 1U : 1U + 1U + 1U});
        EXPECT_EQ(askedAfresh.size(), std::size_t{shown ? 1U + 2U + 3U + 4U + 4U + 3U + 2U + 3U : 8U});
    }
}

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

TEST(AnswerFocus, EndedHalfWay_LeavesNoMemory) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    const auto crop = makeFocusCrop(s.image, p, 256);
    const std::vector<float> logits = logitsOf(s.truth, *crop);
    FocusMemory memory;
    (void)answerFocus(s.image, *crop, p, 64, {}, stubborn(logits), &memory);
    p.points = {{{{44, 30}}, true}, {{{31, 22}}, false}};
    int calls = 0;
    const FocusDecode stopped = [&](const FocusQuestion&) -> FocusReply {
        if (++calls == 2)
            throw std::runtime_error("stopped");
        return {logits, 0.5F};
    };
    EXPECT_THROW((void)answerFocus(s.image, *crop, p, 64, {}, stopped, &memory), std::runtime_error);
    const auto after = answerFocus(s.image, *crop, p, 64, {}, stubborn(logits), &memory);
    EXPECT_EQ(after.logits, answerFocus(s.image, *crop, p, 64, {}, stubborn(logits)).logits);
}

// Truth: by hand. The network says logit 1 everywhere; a click that agrees was as likely as its probability.
TEST(AnswerFocus, TellsHowLikelyItsMasksFoundTheClicks) {
    const Scene s;
    Prompts prompts = boxOnly(s.box);
    const auto crop = makeFocusCrop(s.image, prompts, 256);
    const auto evidenceOf = [&](std::vector<PointPrompt> points, float logit) {
        prompts.points = std::move(points);
        const std::vector<float> logits(64 * 64, logit);
        return answerFocus(s.image, *crop, prompts, 64, {}, stubborn(logits)).clickEvidence;
    };
    const double p = 1 / (1 + std::exp(-1.0));
    EXPECT_EQ(evidenceOf({}, 1), 0);
    EXPECT_NEAR(evidenceOf({{{{44, 30}}, true}}, 1), std::log(p), 1e-5);
    EXPECT_NEAR(evidenceOf({{{{44, 30}}, false}}, 1), std::log(1 - p), 1e-5);
    EXPECT_NEAR(evidenceOf({{{{44, 30}}, false}}, 9), std::log(0.05), 1e-9); // nobody is sure of a click
    const double both = evidenceOf({{{{36, 30}}, true}, {{{52, 30}}, true}}, 1);
    EXPECT_NEAR(both, 2 * std::log(p), 0.05); // far apart: the first says little about the second
}

TEST(AnswerFocus, AClickWinsWhereItStands_AgainstAnyNetwork) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    p.points = {{{{50, 33}}, false}, {{{5, 5}}, true}};
    const auto crop = makeFocusCrop(s.image, p, 256);
    for (float everywhere : {-30.0F, 30.0F}) {
        const auto a =
            answerFocus(s.image, *crop, p, 64, {}, stubborn(std::vector<float>(64 * 64, everywhere)));
        EXPECT_LT(a.logits[33 * 80 + 50], 0.0F);
        EXPECT_GT(a.logits[5 * 80 + 5], 0.0F);
    }
}

TEST(AnswerFocus, AScribbleIsShownOnce_AsClicksAlongIt) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    p.points = {{{{36, 30}}, true, {{{52, 30}}}}};
    const auto crop = makeFocusCrop(s.image, p, 256);
    std::vector<FocusQuestion> asked;
    (void)answerFocus(s.image, *crop, p, 64, {}, stubborn(std::vector<float>(64 * 64, -1.0F), &asked));
    ASSERT_EQ(asked.size(), std::size_t{2});
    ASSERT_EQ(asked[1].clicks.size(), std::size_t{4});
    for (std::size_t n = 0; n < 4; ++n) {
        const Point<ModelPx> at = crop->modelFromSlice({{38.0 + 4.0 * static_cast<double>(n), 30}});
        EXPECT_NEAR(asked[1].clicks[n].x, at[0], 1e-9);
        EXPECT_NEAR(asked[1].clicks[n].y, at[1], 1e-9);
        EXPECT_TRUE(asked[1].clicks[n].foreground);
    }
}

TEST(AnswerFocus, AScribbleWinsAtAllItsPixels_AgainstAnyNetworkAndEarlierOnes) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    p.points = {
        {{{6, 8}}, true, {{{70, 50}}, {{72, 3}}}}, {{{10, 40}}, false, {{{75, 20}}}}, {{{44, 30}}, true}};
    const auto crop = makeFocusCrop(s.image, p, 256);
    const auto decided = decidedPixels(p.points, 80, 60);
    for (float everywhere : {-30.0F, 30.0F}) {
        const auto a =
            answerFocus(s.image, *crop, p, 64, {}, stubborn(std::vector<float>(64 * 64, everywhere)));
        for (std::size_t i = 0; i < decided.size(); ++i)
            if (decided[i]) {
                EXPECT_EQ(a.logits[i] > 0, decided[i] == 1) << i % 80 << " " << i / 80;
            }
    }
}

// The network sees nothing; the grey values are even, so that there is nothing to learn from them: what
// changes is the band that scribbles decide.
struct EvenScene {
    SliceImage image{80, 60, 1, std::vector<float>(80 * 60, 100.0F)};
    Prompts prompts{SliceBox{20, 10, 59, 49}, {}};

    SliceMask answer(float everywhere) const { return answer(std::vector<float>(64 * 64, everywhere), {}); }
    SliceMask answer(const std::vector<float>& logits, FocusSettings settings) const {
        settings.learnFromClicks = false;
        const auto crop = makeFocusCrop(image, prompts, 256);
        return maskOf(answerFocus(image, *crop, prompts, 64, settings, stubborn(logits)), image);
    }
};

TEST(AnswerFocus, AScribbleDecidesABand_AsAClickDecidesADisc) {
    EvenScene click, scribble;
    click.prompts.points = {{{{40, 30}}, true}};
    scribble.prompts.points = {{{{28, 30}}, true, {{{52, 30}}}}};
    const SliceMask disc = click.answer(-4), band = scribble.answer(-4);
    int reach = 0;
    while (disc.at(40, 30 + reach + 1))
        ++reach;
    EXPECT_GE(reach, 2);
    for (std::int64_t x = 28; x <= 52; ++x)
        for (int away = -reach; away <= reach; ++away)
            EXPECT_TRUE(band.at(x, 30 + away)) << x << " " << away;
    EXPECT_FALSE(band.at(40, 30 + 2 * reach + 2));
}

TEST(AnswerFocus, ALaterScribble_LeavesTheSurroundingsOfAnEarlierOneThatDisagrees) {
    EvenScene s;
    s.prompts.points = {{{{36, 20}}, true, {{{36, 40}}}}, {{{44, 20}}, false, {{{44, 40}}}}};
    const SliceMask mask = s.answer(8);
    for (std::int64_t y = 20; y <= 40; ++y) {
        for (std::int64_t x = 36; x <= 38; ++x)
            EXPECT_TRUE(mask.at(x, y)) << x << " " << y;
        for (std::int64_t x = 42; x <= 44; ++x)
            EXPECT_FALSE(mask.at(x, y)) << x << " " << y;
    }
}

// Far from a click the network counts as before; close by the grey values do.
TEST(AnswerFocus, AClickMovesNoOutlineFarAway) {
    EvenScene before, after;
    after.prompts.points = {{{{22, 12}}, true}};
    std::vector<float> logits(64 * 64); // the network is surer of the box's right half than of the rest
    for (std::size_t i = 0; i < logits.size(); ++i)
        logits[i] = i % 64 >= 32 ? 4.0F : -1.0F;
    FocusSettings settings;
    settings.walkerWeight = 0.1;
    const auto changedFarAway = [&](double fade) {
        settings.clickFade = fade;
        const SliceMask without = before.answer(logits, settings), with = after.answer(logits, settings);
        EXPECT_TRUE(with.at(22, 12));
        int changed = 0;
        for (std::int64_t y = 46; y < 60; ++y)
            for (std::int64_t x = 34; x < 80; ++x)
                changed += with.at(x, y) != without.at(x, y);
        return changed;
    };
    EXPECT_EQ(changedFarAway(2.5), 0);
    EXPECT_GT(changedFarAway(1000), 3); // the network doubted everywhere
}

TEST(AnswerFocus, WithoutClickWeight_AClickDecidesItsPixelAlone) {
    EvenScene s;
    s.prompts.points = {{{{25, 15}}, true}};
    FocusSettings settings;
    settings.clickWeight = 0;
    const SliceMask mask = s.answer(std::vector<float>(64 * 64, -2.0F), settings);
    EXPECT_TRUE(mask.at(25, 15));
    EXPECT_EQ(std::count(mask.inside.begin(), mask.inside.end(), 1), 1);
}

TEST(AnswerFocus, ClicksTeachWhatTheObjectLooksLike) {
    Scene s; // a second bright spot that the network does not know either
    for (std::int64_t y = 23; y < 27; ++y)
        for (std::int64_t x = 32; x < 36; ++x)
            s.image.values[static_cast<std::size_t>(y * 80 + x)] = 110;
    Prompts p = boxOnly(s.box);
    p.points = {{{{44, 30}}, true}};
    const auto crop = makeFocusCrop(s.image, p, 256);
    const auto logitAt = [&](bool learn) {
        FocusSettings settings;
        settings.learnFromClicks = learn;
        return answerFocus(s.image, *crop, p, 64, settings, stubborn(std::vector<float>(64 * 64, -1.0F)))
            .logits[25 * 80 + 34];
    };
    EXPECT_GT(logitAt(true), logitAt(false) + 0.2F);
}

TEST(AnswerFocus, AClickOnTheError_RepairsItsSurroundings) {
    const Scene s;
    SliceMask wrong = s.truth; // half of the object is missed
    for (std::int64_t y = 0; y < 60; ++y)
        for (std::int64_t x = 44; x < 80; ++x)
            wrong.at(x, y) = 0;
    Prompts p = boxOnly(s.box);
    const auto crop = makeFocusCrop(s.image, p, 256);
    double before = 0.7;
    for (int clicks = 0; clicks <= 1; ++clicks) {
        const auto a = answerFocus(s.image, *crop, p, 64, {}, stubborn(logitsOf(wrong, *crop)));
        const SliceMask mask = maskOf(a, s.image);
        const double now = dice(mask, s.truth);
        EXPECT_GT(now, before + (clicks > 0 ? 0.02 : -0.1));
        before = now;
        std::vector<std::uint8_t> missed(mask.inside.size());
        for (std::size_t i = 0; i < missed.size(); ++i)
            missed[i] = s.truth.inside[i] && !mask.inside[i];
        const Components c = connectedComponents(missed, {80, 60, 1});
        const auto at = innermost(c, c.largest(), 80, 60);
        p.points.push_back({{{static_cast<double>(at[0]), static_cast<double>(at[1])}}, true});
    }
}

} // namespace
} // namespace tandem
