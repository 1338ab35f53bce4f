#include "core/files/json.h"
#include "core/usecases/evaluate.h"
#include "core/usecases/label_lean.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace tandem {
namespace {

// Answers with the box filled, less a corner that only a background click would take away; foreground clicks
// add a disc of 3 px, background clicks remove one.
class BoxSegmenter : public Segmenter {
public:
    void loadModel(std::filesystem::path, std::function<void(Result<ModelInfo>)> done) override {
        done(ModelInfo{});
    }
    std::optional<ModelInfo> model() const override { return std::nullopt; }
    void prefetch(SegmentRequest) override {}
    RequestId submit(SegmentRequest r, std::stop_token, Progress, Answer answer) override {
        const auto size = sliceSize(r.volume->geometry(), r.slice.plane);
        habits.push_back(r.habit);
        leans.push_back(r.lean);
        std::vector<Proposal> proposals;
        for (const Prompts& o : r.objects) {
            Proposal p{r.slice, size[0],
                       size[1], std::vector<float>(static_cast<std::size_t>(size[0] * size[1]), -1),
                       1,       "box",
                       0,       0};
            for (std::int64_t y = 0; y < size[1]; ++y)
                for (std::int64_t x = 0; x < size[0]; ++x)
                    p.logits[static_cast<std::size_t>(y * size[0] + x)] =
                        logit(o, static_cast<double>(x), static_cast<double>(y));
            proposals.push_back(std::move(p));
        }
        answer({1}, std::move(proposals));
        return {1};
    }

    std::vector<DrawingHabit> habits; ///< that came with the requests
    std::vector<std::shared_ptr<const BoxLean>> leans;

private:
    static float logit(const Prompts& o, double x, double y) {
        float v = x >= o.box->x0 && x <= o.box->x1 && y >= o.box->y0 && y <= o.box->y1 ? 1.0F : -1.0F;
        for (const PointPrompt& c : o.points)
            if (std::hypot(c.at[0] - x, c.at[1] - y) <= 3)
                v = c.foreground ? 1.0F : -1.0F;
        return v;
    }
};

// 40 x 30 x 4, spacing 1 x 1 x 2.5: label 3 is a 12 x 8 block in slices 0..2, label 5 a disc of radius 6 in
// slice 1.
EvaluationImage image() {
    const Geometry g = Geometry::axisAligned({40, 30, 4}, {1, 1, 2.5});
    std::vector<std::int16_t> grey(40 * 30 * 4);
    std::vector<std::uint16_t> labels(grey.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const auto x = static_cast<int>(i % 40), y = static_cast<int>(i / 40 % 30),
                   z = static_cast<int>(i / 1200);
        if (z < 3 && x >= 4 && x < 16 && y >= 5 && y < 13)
            labels[i] = 3;
        else if (z == 1 && std::hypot(x - 28, y - 20) <= 6)
            labels[i] = 5;
        grey[i] = static_cast<std::int16_t>(labels[i] * 100);
    }
    return {std::make_shared<const Volume>(Volume::make(g, grey).value()),
            "hash",
            LabelMap::make(g, labels).value(),
            {{3, "block"}, {5, "disc"}},
            false};
}

std::vector<EvaluationItem> oneItem() {
    return {{"case", "CT", "set", [] { return Result<EvaluationImage>(image()); }}};
}

const Progress quiet = [](double, std::string_view) {};

const EvaluateRow& row(const EvaluateReport& r, const std::string& method, int label, int clicks = 0) {
    return *std::find_if(r.rows.begin(), r.rows.end(), [&](const EvaluateRow& x) {
        return x.method == method && x.label == label && x.clicks == clicks;
    });
}

TEST(Evaluate, TightBoxes_ScoreEveryMethodPerStructure) {
    BoxSegmenter segmenter;
    const auto r = evaluate(oneItem(), {{"box", &segmenter}}, {}, quiet, {});
    ASSERT_TRUE(r.has_value());
    EXPECT_EQ(r->rows.size(), std::size_t{8}); // two structures, a model and three baselines
    EXPECT_EQ(row(*r, "box", 3).dsc, 1.0);
    EXPECT_EQ(row(*r, "box", 3).nsd, 1.0);
    EXPECT_EQ(row(*r, "box", 3).slices, 3);
    EXPECT_EQ(row(*r, "otsu", 5).dsc, 1.0);
    EXPECT_GT(row(*r, "ellipse", 5).dsc, 0.90); // a disc
    EXPECT_LT(row(*r, "ellipse", 3).dsc, 0.92); // a rectangle: 2 * 80 / (96 + 80)
    const double blockAndDisc = (1.0 + row(*r, "box", 5).dsc) / 2;
    const auto mean = std::find_if(r->means.begin(), r->means.end(),
                                   [](const EvaluateMean& m) { return m.method == "box"; });
    EXPECT_NEAR(mean->dsc, blockAndDisc, 1e-12);
    EXPECT_EQ(mean->structures, 2);
}

// The segmenter says 1 of every mask: of the block it is right.
TEST(Evaluate, WhatAModelSaysOfItsMasks_IsComparedWithTheirIou) {
    BoxSegmenter segmenter;
    const auto r = evaluate(oneItem(), {{"box", &segmenter}}, {}, quiet, {});
    ASSERT_TRUE(r.has_value());
    const auto block = row(*r, "box", 3).guess, disc = row(*r, "box", 5).guess;
    ASSERT_TRUE(block && disc);
    EXPECT_EQ(block->predicted, 1.0);
    EXPECT_EQ(block->error, 0.0);
    const double filled = 113.0 / 169.0; // a disc of radius 6 in its box
    EXPECT_NEAR(disc->error, 1 - filled, 1e-12);
    EXPECT_FALSE(row(*r, "otsu", 3).guess.has_value());
    const auto json = parseJson(reportAsJson(*r));
    for (const JsonValue& mean : json->find("means")->items())
        if (mean.find("method")->stringOr("") == "box")
            EXPECT_NEAR(mean.find("predicted_iou_error")->numberOr(-1), (1 - filled) / 2, 1e-12);
        else
            EXPECT_EQ(mean.find("predicted_iou_error"), nullptr);
}

TEST(Evaluate, MedsamProtocol_LoosensBoxesByThreePercent) {
    const SliceMask truth = [] {
        SliceMask m(200, 100);
        m.at(50, 60) = 1;
        m.at(52, 97) = 1;
        return m;
    }();
    EXPECT_EQ(*protocolBox(truth, BoxProtocol::Tight), (SliceBox{50, 60, 52, 97}));
    EXPECT_EQ(*protocolBox(truth, BoxProtocol::Medsam), (SliceBox{44, 54, 58, 99}));
    EXPECT_FALSE(protocolBox(SliceMask(4, 4), BoxProtocol::Tight).has_value());
}

// 40 px wide: 3 % are 1 px, so that a box of this protocol lies 2.5 % outside.
TEST(Evaluate, WithHabit_EachBoxIsAskedAboutInTheLightOfThoseBefore) {
    for (const BoxProtocol protocol : {BoxProtocol::Tight, BoxProtocol::Medsam}) {
        BoxSegmenter boxes;
        EvaluateOptions options{protocol, 0, 0, false};
        options.learning = true;
        ASSERT_TRUE(evaluate(oneItem(), {{"box", &boxes}}, options, quiet, {}).has_value());
        DrawingHabit expected;
        ASSERT_EQ(boxes.habits.size(), 4u); // three slices of the block, one of the disc
        for (const DrawingHabit& habit : boxes.habits) {
            EXPECT_EQ(habit, expected);
            expected.tight *= 0.95;
            expected.loose *= 0.95;
            expected.slack *= 0.95;
            (protocol == BoxProtocol::Tight ? expected.tight : expected.loose) += 1;
            expected.slack += protocol == BoxProtocol::Tight ? 0 : 0.025;
        }
    }
    BoxSegmenter stranger;
    ASSERT_TRUE(
        evaluate(oneItem(), {{"box", &stranger}}, {BoxProtocol::Medsam, 0, 0, false}, quiet, {}).has_value());
    for (const DrawingHabit& habit : stranger.habits)
        EXPECT_EQ(habit, DrawingHabit{});
}

TEST(Evaluate, WithAKnownHand_EveryBoxIsReadAsThatHands) {
    for (const BoxProtocol protocol : {BoxProtocol::Tight, BoxProtocol::Medsam}) {
        BoxSegmenter boxes;
        EvaluateOptions options{protocol, 0, 0, false};
        options.knownHand = true;
        ASSERT_TRUE(evaluate(oneItem(), {{"box", &boxes}}, options, quiet, {}).has_value());
        ASSERT_EQ(boxes.habits.size(), 4u);
        for (const DrawingHabit& habit : boxes.habits)
            EXPECT_EQ(likelyReading(habit),
                      protocol == BoxProtocol::Tight ? BoxReading::Tight : BoxReading::Loose);
    }
}

// Loose boxes are answered with the whole box: the block's slices teach that it is less.
TEST(Evaluate, WithLearning_EachBoxLeansOnTheMasksOfItsLabelBefore) {
    BoxSegmenter boxes;
    EvaluateOptions options{BoxProtocol::Medsam, 0, 0, false};
    options.learning = true;
    ASSERT_TRUE(evaluate(oneItem(), {{"box", &boxes}}, options, quiet, {}).has_value());
    ASSERT_EQ(boxes.leans.size(), 4u);
    EXPECT_FALSE(boxes.leans[0] || boxes.leans[1]);
    EXPECT_TRUE(boxes.leans[2]) << "two masks of the block";
    EXPECT_FALSE(boxes.leans[3]) << "the first of the disc";
}

TEST(Evaluate, ClicksGoToTheLargestError_AndAreCounted) {
    BoxSegmenter segmenter;
    EvaluateOptions options;
    options.clicks = 2;
    options.protocol = BoxProtocol::Medsam;
    const auto r = evaluate(oneItem(), {{"box", &segmenter}}, options, quiet, {});
    ASSERT_TRUE(r.has_value());
    EXPECT_GT(row(*r, "box", 5, 1).dsc, row(*r, "box", 5, 0).dsc);
    EXPECT_GT(row(*r, "box", 5, 2).dsc, row(*r, "box", 5, 1).dsc);
    EXPECT_EQ(r->clicksTo90.size(), std::size_t{2}); // of the model, and of region growing
    EXPECT_EQ(row(*r, "growing", 5, 2).dsc, 1.0);    // plain grey
    EXPECT_EQ(r->clicksTo90.at("growing"), 0);
}

TEST(NextClick, InnermostPixelOfTheLargestError) {
    SliceMask truth(20, 20), mask(20, 20);
    for (std::int64_t y = 3; y < 10; ++y)
        for (std::int64_t x = 4; x < 11; ++x)
            truth.at(x, y) = 1;
    mask.at(15, 15) = 1;
    const auto click = nextClick(mask, truth);
    ASSERT_TRUE(click.has_value());
    EXPECT_TRUE(click->foreground);
    EXPECT_EQ(click->at[0], 7.0);
    EXPECT_EQ(click->at[1], 6.0);
    EXPECT_FALSE(nextClick(truth, truth).has_value());
    const auto taken = nextClick(truth, SliceMask(20, 20));
    EXPECT_FALSE(taken->foreground);
}

TEST(Evaluate, InstancesAreOneRow_LimitedSlicesAreFewer) {
    BoxSegmenter segmenter;
    EvaluateOptions options;
    options.baselines = false;
    options.slices = 1;
    const std::vector<EvaluationItem> items{{"case", "CT", "set", [] {
                                                 EvaluationImage i = image();
                                                 i.instances = true;
                                                 return Result<EvaluationImage>(std::move(i));
                                             }}};
    const auto r = evaluate(items, {{"box", &segmenter}}, options, quiet, {});
    ASSERT_TRUE(r.has_value());
    EXPECT_EQ(r->rows.size(), std::size_t{1});
    EXPECT_EQ(r->rows[0].slices, 2); // one slice of each instance
}

TEST(Evaluate, UnreadableItemsAreSkipped_NothingLeftIsAnError) {
    BoxSegmenter segmenter;
    auto items = oneItem();
    items.push_back({"gone", "CT", "set", [] {
                         return Result<EvaluationImage>(Error{ErrorCode::FileNotFound, "There is no gone."});
                     }});
    const auto r = evaluate(items, {{"box", &segmenter}}, {}, quiet, {});
    ASSERT_TRUE(r.has_value());
    EXPECT_EQ(r->skipped, std::vector<std::string>{"There is no gone."});
    EXPECT_FALSE(evaluate({items[1]}, {{"box", &segmenter}}, {}, quiet, {}).has_value());
    std::stop_source stop;
    stop.request_stop();
    const auto stopped = evaluate(items, {{"box", &segmenter}}, {}, quiet, stop.get_token());
    EXPECT_TRUE(stopped.error().code == ErrorCode::Cancelled);
}

TEST(Evaluate, ReportsAreJsonAndCsv) {
    BoxSegmenter segmenter;
    const auto r = evaluate(oneItem(), {{"box", &segmenter}}, {}, quiet, {});
    const auto json = parseJson(reportAsJson(*r));
    ASSERT_TRUE(json.has_value());
    EXPECT_EQ(json->find("rows")->items().size(), std::size_t{8});
    EXPECT_EQ(json->find("rows")->items()[0].find("protocol")->stringOr(""), "tight");
    EXPECT_EQ(json->find("means")->items().size(), std::size_t{4});
    const std::string csv = reportAsCsv(*r);
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 9);
}

} // namespace
} // namespace tandem
