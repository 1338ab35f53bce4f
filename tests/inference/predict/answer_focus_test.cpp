#include "core/measure/baselines.h"
#include "core/measure/components.h"
#include "core/measure/overlap.h"
#include "tests/inference/predict/focus_scene.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace tandem {
namespace {

using test::boxOnly;
using test::logitsOf;
using test::maskOf;
using test::Scene;
using test::stubborn;

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

// A network that fills the inner `reach` of a box: logits on 64 x 64 cells that fall by 3 from its middle to
// its sides.
std::vector<float> cone(const SliceBox& box, const FocusCrop& crop, double reach) {
    const CropGrid g = crop.grid(64);
    std::vector<float> logits;
    for (int j = 0; j < 64; ++j)
        for (int i = 0; i < 64; ++i)
            logits.push_back(
                static_cast<float>(3 * (reach - ellipticRadius(box, g.centreX(i), g.centreY(j)))));
    return logits;
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
        const std::vector<float> logits = cone(s.box, *crop, reach);
        const SliceMask m =
            maskOf(answerFocus(s.image, *crop, boxOnly(s.box), 64, settings, stubborn(logits, nullptr, iou)),
                   s.image);
        return std::count(m.inside.begin(), m.inside.end(), 1);
    };
    EXPECT_GT(pixels(0.95, 0.6), pixels(0.95, 0) + 60); // its rim moves by 0.2 of the box's radius
    EXPECT_EQ(pixels(0.4, 0.6), pixels(0.4, 0));        // a loose box says nothing
    EXPECT_EQ(pixels(0.95, 0.6, 0.9), pixels(0.95, 0)); // nor where the network is sure of itself
}

// Truth: an elliptic cone of slope 3; what is added moves its rim outward by a third of that.
TEST(AnswerFocus, ExactBox_IsReachedOnEverySide_ButNotByForce) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const auto extent = [&](double reach, bool exact) {
        FocusSettings settings;
        settings.exactBox = exact;
        const std::vector<float> logits = cone(s.box, *crop, reach);
        const SliceMask m =
            maskOf(answerFocus(s.image, *crop, boxOnly(s.box), 64, settings, stubborn(logits)), s.image);
        std::int64_t x0 = m.width, x1 = 0;
        for (std::int64_t y = 0; y < m.height; ++y)
            for (std::int64_t x = 0; x < m.width; ++x)
                if (m.at(x, y)) {
                    x0 = std::min(x0, x);
                    x1 = std::max(x1, x);
                }
        return static_cast<double>(x1 - x0 + 1) / (s.box.x1 - s.box.x0 + 1);
    };
    EXPECT_NEAR(extent(0.8, false), 0.8, 0.06);
    EXPECT_NEAR(extent(0.8, true), 0.97, 0.05); // near its sides: no more is added
    EXPECT_LE(extent(0.8, true), 1);
    EXPECT_NEAR(extent(0.4, true), 0.4 + 1.0 / 3, 0.06); // at most 1
    EXPECT_EQ(extent(0.97, true), extent(0.97, false));
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
    EXPECT_NEAR(both, 1.5 * std::log(p), 0.05); // far apart: the first says little about the second
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
