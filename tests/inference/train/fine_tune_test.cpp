#include "core/files/files.h"
#include "inference/checkpoint/model.h"
#include "inference/network/mixed_precision.h"
#include "inference/train/stem_cache.h"
#include "inference/train/train.h"
#include "inference/train/trainer.h"
#include "inference/train/whole_sample.h"
#include "tests/inference/support.h"
#include "tests/inference/train/small_pack.h"
#include "tests/inference/train/tiny_trainer.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdlib>
#include <fstream>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using test::sameBits;

// The published way: ViT, position code and prompt encoder stand, adapter, neck and decoder are trained.
const std::string published =
    R"("freeze":["vit","patch_embed","pos_embed","prompt_encoder"],"float16":false,)";

std::string scenesAt(const std::string& learningRate) {
    return R"("batch":2,"sceneShare":1,"regionShare":0,"clickShare":0,"warmupSteps":2,"weightDecay":0.01,
       "decayAll":true,"beta1":0.9,"beta2":0.999,"clipNorm":1e9,"emaDecay":0,"emaEvery":1,"iouWeight":0.05,
       "learningRate":)" +
           learningRate;
}

const std::string scenes = scenesAt("1e-3");

JsonValue goldenConfig(const std::string& name) {
    return *parseJson(*readFile(test::kGolden / name / "config.json"));
}

fs::path writeConfig(const fs::path& folder, const JsonValue& network, const std::string& recipe) {
    JsonValue json;
    json.set("network", network);
    json.set("recipe", *parseJson("{" + recipe + "}"));
    (void)writeFileAtomically(folder / "config.json", writeJson(json, 1));
    return folder / "config.json";
}

Result<TrainReport> run(const TrainRequest& request) {
    return train::runTraining(request, [](double, std::string_view) {}, {});
}

bool standsAsPublished(const std::string& key) {
    return key.starts_with("image_encoder.blocks.") || key.starts_with("image_encoder.patch_embed.") ||
           key == "image_encoder.pos_embed" || key.starts_with("prompt_encoder.");
}

// Masks 1 to 3 are never asked for with a box, so nothing moves what is theirs alone.
bool isOfOtherMasks(const std::string& key) {
    return key.starts_with("mask_decoder.output_hypernetworks_mlps.") &&
           !key.starts_with("mask_decoder.output_hypernetworks_mlps.0.");
}

TEST(FineTune, AsPublished_FrozenTensorsKeepTheirBits_TheOthersMove) {
    const test::TemporaryFolder folder;
    const fs::path start = test::kGolden / "paper" / "model.safetensors";
    const auto report =
        run({writeConfig(folder.path(), goldenConfig("paper"), published + R"("samples":6,)" + scenes),
             {},
             start,
             {},
             folder / "out",
             {}});
    ASSERT_TRUE(report.has_value());
    const auto before = checkpoint::openModel(start), after = checkpoint::openModel(report->model);
    ASSERT_TRUE(before.has_value() && after.has_value());
    int frozen = 0, moved = 0, trained = 0;
    for (const net::WeightSpec& spec : net::layoutOf(before->config)) {
        const bool same = sameBits(before->weights.at(spec.key), after->weights.at(spec.key));
        if (standsAsPublished(spec.key)) {
            ++frozen;
            EXPECT_TRUE(same) << spec.key;
        } else if (spec.trainable() && !isOfOtherMasks(spec.key)) {
            ++trained;
            moved += !same;
        }
    }
    EXPECT_GT(frozen, 60);
    EXPECT_EQ(moved, trained);
}

TEST(FineTune, FrozenAdapter_KeepsItsRunningStatistics) {
    const test::TemporaryFolder folder;
    const fs::path start = test::kGolden / "paper" / "model.safetensors";
    const auto report =
        run({writeConfig(folder.path(), goldenConfig("paper"),
                         R"("freeze":["vit","adapter","neck"],"float16":false,"samples":4,)" + scenes),
             {},
             start,
             {},
             folder / "out",
             {}});
    ASSERT_TRUE(report.has_value());
    const auto before = checkpoint::openModel(start), after = checkpoint::openModel(report->model);
    for (const auto& [key, weight] : before->weights)
        if (key.starts_with("image_encoder.adapter.") || key.starts_with("image_encoder.neck.")) {
            EXPECT_TRUE(sameBits(weight, after->weights.at(key))) << key;
        }
}

TEST(FineTune, FromPlainSam_AdapterIsNew_TheRestIsTheirs) {
    const test::TemporaryFolder folder;
    JsonValue sam = goldenConfig("paper");
    sam.set("variant", "sam");
    const auto config = *net::configFromJson(sam);
    ASSERT_TRUE(checkpoint::saveModel(folder / "sam.safetensors",
                                      {config, net::configToJson(config), net::randomWeights(config, 3), ""},
                                      false)
                    .has_value());
    const auto report =
        run({writeConfig(folder.path(), goldenConfig("paper"), published + R"("samples":2,)" + scenes),
             {},
             folder / "sam.safetensors",
             {},
             folder / "out",
             {}});
    ASSERT_TRUE(report.has_value());
    const auto before = checkpoint::openModel(folder / "sam.safetensors"),
               after = checkpoint::openModel(report->model);
    ASSERT_TRUE(after.has_value());
    EXPECT_TRUE(after->config.variant == net::Variant::Paper);
    for (const auto& [key, weight] : before->weights)
        if (standsAsPublished(key)) {
            EXPECT_TRUE(sameBits(weight, after->weights.at(key))) << key;
        }
}

// Gradients of the weights for a fixed loss of the embedding.
net::Weights gradients(const checkpoint::Model& model, const at::Tensor& image, const net::Forward& forward,
                       bool vitTrained, bool bfloat16 = false) {
    net::Weights weights = model.weights;
    std::vector<std::string> keys;
    std::vector<at::Tensor> leaves;
    for (const net::WeightSpec& spec : net::layoutOf(model.config)) {
        const bool vit = spec.key.starts_with("image_encoder.blocks.");
        if (!spec.trainable() || !spec.key.starts_with("image_encoder.") || (vit && !vitTrained))
            continue;
        keys.push_back(spec.key);
        leaves.push_back(weights.at(spec.key) = weights.at(spec.key).detach().clone().requires_grad_(true));
    }
    const at::AutoGradMode on(true);
    at::Tensor y;
    {
        const net::MixedPrecision mixed(bfloat16, false);
        y = net::encode(weights, model.config, image, forward).to(at::kFloat);
    }
    const auto found = torch::autograd::grad({(y * y).mean()}, leaves, {}, c10::nullopt, false, true);
    net::Weights out;
    for (std::size_t i = 0; i < keys.size(); ++i)
        out[keys[i]] = found[i].defined() ? found[i] : at::zeros_like(leaves[i].detach());
    return out;
}

at::Tensor waves(int side) {
    return at::sin(at::arange(3 * side * side, at::kFloat) * 0.37F).view({1, 3, side, side});
}
net::Forward recomputing() {
    net::Forward forward;
    forward.recomputeBlocks = true;
    return forward;
}

// With bfloat16 products the blocks must be computed again with them: then all is equal bit by bit.
TEST(RecomputeBlocks, InMixedPrecision_GradientsAreThoseOfTheRememberedPass) {
    const auto model = checkpoint::openModel(test::kGolden / "sam" / "model.safetensors");
    ASSERT_TRUE(model.has_value());
    const at::Tensor image = waves(model->config.imageSize);
    const net::Forward remembered, recomputed = recomputing();
    const auto exact = gradients(*model, image, remembered, true);
    const auto a = gradients(*model, image, remembered, true, true),
               b = gradients(*model, image, recomputed, true, true);
    const std::string key = "image_encoder.blocks.0.mlp.lin1.weight";
    EXPECT_FALSE(at::equal(a.at(key), exact.at(key))); // it did compute with fewer bits
    for (const auto& [name, g] : a)
        EXPECT_TRUE(at::equal(g, b.at(name))) << name;
}

TEST(RecomputeBlocks, GradientsAreThoseOfTheRememberedPass) {
    for (const char* name : {"paper", "paper_block", "two_branch", "sam"})
        for (const bool vitTrained : {false, true}) {
            const auto model = checkpoint::openModel(test::kGolden / name / "model.safetensors");
            ASSERT_TRUE(model.has_value());
            const at::Tensor image = waves(model->config.imageSize);
            const net::Forward remembered, recomputed = recomputing();
            const auto a = gradients(*model, image, remembered, vitTrained),
                       b = gradients(*model, image, recomputed, vitTrained);
            double largest = 0;
            for (const auto& [key, g] : a)
                largest = std::max(largest, g.abs().max().item<double>());
            EXPECT_GT(largest, 0.0);
            for (const auto& [key, g] : a)
                EXPECT_LT((g - b.at(key)).abs().max().item<double>(),
                          1e-4 * g.abs().max().item<double>() + 1e-6 * largest)
                    << name << " " << key;
        }
}

TEST(EncodeStem, ThePassBehindIt_GivesTheWholeEncoder) {
    for (const char* name : {"paper", "paper_block", "two_branch", "four_branch", "sam"}) {
        const auto model = checkpoint::openModel(test::kGolden / name / "model.safetensors");
        const int side = model->config.imageSize;
        const at::Tensor image =
            at::cos(at::arange(2 * 3 * side * side, at::kFloat) * 0.11F).view({2, 3, side, side});
        const at::NoGradGuard noGradients;
        net::Forward behind;
        behind.stem = net::encodeStem(model->weights, model->config, image);
        const at::Tensor whole = net::encode(model->weights, model->config, image);
        const at::Tensor parts = net::encode(model->weights, model->config, image, behind);
        EXPECT_LT((whole - parts).abs().max().item<double>(), 1e-6 * whole.abs().max().item<double>())
            << name;
    }
}

TEST(StemCache, KeepsWithinItsBudget_AndGivesTheSameBits) {
    const auto model = checkpoint::openModel(test::kGolden / "sam" / "model.safetensors");
    const int side = model->config.imageSize;
    const auto image = [&](double seed) {
        return at::sin(at::arange(3 * side * side, at::kFloat) * seed).view({1, 3, side, side});
    };
    train::StemCache cache(1 << 20), none(0);
    const at::Tensor first = cache.of("a", image(0.3), model->weights, model->config).clone();
    EXPECT_TRUE(sameBits(first, cache.of("a", image(0.3), model->weights, model->config)));
    EXPECT_EQ(cache.computed(), 1);
    EXPECT_TRUE(sameBits(first, none.of("a", image(0.3), model->weights, model->config)));
    none.of("a", image(0.3), model->weights, model->config);
    EXPECT_EQ(none.computed(), 2);
    for (int n = 0; n < 300; ++n) // far more than fit: a stem is 8 kB here
        cache.of("b" + std::to_string(n), image(0.3), model->weights, model->config);
    cache.of("a", image(0.3), model->weights, model->config);
    EXPECT_EQ(cache.computed(), 302); // "a" had to go
}

Recipe packRecipe() {
    Recipe r;
    r.samples = 1000;
    r.batch = 2;
    r.sceneShare = 0;
    r.regionShare = 0;
    r.freeze = {"vit", "patch_embed", "pos_embed", "prompt_encoder"};
    return r;
}

TEST(StemCache, TrainingWithIt_HasTheLossesOfTrainingWithout) {
    const test::TemporaryFolder folder;
    test::writeSmallPack(folder / "pack", {{"a", "set"}, {"b", "set"}, {"c", "set"}});
    const auto model = checkpoint::openModel(test::kGolden / "paper" / "model.safetensors");
    const auto losses = [&](std::int64_t megabytes) {
        Recipe recipe = packRecipe();
        recipe.stemCacheMb = megabytes;
        train::Trainer trainer(model->config, model->weights, recipe,
                               *TaskSource::open({folder / "pack"}, recipe));
        std::vector<double> found;
        for (int n = 0; n < 5; ++n)
            found.push_back(*trainer.step());
        return found;
    };
    EXPECT_EQ(losses(16), losses(0));
}

TEST(Dropout, IsPartOfTheSeed) {
    const auto model = checkpoint::openModel(test::kGolden / "paper" / "model.safetensors");
    const auto losses = [&](double dropPath) {
        Recipe recipe = packRecipe();
        recipe.sceneShare = 1;
        recipe.attentionDropout = recipe.ffnDropout = recipe.dropPath = dropPath;
        train::Trainer trainer(model->config, model->weights, recipe, *TaskSource::open({}, recipe));
        return std::pair{*trainer.step(), *trainer.step()};
    };
    EXPECT_TRUE(losses(0.3) == losses(0.3));
    EXPECT_TRUE(losses(0.3) != losses(0));
}

TEST(WholeSample, BoxStandsOutsideTheObject_TargetLiesOnTheModelsGrid) {
    TrainingTask task{{80, 60, 1, std::vector<float>(4800)}, SliceMask(80, 60), 80, "test", {}};
    for (std::int64_t y = 20; y < 40; ++y)
        for (std::int64_t x = 30; x < 50; ++x) {
            task.mask.at(x, y) = 1;
            task.image.values[static_cast<std::size_t>(y * 80 + x)] = 100;
        }
    for (const char* name : {"sam", "paper"}) {
        const auto config = *net::configFromJson(goldenConfig(name));
        Random r(7);
        const double scale = config.imageSize / 80.0;
        for (int n = 0; n < 20; ++n) {
            const auto s = train::makeWholeSample(task, Recipe{}, config, r);
            ASSERT_TRUE(s.has_value());
            EXPECT_LE(s->box.x0, 30 * scale + 1e-9);
            EXPECT_GE(s->box.x0, (30 - 19 * 80 / 256.0) * scale - 1e-9);
            EXPECT_GE(s->box.y1, 39 * scale - 1e-9);
            EXPECT_LE(s->box.y1, 59 * scale + 1e-9);
        }
        const auto s = train::makeWholeSample(task, Recipe{}, config, r);
        double area = 0;
        for (const float t : s->target)
            area += t;
        const double cells = 4.0 * config.grid() / 80.0; // cells per slice pixel
        EXPECT_NEAR(area, 400 * cells * cells, 400 * cells * cells * 0.1);
        EXPECT_EQ(s->input.size(), static_cast<std::size_t>(3 * config.imageSize * config.imageSize));
        EXPECT_TRUE(s->prior.empty());
    }
}

TEST(Recipe, PartsToFreeze_AreChecked) {
    EXPECT_FALSE(recipeFromJson(*parseJson(R"({"freeze":["vti"]})")).has_value());
    EXPECT_FALSE(recipeFromJson(*parseJson(R"({"freeze":"vit"})")).has_value());
    EXPECT_FALSE(recipeFromJson(*parseJson(R"({"schedule":"square"})")).has_value());
    EXPECT_FALSE(recipeFromJson(*parseJson(R"({"decayAll":1})")).has_value());
    const auto recipe = recipeFromJson(*parseJson(R"({"freeze":["vit","neck"],"schedule":"polynomial"})"));
    ASSERT_TRUE(recipe.has_value());
    EXPECT_TRUE(isFrozen("image_encoder.blocks.0.norm1.weight", *recipe));
    EXPECT_TRUE(isFrozen("image_encoder.neck.0.weight", *recipe));
    EXPECT_FALSE(isFrozen("image_encoder.adapter.norm.weight", *recipe));
}

TEST(LearningRate, Polynomial_IsHalfInWarmUp) {
    Recipe r;
    r.schedule = Schedule::Polynomial;
    r.samples = 1000;
    r.batch = 1;
    r.warmupSteps = 100;
    EXPECT_NEAR(train::learningRateAt(50, r), r.learningRate / 2, 1e-15);
    EXPECT_NEAR(train::learningRateAt(100, r), r.learningRate, 1e-15);
    EXPECT_NEAR(train::learningRateAt(550, r), r.learningRate * std::pow(0.5, 0.9), 1e-12);
}

std::string pythonWithTorch() {
    for (const char* python : {"/usr/bin/python3", "python3"})
        if (std::system((std::string(python) + " -c 'import torch, numpy' >/dev/null 2>&1").c_str()) == 0)
            return python;
    return {};
}

// Twenty steps from the same weights on the same batches, here and in PyTorch.
void compareWithTorch(const std::string& golden, const std::string& recipe,
                      const std::string& rate = "1e-3") {
    const std::string python = pythonWithTorch();
    if (python.empty())
        GTEST_SKIP() << "No Python with PyTorch (Debian: python3-torch) to compare with.";
    const test::TemporaryFolder folder;
    const fs::path start = test::kGolden / golden / "model.safetensors";
    const fs::path config =
        writeConfig(folder.path(), goldenConfig(golden), recipe + R"("samples":40,)" + scenesAt(rate));
    const auto report = run({config, {}, start, {}, folder / "out", folder / "batches"});
    ASSERT_TRUE(report.has_value());
    const std::string command =
        "OMP_NUM_THREADS=1 " + python + " '" TANDEM_SOURCE_DIR "/tests/inference/train/torch_training.py' '" +
        config.string() + "' '" + start.string() + "' '" + (folder / "batches").string() + "' 1e-3 >'" +
        (folder / "losses.txt").string() + "' 2>&1";
    const int code = std::system(command.c_str());
    const std::string said = readFile(folder / "losses.txt").value_or("");
    EXPECT_EQ(code, 0) << said;
    EXPECT_TRUE(said.find("20 steps, largest difference") != std::string::npos) << said;
    std::printf("%s: %s", golden.c_str(), said.substr(said.rfind("20 steps")).c_str());
}

TEST(TorchComparison, DbSamAsPublished_LossesAgreeFor20Steps) {
    compareWithTorch("paper", published);
}

TEST(TorchComparison, EverythingTrained_LossesAgreeFor20Steps) {
    // From 5e-5 on rounding grows to 4e-3, whichever operators form the gradients.
    compareWithTorch("paper", "", "3e-5");
}

TEST(TorchComparison, PlainSam_LossesAgreeFor20Steps) {
    compareWithTorch("sam", R"("recomputeBlocks":true,)");
}

} // namespace
} // namespace tandem
