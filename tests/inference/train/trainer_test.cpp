#include "core/files/files.h"
#include "inference/bench/bench_train.h"
#include "inference/checkpoint/model.h"
#include "inference/train/plan.h"
#include "inference/train/train.h"
#include "tests/inference/train/small_pack.h"
#include "tests/inference/train/tiny_trainer.h"
#include "tests/support/temporary_folder.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

namespace tandem {
namespace {

using train::Optimiser;
using train::Trainer;

using test::sceneRecipe;
using test::tinyConfig;
using test::tinyNetwork;

Trainer newTrainer(const Recipe& recipe) {
    return test::newTrainer(tinyConfig(), recipe);
}

double largestDifference(const net::Weights& a, const net::Weights& b) {
    double most = 0;
    for (const auto& [key, w] : a)
        most = std::max(most, (w.to(at::kDouble) - b.at(key).to(at::kDouble)).abs().max().item<double>());
    return most;
}

TEST(Trainer, SameSeed_SameWeights) {
    Trainer a = newTrainer(sceneRecipe()), b = newTrainer(sceneRecipe());
    for (int n = 0; n < 4; ++n)
        EXPECT_EQ(*a.step(), *b.step());
    EXPECT_EQ(largestDifference(a.averageWeights(), b.averageWeights()), 0.0);
}

// Those without a network are for the bundled model.
TEST(Plan, TheConfigurationsThatComeWithTheProgramCanBeRead) {
    const std::filesystem::path resources = std::filesystem::path(TANDEM_SOURCE_DIR) / "resources";
    int count = 0;
    for (const auto& file : std::filesystem::directory_iterator(resources / "training")) {
        const auto plan = train::readPlan(file.path(), resources / "models" / "tandem-small.safetensors");
        EXPECT_TRUE(plan.has_value()) << file.path() << ": " << (plan ? "" : plan.error().sentence);
        ++count;
    }
    EXPECT_GE(count, 4);
}

TEST(Trainer, SeveralLoaders_SameWeights) {
    Recipe several = sceneRecipe();
    several.loaders = 3;
    Trainer a = newTrainer(sceneRecipe()), b = newTrainer(several);
    for (int n = 0; n < 4; ++n)
        EXPECT_EQ(*a.step(), *b.step());
    EXPECT_EQ(largestDifference(a.averageWeights(), b.averageWeights()), 0.0);
}

TEST(Trainer, ResumedRun_EqualsTheUninterruptedOne) {
    const test::TemporaryFolder folder;
    Trainer whole = newTrainer(sceneRecipe()), first = newTrainer(sceneRecipe()),
            second = newTrainer(sceneRecipe());
    std::vector<double> expected, got;
    for (int n = 0; n < 6; ++n)
        expected.push_back(*whole.step());
    for (int n = 0; n < 3; ++n)
        got.push_back(*first.step());
    ASSERT_TRUE(first.saveState(folder.path() / "state.safetensors").has_value());
    ASSERT_TRUE(second.loadState(folder.path() / "state.safetensors").has_value());
    EXPECT_EQ(second.samplesDone(), 12);
    for (int n = 0; n < 3; ++n)
        got.push_back(*second.step());
    EXPECT_EQ(got, expected);
    EXPECT_EQ(largestDifference(whole.averageWeights(), second.averageWeights()), 0.0);
}

TEST(Trainer, ProductsInBfloat16_FollowTheLossOfFloat32) {
    for (const bool muon : {false, true}) {
        Recipe exact = sceneRecipe(), rounded = sceneRecipe();
        exact.muon = rounded.muon = muon;
        rounded.bfloat16 = true;
        Trainer a = newTrainer(exact), b = newTrainer(rounded);
        double most = 0;
        for (int n = 0; n < 12; ++n)
            most = std::max(most, std::abs(*a.step() - *b.step()));
        EXPECT_GT(most, 0.0);
        EXPECT_LT(most, 0.05);
        for (const auto& [key, w] : b.averageWeights())
            EXPECT_TRUE(w.scalar_type() == at::kFloat || !w.is_floating_point()) << key;
    }
}

TEST(Trainer, LossFallsOnScenes) {
    Trainer t = newTrainer(sceneRecipe());
    double early = 0, late = 0;
    for (int n = 0; n < 150; ++n) {
        const double loss = *t.step();
        early += n < 15 ? loss / 15 : 0;
        late += n >= 135 ? loss / 15 : 0;
    }
    EXPECT_LT(late, 0.75 * early);
}

TEST(Trainer, StateOfAnotherNetwork_IsRefused) {
    const test::TemporaryFolder folder;
    Trainer t = newTrainer(sceneRecipe());
    ASSERT_TRUE(writeFileAtomically(folder.path() / "state.safetensors", "not a state").has_value());
    EXPECT_FALSE(t.loadState(folder.path() / "state.safetensors").has_value());
    EXPECT_FALSE(t.loadState(folder.path() / "missing.safetensors").has_value());
}

TEST(AdamW, FirstSteps_EqualTheFormula) {
    Recipe recipe;
    recipe.clipNorm = 1e9;
    net::Weights weights = net::initialWeights(tinyConfig(), 1);
    Optimiser adam(weights, tinyConfig(), recipe);
    const std::string key = "image_encoder.blocks.0.mlp.lin1.weight";
    const double w0 = weights.at(key)[0][0].item<double>();
    double w = w0, m = 0, v = 0;
    for (int step = 1; step <= 3; ++step) {
        const double gradient = 0.1 * step;
        at::Tensor& tensor = weights.at(key);
        tensor.mutable_grad() = at::full_like(tensor.detach(), gradient);
        adam.step(0.01);
        m = recipe.beta1 * m + (1 - recipe.beta1) * gradient;
        v = recipe.beta2 * v + (1 - recipe.beta2) * gradient * gradient;
        w *= 1 - 0.01 * recipe.weightDecay;
        w -= 0.01 * (m / (1 - std::pow(recipe.beta1, step))) /
             (std::sqrt(v / (1 - std::pow(recipe.beta2, step))) + 1e-8);
    }
    EXPECT_NEAR(weights.at(key)[0][0].item<double>(), w, 1e-6);
}

TEST(Muon, OrthogonalFactors_EqualTheSingularVectors) {
    at::manual_seed(3);
    for (const auto& [rows, columns] : {std::pair{12, 30}, std::pair{30, 12}, std::pair{16, 16}})
        for (const auto& [numbers, error] : {std::pair{at::kDouble, 1e-6}, {at::kBFloat16, 0.06}}) {
            const at::Tensor matrices = at::randn({3, rows, columns}, at::kDouble);
            const at::Tensor factors = train::orthogonalised(matrices, numbers);
            for (std::int64_t i = 0; i < 3; ++i) {
                const auto [u, s, v] = at::linalg_svd(matrices[i], false);
                // The same singular vectors, singular values brought near 1: u' m' v is diagonal.
                const at::Tensor core = at::mm(at::mm(u.t(), factors[i]), v.t());
                const at::Tensor diagonal = at::diag(core);
                EXPECT_LT((core - at::diag(diagonal)).abs().max().item<double>(), error);
                const at::Tensor large = diagonal.masked_select(s > 0.1 * s.max());
                EXPECT_GT(large.min().item<double>(), 0.6);
                EXPECT_LT(diagonal.max().item<double>(), 1.3);
            }
        }
}

TEST(Muon, MovesHiddenMatricesByOrthogonalSteps_AndTheRestAsAdamW) {
    Recipe recipe;
    recipe.muon = true;
    recipe.weightDecay = 0;
    recipe.clipNorm = 1e9;
    net::Weights weights = net::initialWeights(tinyConfig(), 1);
    Optimiser optimiser(weights, tinyConfig(), recipe);
    const std::string hidden = "image_encoder.blocks.0.mlp.lin1.weight",
                      bias = "image_encoder.blocks.0.mlp.lin1.bias";
    const at::Tensor before = weights.at(hidden).detach().clone(),
                     biasBefore = weights.at(bias).detach().clone();
    at::manual_seed(4);
    const at::Tensor gradient = at::randn(before.sizes());
    weights.at(hidden).mutable_grad() = gradient.clone();
    weights.at(bias).mutable_grad() = at::full_like(biasBefore, 0.3);
    optimiser.step(0.01);
    const auto [u, s, v] = at::linalg_svd(gradient, false);
    const at::Tensor moved =
        (before - weights.at(hidden).detach()) /
        (0.01 * 0.2 * std::sqrt(static_cast<double>(std::max(before.size(0), before.size(1)))));
    const at::Tensor along = at::diag(at::mm(at::mm(u.t(), moved), v.t()));
    EXPECT_GT(along.min().item<double>(), 0.5); // the first momentum is the gradient
    EXPECT_LT(along.max().item<double>(), 1.3);
    EXPECT_NEAR((biasBefore - weights.at(bias).detach())[0].item<double>(), 0.01, 1e-5); // Adam's first step
}

TEST(LearningRate, WarmsUpAndFallsToZero) {
    Recipe r;
    r.samples = 8000;
    r.batch = 8;
    r.warmupSteps = 100;
    EXPECT_NEAR(train::learningRateAt(0, r), r.learningRate / 100, 1e-12);
    EXPECT_NEAR(train::learningRateAt(100, r), r.learningRate, 1e-12);
    EXPECT_NEAR(train::learningRateAt(550, r), r.learningRate / 2, 1e-9);
    EXPECT_NEAR(train::learningRateAt(1000, r), 0, 1e-12);
}

std::filesystem::path writeConfig(const std::filesystem::path& folder, const std::string& recipe) {
    const std::string text =
        std::string("{\"network\":") + tinyNetwork + ",\"recipe\":" + recipe + ",\"card\":\"tiny\"}";
    (void)writeFileAtomically(folder / "config.json", text);
    return folder / "config.json";
}

const char* shortRecipe = R"({"samples":24,"batch":4,"sceneShare":1,"regionShare":0,"saveEverySamples":8})";

TEST(RunTraining, WritesAModelThatOpens) {
    const test::TemporaryFolder folder;
    const TrainRequest request{writeConfig(folder.path(), shortRecipe), {}, {}, {}, folder.path() / "out"};
    const auto report = train::runTraining(request, [](double, std::string_view) {}, {});
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->samples, 24);
    const auto model = checkpoint::openModel(report->model);
    ASSERT_TRUE(model.has_value());
    EXPECT_EQ(model->card, "tiny");
    EXPECT_TRUE(model->configJson.find("focus") != nullptr);
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / "log.csv"));
}

TEST(BenchTrain, SaysWhereAStepsTimeGoes) {
    const test::TemporaryFolder folder;
    TrainBenchRequest request;
    request.config = writeConfig(folder.path(), shortRecipe);
    request.steps = 5;
    const auto text = bench::benchTrain(request, [](double, std::string_view) {});
    ASSERT_TRUE(text.has_value());
    const auto json = parseJson(*text);
    const auto figure = [&](const char* name) { return json->find(name)->numberOr(-1); };
    EXPECT_NEAR(figure("samples_per_s"), 4000 / figure("step_ms"), 1e-6 * figure("samples_per_s"));
    double stages = 0, steps = 0;
    for (const auto& [name, ms] : json->find("stages")->members())
        stages += ms.numberOr(-1);
    for (const JsonValue& ms : json->find("step_ms_all")->items())
        steps += ms.numberOr(-1) / 5;
    EXPECT_NEAR(stages, steps, 0.2 * steps); // they add up to the step
    EXPECT_GE(figure("loader_share"), 0);
    EXPECT_LT(figure("loader_share"), 1);
    request.config = folder.path() / "missing.json";
    EXPECT_FALSE(bench::benchTrain(request, [](double, std::string_view) {}).has_value());
}

TEST(RunTraining, Stopped_SavesItsStateAndGoesOn) {
    const test::TemporaryFolder folder;
    TrainRequest request{writeConfig(folder.path(), shortRecipe), {}, {}, {}, folder.path() / "out"};
    std::stop_source stop;
    const auto stopped = train::runTraining(
        request,
        [&](double f, std::string_view) {
            if (f > 0.3)
                stop.request_stop();
        },
        stop.get_token());
    ASSERT_FALSE(stopped.has_value());
    EXPECT_TRUE(stopped.error().code == ErrorCode::Cancelled);
    request.resume = request.out;
    const auto report = train::runTraining(request, [](double, std::string_view) {}, {});
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->samples, 24);
}

TEST(RunTraining, BadConfigurations_AreSentences) {
    const test::TemporaryFolder folder;
    const auto failsWith = [&](const std::filesystem::path& config) {
        const auto r = train::runTraining({config, {}, {}, {}, folder.path() / "out"},
                                          [](double, std::string_view) {}, {});
        return !r.has_value() && !r.error().sentence.empty();
    };
    EXPECT_TRUE(failsWith(folder.path() / "missing.json"));
    EXPECT_TRUE(failsWith(writeConfig(folder.path(), R"({"sampels":24})")));
    EXPECT_TRUE(failsWith(writeConfig(folder.path(), R"({"samples":24,"sceneShare":0.5})"))); // no packs
    (void)writeFileAtomically(folder.path() / "config.json", "{");
    EXPECT_TRUE(failsWith(folder.path() / "config.json"));
}

} // namespace
} // namespace tandem
