#include "core/measure/overlap.h"
#include "inference/predict/predictor.h"
#include "inference/train/scene.h"
#include "inference/train/slice_request.h"
#include "inference/train/train.h"
#include "inference/train/trainer.h"
#include "tests/inference/train/small_pack.h"
#include "tests/inference/train/tiny_trainer.h"
#include "tests/support/temporary_folder.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using test::tinyConfig;

Recipe sceneRecipe(std::uint64_t seed) {
    Recipe r = test::sceneRecipe();
    r.seed = seed;
    r.samples = 1200;
    r.warmupSteps = 10;
    r.clickShare = 0;
    r.emaDecay = 0.98;
    return r;
}

checkpoint::Model modelOf(const net::Weights& weights) {
    return {tinyConfig(), net::configToJson(tinyConfig()), weights, ""};
}

// Mean DSC on scenes that no run has seen.
double skill(const checkpoint::Model& model) {
    predict::Predictor predictor(model, "x", 0);
    Random random(99);
    double sum = 0;
    constexpr int n = 30;
    for (int i = 0; i < n; ++i) {
        const TrainingTask scene = makeScene(random);
        const auto request = train::requestFor(scene.image, {{*tightBox(scene.mask), {}}});
        const auto answer = predictor.predict(request, predict::Watch{});
        sum += dice(scene.mask, answer->front().mask()) / n;
    }
    return sum;
}

net::Weights trainedBy(std::uint64_t seed, const checkpoint::Model* teacher) {
    train::Trainer trainer = test::newTrainer(tinyConfig(), sceneRecipe(seed));
    if (teacher)
        trainer.learnFrom(*teacher);
    while (!trainer.finished())
        if (!trainer.step())
            return {};
    return trainer.averageWeights();
}

TEST(Distillation, StudentClosesHalfOfTheGapToItsTeacher) {
    const checkpoint::Model teacher = modelOf(trainedBy(1, nullptr));
    const double above = skill(teacher),
                 below = skill(modelOf(net::initialWeights(tinyConfig(), 2, net::Init::XavierNormal)));
    const double student = skill(modelOf(trainedBy(2, &teacher)));
    std::printf("teacher %.3f, student before %.3f, after %.3f\n", above, below, student);
    ASSERT_GT(above, below + 0.1); // there is something to learn
    EXPECT_GT(student, below + 0.5 * (above - below));
}

// The teacher alone decides: on slices without labels, and against the labels where there are some.
TEST(Distillation, TargetsAreTheTeachersAnswers) {
    const test::TemporaryFolder folder;
    test::writeSmallPack(folder / "pack", {{"a", "set"}});
    Recipe recipe = sceneRecipe(3);
    recipe.sceneShare = 0;
    const auto source = TaskSource::open({folder / "pack"}, recipe);
    Random random(4);
    const TrainingTask task = *source->draw(random);
    const auto quarter = [](const SliceImage& image, const SliceBox&) {
        return std::vector<float>(image.values.size(), 0.25F);
    };
    const auto sample = makeSample(task, recipe, {64, 32}, random, quarter);
    ASSERT_TRUE(sample.has_value());
    float most = 0;
    for (const float t : sample->target)
        most = std::max(most, t);
    EXPECT_NEAR(most, 0.25F, 1e-6F);
    const auto silent = [](const SliceImage&, const SliceBox&) { return std::vector<float>(); };
    EXPECT_FALSE(makeSample(task, recipe, {64, 32}, random, silent).has_value());
}

TEST(TaskSource, SlicesWithoutLabels_GiveTheirRegions) {
    const test::TemporaryFolder folder;
    test::writeSmallPack(folder / "pack", {{"a", "set"}, {"b", "set"}}, false);
    Recipe recipe = sceneRecipe(5);
    recipe.sceneShare = 0;
    recipe.regionShare = 0.5; // also when it is not a region's turn: there is nothing else
    const auto source = TaskSource::open({folder / "pack"}, recipe);
    ASSERT_TRUE(source.has_value());
    Random random(6);
    for (int n = 0; n < 10; ++n) {
        const auto task = source->draw(random);
        ASSERT_TRUE(task.has_value());
        EXPECT_TRUE(tightBox(task->mask).has_value());
    }
    recipe.regionShare = 0;
    EXPECT_FALSE(TaskSource::open({folder / "pack"}, recipe).has_value()); // nothing to draw
}

TEST(TaskSource, FirstPack_ComesAsOftenAsAsked) {
    const test::TemporaryFolder folder;
    test::writeSmallPack(folder / "own", {{"a", "project"}});
    test::writeSmallPack(folder / "others", {{"b", "one"}, {"c", "two"}, {"d", "two"}, {"e", "three"}});
    Recipe recipe = sceneRecipe(7);
    recipe.sceneShare = 0;
    recipe.firstPackShare = 0.6;
    const auto source = TaskSource::open({folder / "own", folder / "others"}, recipe);
    Random random(8);
    int own = 0;
    for (int n = 0; n < 1000; ++n)
        own += source->draw(random)->source == "project";
    EXPECT_NEAR(own, 600, 60); // 4 standard deviations
}

TEST(RunTraining, MissingTeacher_IsASentence) {
    const test::TemporaryFolder folder;
    (void)writeFileAtomically(folder / "config.json",
                              std::string("{\"network\":") + test::tinyNetwork +
                                  R"(,"recipe":{"samples":8,"batch":4,"sceneShare":1,"regionShare":0}})");
    TrainRequest request{folder / "config.json", {}, {}, {}, folder / "out"};
    request.teacher = folder / "nowhere.safetensors";
    const auto report = train::runTraining(request, [](double, std::string_view) {}, {});
    ASSERT_FALSE(report.has_value());
    EXPECT_TRUE(report.error().sentence.find("nowhere") != std::string::npos);
}

TEST(RunTraining, WithoutANetwork_TakesThatOfTheStart) {
    const test::TemporaryFolder folder;
    JsonValue network = net::configToJson(tinyConfig());
    network.set("name", "Start");
    network.set("focus", *parseJson(R"({"logitOffset":0.4})"));
    const net::Weights weights = net::initialWeights(tinyConfig(), 3);
    ASSERT_TRUE(
        checkpoint::saveModel(folder / "start.safetensors", {tinyConfig(), network, weights, "of old"}, true)
            .has_value());
    (void)writeFileAtomically(folder / "config.json",
                              R"({"recipe":{"samples":8,"batch":4,"sceneShare":1,"regionShare":0}})");
    TrainRequest request{folder / "config.json", {}, folder / "start.safetensors", {}, folder / "out"};
    const auto report = train::runTraining(request, [](double, std::string_view) {}, {});
    ASSERT_TRUE(report.has_value());
    const auto model = checkpoint::openModel(report->model);
    EXPECT_EQ(model->configJson.find("name")->stringOr(""), std::string("Start"));
    EXPECT_EQ(model->configJson.find("focus")->find("logitOffset")->numberOr(0), 0.4);
    EXPECT_EQ(model->card, std::string("of old"));
    request.startFrom.clear();
    EXPECT_FALSE(train::runTraining(request, [](double, std::string_view) {}, {}).has_value());
}

} // namespace
} // namespace tandem
