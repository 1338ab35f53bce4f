#include "core/measure/overlap.h"
#include "core/usecases/label_lean.h"
#include "inference/predict/clicks.h"
#include "inference/predict/predictor.h"
#include "inference/predict/preprocess.h"
#include "tests/inference/support.h"
#include "tests/support/parts_picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace tandem;
using predict::Predictor;

namespace {

const predict::Watch kGo;

checkpoint::Model goldenModel(const std::string& name) {
    return *checkpoint::openModel(test::kGolden / name / "model.safetensors");
}

Predictor predictorOf(checkpoint::Model model) {
    return Predictor(std::move(model), "id", std::int64_t{1} << 26);
}

// A golden model with a refiner whose weights are known by hand: it takes the latest logits, adds 6 x the
// bells of clicks that say in, and subtracts 6 x those that say out. `keep` 1 as trained ones begin; -1 turns
// masks inside out.
checkpoint::Model withHandMadeRefiner(float keep) {
    checkpoint::Model model = goldenModel("paper");
    model.config.preprocess = net::Preprocess::Focus;
    model.config.refiner = {32, 1.25, {4, 4, 4, 4}, 2, 2, 2, 1e-5};
    for (const net::WeightSpec& s : net::layoutOf(model.config))
        if (s.key.starts_with("refiner."))
            model.weights[s.key] = s.kind == net::WeightKind::Counter      ? at::zeros(s.shape, at::kLong)
                                   : s.kind == net::WeightKind::RunningVar ? at::ones(s.shape)
                                   : s.kind == net::WeightKind::NormGain   ? at::ones(s.shape)
                                                                           : at::zeros(s.shape);
    const std::int64_t in = 2 + 4,
                       out = 2 + 5; // behind two channels of detail: grey, box, start, prior, in, out
    model.weights["refiner.finish.conv.weight"][0][in][1][1] = 6;
    model.weights["refiner.finish.conv.weight"][1][out][1][1] = 6;
    model.weights["refiner.head.weight"][0][0][1][1] = 1;
    model.weights["refiner.head.weight"][0][1][1][1] = -1;
    model.weights["refiner.keep"][0] = keep;
    return model;
}

// A model whose preprocessing is another one; the weights do not mind.
checkpoint::Model withPreprocess(const std::string& golden, net::Preprocess preprocess) {
    checkpoint::Model model = goldenModel(golden);
    model.config.preprocess = preprocess;
    return model;
}

SegmentRequest requestFor(std::shared_ptr<const Volume> volume, std::vector<Prompts> objects) {
    SegmentRequest request;
    request.volume = std::move(volume);
    request.imageHash = "hash";
    request.window = {40, 400};
    request.objects = std::move(objects);
    return request;
}

Prompts box(double x0, double y0, double x1, double y1) {
    return {SliceBox{x0, y0, x1, y1}, {}};
}

double largestDifference(const std::vector<float>& a, const at::Tensor& b) {
    const at::Tensor flat = b.contiguous().flatten();
    double largest = flat.numel() == static_cast<std::int64_t>(a.size()) ? 0 : 1e9;
    for (std::size_t i = 0; i < a.size() && largest < 1e8; ++i)
        largest =
            std::max(largest, std::abs(double{a[i]} - flat[static_cast<std::int64_t>(i)].item<double>()));
    return largest;
}

void expectPromptsWin(const Proposal& p, const std::vector<PointPrompt>& points) {
    const std::vector<std::uint8_t> decided = decidedPixels(points, p.width, p.height);
    for (std::size_t i = 0; i < decided.size(); ++i) {
        if (decided[i]) {
            EXPECT_EQ(p.logits[i] > 0, decided[i] == 1) << i << ": " << p.logits[i];
        }
    }
}

} // namespace

// Truth: reference.py computed the logits of the original picture from the same box (in SlicePx: its voxel
// indices).
TEST(Predictor, BoxOnAPicture_GivesTheReferencesLogits) {
    struct Case {
        const char* golden;
        SliceBox box;
    };
    for (const Case& c : {Case{"sam", {12, 15, 47, 42}}, Case{"paper", {9, 20, 35, 56}}}) {
        const std::string tensors = std::string(c.golden) + "/tensors.safetensors";
        const auto picture = test::pictureFrom(test::goldenTensor(tensors, "image_u8"));
        Predictor predictor = predictorOf(goldenModel(c.golden));
        const auto answer = predictor.predict(requestFor(picture, {{c.box, {}}}), kGo);
        ASSERT_TRUE(answer.has_value()) << answer.error().sentence;
        const at::Tensor expected = test::goldenTensor(tensors, "box.logits");
        EXPECT_LT(largestDifference((*answer)[0].logits, expected),
                  3e-5 * expected.abs().max().item<double>())
            << c.golden;
    }
}

TEST(Predictor, ManyObjects_AreAnsweredInOrderAsEachAlone) {
    const auto volume = test::greyVolume(61, 47, 3);
    Predictor predictor = predictorOf(goldenModel("sam"));
    std::vector<Prompts> objects{box(10, 10, 40, 30), {std::nullopt, {{{{20, 20}}, true}}}, box(5, 5, 9, 40)};
    objects.push_back(box(30, 20, 50, 40));
    objects.back().points = {{{{40, 30}}, true}, {{{32, 38}}, false}};
    for (int i = 0; i < 20; ++i)
        objects.push_back(box(i, i, i + 20, i + 15));
    const auto together = predictor.predict(requestFor(volume, objects), kGo);
    ASSERT_TRUE(together.has_value());
    ASSERT_EQ(together->size(), objects.size());
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const auto alone = predictor.predict(requestFor(volume, {objects[i]}), kGo);
        ASSERT_TRUE(alone.has_value());
        EXPECT_EQ((*together)[i].width, 61);
        EXPECT_EQ((*together)[i].height, 47);
        const at::Tensor expected = at::tensor(at::ArrayRef<float>((*alone)[0].logits));
        EXPECT_LT(largestDifference((*together)[i].logits, expected), 1e-4) << i;
    }
}

TEST(Predictor, SecondRequestOnASlice_ReusesItsEmbedding) {
    const auto volume = test::greyVolume(40, 40, 3);
    Predictor predictor = predictorOf(goldenModel("sam"));
    auto request = requestFor(volume, {box(10, 10, 30, 30)});
    EXPECT_GT((*predictor.predict(request, kGo))[0].encodeMs, 0.0);
    EXPECT_EQ((*predictor.predict(request, kGo))[0].encodeMs, 0.0);
    request.window.level += 1; // other grey values are another picture to the network
    EXPECT_GT((*predictor.predict(request, kGo))[0].encodeMs, 0.0);
    request.slice.index = 2;
    EXPECT_TRUE(predictor.prepare(request, kGo).has_value());
    EXPECT_EQ((*predictor.predict(request, kGo))[0].encodeMs, 0.0);
    request.imageHash.clear();
    EXPECT_GT((*predictor.predict(request, kGo))[0].encodeMs, 0.0);
}

TEST(Predictor, Medsam_InterpolatesProbabilities) {
    const auto picture = test::pictureFrom(test::goldenTensor("sam/tensors.safetensors", "image_u8"));
    checkpoint::Model model = withPreprocess("sam", net::Preprocess::Medsam);
    const at::Tensor image = test::goldenTensor("sam/tensors.safetensors", "image_u8").contiguous();
    const auto* data = image.data_ptr<std::uint8_t>();
    const auto input = predict::medsamInput({image.size(1), image.size(0), {data, data + image.numel()}}, 64);
    const at::NoGradGuard noGradients;
    const at::Tensor code = net::encode(model.weights, model.config,
                                        at::tensor(at::ArrayRef<float>(input.values)).view({1, 3, 64, 64}));
    const at::Tensor boxes = at::tensor({12 * 64.0 / 71, 15 * 64.0 / 50, 47 * 64.0 / 71, 42 * 64.0 / 50})
                                 .to(at::kFloat)
                                 .view({1, 4});
    const auto codes = net::encodePrompts(model.weights, model.config, {{}, {}, boxes, {}});
    const at::Tensor probability =
        net::postprocessMedsam(net::decode(model.weights, model.config, code, codes, false).logits, {50, 71});
    const auto answer =
        predictorOf(std::move(model)).predict(requestFor(picture, {box(12, 15, 47, 42)}), kGo);
    ASSERT_TRUE(answer.has_value());
    std::vector<float> back = (*answer)[0].logits;
    for (float& v : back)
        v = 1 / (1 + std::exp(-v));
    EXPECT_LT(largestDifference(back, probability), 1e-5);
}

TEST(Predictor, EveryConvention_LetsClicksAndScribblesWinWhereTheyStand) {
    std::mt19937 random(5);
    const auto volume = test::greyVolume(53, 41, 2);
    for (const auto& [golden, preprocess] :
         {std::pair{"sam", net::Preprocess::Sam}, std::pair{"sam", net::Preprocess::Medsam},
          std::pair{"paper", net::Preprocess::Sam}, std::pair{"paper", net::Preprocess::Focus}}) {
        Predictor predictor = predictorOf(withPreprocess(golden, preprocess));
        for (int round = 0; round < 6; ++round) {
            Prompts object;
            if (round % 2)
                object.box = SliceBox{8, 6, 44, 33};
            const auto anywhere = [&random] {
                return Point<SlicePx>{
                    {static_cast<double>(random() % 53), static_cast<double>(random() % 41)}};
            };
            for (int i = 0; i < 4; ++i)
                object.points.push_back({anywhere(), i % 3 != 1});
            for (std::size_t i = 2; i < 4; ++i) // one of each kind goes on as a scribble
                object.points[i - 1].along = {anywhere(), anywhere()};
            const auto answer = predictor.predict(requestFor(volume, {object}), kGo);
            ASSERT_TRUE(answer.has_value()) << golden << ": " << answer.error().sentence;
            expectPromptsWin((*answer)[0], object.points);
        }
    }
}

TEST(Predictor, ScribbleOnAWholeSlice_IsSeveralClicksAlongIt) {
    const auto volume = test::greyVolume(61, 47, 1);
    Predictor predictor = predictorOf(goldenModel("sam"));
    Prompts scribble{std::nullopt, {{{{10, 10}}, true, {{{26, 10}}}}}}, clicks;
    for (const double x : {12, 16, 20, 24})
        clicks.points.push_back({{{x, 10}}, true});
    const auto answer = predictor.predict(requestFor(volume, {scribble, clicks}), kGo);
    ASSERT_TRUE(answer.has_value()) << answer.error().sentence;
    for (std::size_t i = 16 * 61; i < 61u * 47u; ++i) // below what prompts raise around them
        EXPECT_NEAR((*answer)[0].logits[i], (*answer)[1].logits[i], 1e-4) << i;
}

TEST(Predictor, Focus_AnswersOnTheSlicesGridAndReusesTheCrop) {
    const auto volume = test::greyVolume(90, 70, 2);
    Predictor predictor = predictorOf(withPreprocess("paper", net::Preprocess::Focus));
    auto request = requestFor(volume, {box(30, 20, 60, 50)});
    const auto first = predictor.predict(request, kGo);
    ASSERT_TRUE(first.has_value()) << first.error().sentence;
    EXPECT_EQ((*first)[0].logits.size(), 90u * 70u);
    EXPECT_GT((*first)[0].encodeMs, 0.0);
    request.objects[0].points.push_back({{{45, 35}}, true});
    EXPECT_EQ((*predictor.predict(request, kGo))[0].encodeMs, 0.0);
}

// Truth: computed here from the answer's logits.
TEST(Predictor, Focus_AfterClicks_TheToldIouIsThatOfTheMask) {
    checkpoint::Model model = withPreprocess("paper", net::Preprocess::Focus);
    JsonValue focus;
    focus.set("iouBias", 0.4);
    focus.set("iouGain", 1.3);
    model.configJson.set("focus", std::move(focus));
    Predictor predictor = predictorOf(std::move(model));
    auto request = requestFor(test::greyVolume(90, 70, 2), {box(30, 20, 60, 50)});
    const double ofBox = (*predictor.predict(request, kGo))[0].predictedIou;
    request.objects[0].points = {{{{45, 35}}, true}, {{{32, 22}}, false}};
    const Proposal answer = (*predictor.predict(request, kGo))[0];
    double in = 0, size = 0, out = 0;
    for (const float v : answer.logits) {
        const double p = std::abs(v) > 7 ? (v > 0 ? 1 : 0) : 1 / (1 + std::exp(-static_cast<double>(v)));
        (v > 0 ? in : out) += p;
        size += v > 0;
    }
    const double own = std::log(in / (size + out) / (1 - in / (size + out)));
    EXPECT_NEAR(answer.predictedIou, 1 / (1 + std::exp(-0.4 - 1.3 * own)), 1e-5);
    EXPECT_GT(std::abs(answer.predictedIou - ofBox), 0.01);
}

TEST(Predictor, Focus_ARefinerHearsClicksWithTheirSigns) {
    const auto volume = test::greyVolume(60, 50, 1);
    const Prompts asked = box(12, 10, 47, 41);
    const auto logitsOf = [&](float keep, std::vector<PointPrompt> points) {
        Predictor predictor = predictorOf(withHandMadeRefiner(keep));
        auto answer = predictor.predict(requestFor(volume, {{asked.box, std::move(points)}}), kGo);
        EXPECT_TRUE(answer.has_value());
        return answer ? std::move(answer->front().logits) : std::vector<float>(60 * 50);
    };
    const std::vector<float> before = logitsOf(1, {});
    const std::vector<float> in = logitsOf(1, {{{{29, 25}}, true}}), out = logitsOf(1, {{{{29, 25}}, false}});
    const std::size_t beside = 25 * 60 + 31, away = 15 * 60 + 18;
    EXPECT_GT(in[beside], before[beside] + 0.5F);
    EXPECT_LT(out[beside], before[beside] - 0.5F);
    // Far from the click the refiner's answer is the latest one, or that inside out; the mix shows which.
    const std::vector<float> inverted = logitsOf(-1, {{{{29, 25}}, true}});
    ASSERT_LT(before[away], -0.2F);
    EXPECT_GT(inverted[away], in[away] + 0.2F);
}

// A predictor that has answered about this object, and about another one, says what a new one says.
TEST(Predictor, Focus_ClickAfterClick_GivesTheAnswerOfAllAtOnce) {
    Predictor asked = predictorOf(withPreprocess("paper", net::Preprocess::Focus));
    const Prompts other = box(4, 4, 20, 16);
    Prompts object = box(10, 12, 40, 44);
    const std::vector<PointPrompt> clicks{{{{20, 20}}, true}, {{{38, 14}}, false}, {{{30, 40}}, true}};
    for (std::size_t n = 0; n <= clicks.size(); ++n) {
        object.points.assign(clicks.begin(), clicks.begin() + static_cast<std::ptrdiff_t>(n));
        const auto request = requestFor(test::greyVolume(48, 48, 3), {object, other});
        const auto answer = asked.predict(request, kGo);
        Predictor fresh = predictorOf(withPreprocess("paper", net::Preprocess::Focus));
        const auto expected = fresh.predict(request, kGo);
        ASSERT_TRUE(answer.has_value() && expected.has_value());
        for (std::size_t i = 0; i < 2; ++i)
            EXPECT_EQ((*answer)[i].logits, (*expected)[i].logits) << n << " clicks, object " << i;
    }
}

checkpoint::Model calibratedForHands() {
    checkpoint::Model twice = withPreprocess("paper", net::Preprocess::Focus);
    JsonValue hand, focus;
    for (const auto& [name, value] :
         {std::pair{"share", 0.05}, {"bias", 0.2}, {"ownIou", 0.7}, {"innerIou", -0.4}, {"lengthLeft", 1.1}})
        hand.set(name, value);
    focus.set("hand", std::move(hand));
    twice.configJson.set("focus", std::move(focus));
    return twice;
}

// Truth: the two boxes asked about by the same weights without a second reading, mixed here.
void expectTwoReadings(const DrawingHabit& habit, double slack, double bias) {
    const auto volume = test::greyVolume(90, 70, 2);
    auto request = requestFor(volume, {box(30, 20, 60, 50)});
    request.habit = habit;
    const auto mixed = predictorOf(calibratedForHands()).predict(request, kGo);
    Predictor once = predictorOf(withPreprocess("paper", net::Preprocess::Focus));
    const auto own = once.predict(requestFor(volume, {box(30, 20, 60, 50)}), kGo);
    const auto inner =
        once.predict(requestFor(volume, {box(30 + slack, 20 + slack, 60 - slack, 50 - slack)}), kGo);
    ASSERT_TRUE(mixed.has_value() && own.has_value() && inner.has_value());
    const auto logit = [](double p) {
        return std::log(std::clamp(p, 1e-3, 0.999) / (1 - std::clamp(p, 1e-3, 0.999)));
    };
    const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
    const double odds = bias + 0.7 * logit(own->front().predictedIou) -
                        0.4 * logit(inner->front().predictedIou) + 1.1 * (31 - 2 * slack) / 31.0;
    const double share = logistic(odds);
    ASSERT_TRUE(mixed->front().looseEvidence.has_value()); // without what was known before
    EXPECT_NEAR(*mixed->front().looseEvidence, odds - (bias - 0.2) - std::log(0.05 / 0.95), 1e-5);
    EXPECT_FALSE(own->front().looseEvidence.has_value());
    for (std::size_t i = 0; i < 90 * 70; ++i) {
        const double p =
            (1 - share) * logistic(own->front().logits[i]) + share * logistic(inner->front().logits[i]);
        ASSERT_NEAR(logistic(mixed->front().logits[i]), p, 1e-5) << i;
    }
}

TEST(Predictor, Focus_ReadsABoxTwice_WhereTheModelWasCalibratedForIt) {
    expectTwoReadings({}, 4.5, 0.2);
}

// By hand: of 2.5 boxes (half a one a stranger's) 2.025 are loose, and (0.5 * 0.05 + 0.14) / 2.5 is their
// slack.
TEST(Predictor, Focus_ReadsTheBoxesOfSomebodyKnown_AsThatPersonDraws) {
    expectTwoReadings({0, 2, 0.14}, 90 * 0.066, 0.2 + std::log(2.025 / 0.475) - std::log(0.05 / 0.95));
}

// The same box of a stranger and of somebody who draws tightly, in turn: what was remembered of one must not
// answer for the other, and a mask that stays away from its box gets the most that it can get.
TEST(Predictor, Focus_ABoxKnownToBeTight_IsFilled) {
    const auto volume = test::greyVolume(90, 70, 2);
    auto request = requestFor(volume, {box(30, 20, 60, 50)});
    checkpoint::Model small = withPreprocess("paper", net::Preprocess::Focus);
    const auto plain = predictorOf(small).predict(request, kGo);
    const auto& logits = plain->front().logits;
    JsonValue focus; // lowered until nothing of the mask is left, by far
    focus.set("logitOffset", -3 - static_cast<double>(*std::max_element(logits.begin(), logits.end())));
    small.configJson.set("focus", std::move(focus));
    Predictor both = predictorOf(small), one = predictorOf(small);
    const auto stranger = both.predict(request, kGo);
    request.habit = exactBoxes();
    const auto exact = both.predict(request, kGo), alone = one.predict(request, kGo);
    ASSERT_TRUE(stranger.has_value() && exact.has_value() && alone.has_value());
    EXPECT_EQ(exact->front().logits, alone->front().logits);
    for (std::int64_t y = 20; y <= 50; ++y)
        for (std::int64_t x = 30; x <= 60; ++x) {
            const auto i = static_cast<std::size_t>(y * 90 + x);
            ASSERT_NEAR(exact->front().logits[i], stranger->front().logits[i] + 1, 1e-4) << x << "," << y;
        }
    request.habit = {};
    EXPECT_EQ(both.predict(request, kGo)->front().logits, stranger->front().logits);
}

Result<std::vector<Proposal>> candidate(Predictor& predictor, SegmentRequest request, int number) {
    request.candidate = number;
    return predictor.predict(request, kGo);
}

// Truth: the reference's three further masks of the same box.
TEST(Predictor, Candidates_OfSam_AreItsMasksOfOtherSizes_TheBestFirst) {
    const std::string tensors = "sam/tensors.safetensors";
    const checkpoint::Model model = goldenModel("sam");
    const auto volume = test::pictureFrom(test::goldenTensor(tensors, "image_u8"));
    const auto request = requestFor(volume, {box(12, 15, 47, 42)});
    Predictor predictor = predictorOf(goldenModel("sam"));
    const auto likeliest = candidate(predictor, request, 0);
    ASSERT_TRUE(likeliest.has_value());
    ASSERT_EQ(likeliest->front().candidates, 4);
    EXPECT_EQ(likeliest->front().kind, CandidateKind::Likeliest);
    float before = 1;
    for (int n = 1; n < 4; ++n) {
        const auto other = candidate(predictor, request, n);
        ASSERT_TRUE(other.has_value());
        EXPECT_EQ(other->front().kind, CandidateKind::OtherSize);
        EXPECT_LE(other->front().predictedIou, before);
        EXPECT_NE(other->front().logits, likeliest->front().logits);
        EXPECT_EQ(other->front().encodeMs, 0);
        before = other->front().predictedIou;
    }
    EXPECT_EQ(candidate(predictor, request, 4)->front().logits, likeliest->front().logits);
    EXPECT_EQ(candidate(predictor, requestFor(volume, {{std::nullopt, {{{{20, 20}}, true}}}}), 0)
                  ->front()
                  .candidates,
              4); // a lone click: two more sizes, and look-alikes
}

// Truth: the reading that this person's box is not taken for, asked about by weights that read boxes once.
TEST(Predictor, Candidates_OfABoxReadTwice_AreBothMixed_AndTheLessLikelyReading) {
    const auto volume = test::greyVolume(90, 70, 2);
    Predictor predictor = predictorOf(calibratedForHands());
    Predictor once = predictorOf(withPreprocess("paper", net::Preprocess::Focus));
    for (const bool loose : {false, true}) {
        auto request = requestFor(volume, {box(30, 20, 60, 50)});
        request.habit = loose ? DrawingHabit{0, 40, 2} : DrawingHabit{40, 0, 0};
        const auto other = candidate(predictor, request, 1);
        ASSERT_TRUE(other.has_value());
        EXPECT_EQ(other->front().kind, CandidateKind::OtherBox);
        EXPECT_EQ(other->front().candidates, 2);
        const double inward = loose ? 0 : 4.5;
        const auto expected =
            once.predict(requestFor(volume, {box(30 + inward, 20 + inward, 60 - inward, 50 - inward)}), kGo);
        EXPECT_EQ(other->front().logits, expected->front().logits) << loose;
    }
    const auto same = candidate(once, requestFor(volume, {box(30, 20, 60, 50)}), 1);
    EXPECT_EQ(same->front().candidates, 1); // a model that reads boxes once
    EXPECT_EQ(same->front().kind, CandidateKind::Likeliest);
}

std::shared_ptr<const Volume> volumeOf(const SliceImage& grey) {
    const auto g = Geometry::axisAligned({grey.width, grey.height, 1}, {1, 1, 1});
    return std::make_shared<const Volume>(*Volume::make(g, std::vector<float>(grey.values), 1));
}

// Truth: the drawn spots.
TEST(Predictor, Candidates_OfABoxFullOfParts_AreThose_AndOneObject) {
    const test::PartsPicture picture;
    Predictor predictor = predictorOf(withPreprocess("paper", net::Preprocess::Focus));
    const auto request = requestFor(volumeOf(picture.image), {box(0, 0, 255, 255)});
    const auto parts = candidate(predictor, request, 0), one = candidate(predictor, request, 1);
    ASSERT_TRUE(parts.has_value());
    EXPECT_EQ(parts->front().kind, CandidateKind::Parts);
    EXPECT_EQ(parts->front().candidates, 2);
    EXPECT_EQ(parts->front().encodeMs, 0);
    EXPECT_GT(dice(parts->front().mask(), picture.truth), 0.8);
    ASSERT_TRUE(one.has_value());
    EXPECT_EQ(one->front().kind, CandidateKind::OneObject);
    EXPECT_GT(one->front().encodeMs, 0);
    EXPECT_NE(one->front().logits, parts->front().logits);
    EXPECT_EQ(candidate(predictor, request, 0)->front().logits, parts->front().logits); // no mixing up

    const auto some = candidate(predictor, requestFor(volumeOf(picture.image), {box(0, 0, 255, 150)}), 0);
    EXPECT_EQ(some->front().kind, CandidateKind::Likeliest);
    EXPECT_EQ(some->front().candidates, 1);
}

TEST(Predictor, Candidates_AfterAClick_EndWithLookAlikes) {
    const auto volume = test::greyVolume(61, 47, 3);
    for (const net::Preprocess convention :
         {net::Preprocess::Sam, net::Preprocess::Medsam, net::Preprocess::Focus}) {
        Predictor predictor = predictorOf(withPreprocess("paper", convention));
        Prompts object = box(8, 8, 50, 40);
        object.points = {{{{20, 20}}, true}, {{{44, 12}}, false}};
        const int count = predictor.predict(requestFor(volume, {object}), kGo)->front().candidates;
        const auto alikes = candidate(predictor, requestFor(volume, {object}), count - 1);
        ASSERT_TRUE(alikes.has_value());
        const Proposal& p = alikes->front();
        EXPECT_EQ(p.kind, CandidateKind::LookAlikes);
        expectPromptsWin(p, object.points);
        EXPECT_FALSE(p.mask().inside[3 * 61 + 3]); // outside the box
        EXPECT_NEAR(p.predictedIou, expectedIou(p.logits), 1e-6);
        Predictor fresh = predictorOf(withPreprocess("paper", convention));
        const auto atOnce = candidate(fresh, requestFor(volume, {object}), count - 1);
        EXPECT_EQ(atOnce->front().logits, p.logits);
        EXPECT_EQ(atOnce->front().encodeMs, 0) << "the network is not needed";
    }
}

// Truth: a constant lean on a model without local correction is that constant on every logit in the crop, and
// on all of a whole slice.
TEST(Predictor, Lean_IsAddedToWhatTheNetworkSaysOfABox_NotToClicksAlone) {
    const auto constant =
        std::make_shared<BoxLean>(BoxLean{{40, 40, 1, std::vector<float>(1600, 0.7F)}, 0.7F});
    const auto volume = test::greyVolume(90, 70, 2);
    for (const auto preprocess : {net::Preprocess::Focus, net::Preprocess::Sam}) {
        Predictor predictor = predictorOf(withPreprocess("paper", preprocess));
        auto request = requestFor(volume, {box(30, 20, 60, 50)});
        request.imageHash = "named"; // so that what was said of it is remembered
        const auto before = predictor.predict(request, kGo);
        request.lean = constant;
        const auto after = predictor.predict(request, kGo);
        ASSERT_TRUE(before.has_value() && after.has_value());
        std::size_t moved = 0;
        for (std::size_t i = 0; i < 90 * 70; ++i) {
            const float was = before->front().logits[i], is = after->front().logits[i];
            if (was <= -9.9F || was >= 9.2F)
                continue; // outside the crop
            ASSERT_NEAR(is, was + 0.7F, 2e-3) << i;
            ++moved;
        }
        EXPECT_GT(moved, 900u);
        Prompts click;
        click.points = {{{{45, 35}}, true}};
        auto clicked = requestFor(volume, {click});
        const auto plain = predictor.predict(clicked, kGo);
        clicked.lean = constant;
        EXPECT_EQ(predictor.predict(clicked, kGo)->front().logits, plain->front().logits);
    }
}

TEST(Predictor, WrongRequests_AreRefusedInWords) {
    const auto volume = test::greyVolume(30, 30, 2);
    Predictor predictor = predictorOf(goldenModel("sam"));
    auto outside = requestFor(volume, {box(1, 1, 9, 9)});
    outside.slice.index = 2;
    for (const SegmentRequest& request :
         {outside, requestFor(nullptr, {box(1, 1, 9, 9)}), requestFor(volume, {Prompts{}}),
          requestFor(volume, {box(9, 1, 1, 9)}), requestFor(volume, {box(NAN, 1, 9, 9)}),
          requestFor(volume, {{std::nullopt, {{{{3, 3}}, false}}}}),
          requestFor(volume, {{std::nullopt, {{{{INFINITY, 3}}, true}}}}),
          requestFor(volume, {{std::nullopt, {{{{3, 3}}, true, {{{4, NAN}}}}}}})}) {
        const auto answer = predictor.predict(request, kGo);
        ASSERT_FALSE(answer.has_value());
        EXPECT_TRUE(answer.error().code == ErrorCode::InvalidArgument) << answer.error().sentence;
    }
    EXPECT_TRUE(predictor.predict(requestFor(volume, {}), kGo).has_value());
    EXPECT_TRUE(predictor.predict(requestFor(volume, {box(-1e6, -1e6, 1e6, 1e6)}), kGo).has_value());
}

TEST(Predictor, StoppedAnywhere_IsCancelledAndWorksAfterwards) {
    const auto volume = test::greyVolume(30, 30, 1);
    for (int stopAt = 0; stopAt < 4; ++stopAt) {
        Predictor predictor = predictorOf(goldenModel("sam"));
        int calls = 0;
        const auto on = [&] { return calls++ < stopAt; };
        const auto answer = predictor.predict(requestFor(volume, {box(1, 1, 9, 9)}), {{}, on, on});
        ASSERT_FALSE(answer.has_value());
        EXPECT_TRUE(answer.error().code == ErrorCode::Cancelled);
        EXPECT_EQ(calls, stopAt + 1); // nothing is asked after the stop
        EXPECT_TRUE(predictor.predict(requestFor(volume, {box(1, 1, 9, 9)}), kGo).has_value());
    }
}

TEST(Clicks, AgreeingLogits_StayAsTheyAre) {
    std::vector<float> logits(20 * 10, 5.0f);
    const std::vector<float> before = logits;
    predict::letClicksWin(
        logits, 20, 10, std::vector<PointPrompt>{{{{3, 3}}, true}, {{{100, 3}}, false}, {{{NAN, 0}}, false}});
    EXPECT_TRUE(logits == before);
}

TEST(Clicks, Surroundings_FollowSmoothly) {
    std::vector<float> logits(21 * 21, -3.0f);
    predict::letClicksWin(logits, 21, 21, std::vector<PointPrompt>{{{{10, 10}}, true}});
    const auto at0 = [&](int x) { return logits[static_cast<std::size_t>(10 * 21 + x)]; };
    EXPECT_GT(at0(10), 0.0f);
    EXPECT_GT(at0(11), 0.0f);
    for (int x = 10; x < 16; ++x) {
        EXPECT_LE(at0(x + 1), at0(x));
        EXPECT_LT(at0(x) - at0(x + 1), 2.0f);
    }
    EXPECT_NEAR(at0(16), -3.0, 0.05);
}

TEST(SliceToRgb, GreyValues_GoThroughTheWindowAndColourDoesNot) {
    const SliceImage grey{5, 1, 1, {-1000, -160, 40, 240, NAN}};
    const auto rgb = predict::rgbFrom(grey, {40, 400});
    const std::vector<std::uint8_t> expected{0, 0, 0, 0, 0, 0, 127, 127, 127, 255, 255, 255, 0, 0, 0};
    EXPECT_TRUE(rgb.pixels == expected);
    const std::vector<std::uint8_t> inverted{255, 255, 255, 255, 255, 255, 127, 127, 127, 0, 0, 0, 0, 0, 0};
    EXPECT_TRUE((predict::rgbFrom(grey, {40, 400, true}).pixels == inverted));
    const SliceImage colour{1, 1, 3, {1, 128, 255}};
    EXPECT_TRUE((predict::rgbFrom(colour, {40, 400}).pixels == std::vector<std::uint8_t>{1, 128, 255}));
}
