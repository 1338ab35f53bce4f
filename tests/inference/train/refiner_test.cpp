#include "core/files/files.h"
#include "inference/checkpoint/model.h"
#include "inference/train/plan.h"
#include "inference/train/refiner_loss.h"
#include "tests/inference/train/tiny_trainer.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using test::sameBits;
using train::Trainer;

constexpr const char* tinyRefiner =
    R"({"cells":32,"crop_scale":1.3,"widths":[8,8,8,8],"likeness":4,"detail":4,"head":8})";
net::NetworkConfig refinedConfig() {
    JsonValue json = *parseJson(test::tinyNetwork);
    json.set("refiner", *parseJson(tinyRefiner));
    return *net::configFromJson(json);
}

Recipe refinerRecipe() {
    Recipe r = test::sceneRecipe();
    r.freeze = {"vit", "patch_embed", "pos_embed", "adapter", "neck", "prompt_encoder", "mask_decoder"};
    r.sceneShare = 0.8;
    r.patternShare = 0.2;
    r.fineShare = 0.2;
    return r;
}

Trainer newTrainer(const Recipe& recipe) {
    return test::newTrainer(refinedConfig(), recipe);
}

TEST(TrainRefiner, OnlyTheRefinerMoves_AndItsLossFalls) {
    const Recipe recipe = refinerRecipe();
    const net::Weights before = net::initialWeights(refinedConfig(), recipe.seed, net::Init::XavierNormal);
    Trainer t = newTrainer(recipe);
    double early = 0, late = 0;
    for (int n = 0; n < 200; ++n) {
        const double loss = *t.step();
        early += n < 20 ? loss / 20 : 0;
        late += n >= 180 ? loss / 20 : 0;
    }
    EXPECT_LT(late, 0.8 * early);
    int moved = 0;
    for (const auto& [key, w] : t.averageWeights()) {
        if (!key.starts_with("refiner."))
            EXPECT_TRUE(sameBits(w, before.at(key))) << key;
        else
            moved += !sameBits(w, before.at(key));
    }
    EXPECT_GT(moved, 40);
}

TEST(TrainRefiner, ResumedRun_EqualsTheUninterruptedOne) {
    const test::TemporaryFolder folder;
    Trainer whole = newTrainer(refinerRecipe()), first = newTrainer(refinerRecipe()),
            second = newTrainer(refinerRecipe());
    std::vector<double> expected, got;
    for (int n = 0; n < 4; ++n)
        expected.push_back(*whole.step());
    for (int n = 0; n < 2; ++n)
        got.push_back(*first.step());
    ASSERT_TRUE(first.saveState(folder / "state.safetensors").has_value());
    ASSERT_TRUE(second.loadState(folder / "state.safetensors").has_value());
    for (int n = 0; n < 2; ++n)
        got.push_back(*second.step());
    EXPECT_EQ(got, expected);
}

// A frozen refiner costs nothing and changes nothing: the loss is that of the network without one.
TEST(TrainRefiner, FrozenRefiner_LeavesTheNetworksTrainingAsItIs) {
    Recipe recipe = refinerRecipe();
    recipe.freeze = {"refiner"};
    net::NetworkConfig without = refinedConfig();
    without.refiner.reset();
    const net::Weights start = net::initialWeights(refinedConfig(), 1, net::Init::XavierNormal);
    Trainer a(refinedConfig(), start, recipe, *TaskSource::open({}, recipe));
    recipe.freeze.clear();
    net::Weights rest;
    for (const auto& [key, w] : start)
        if (!key.starts_with("refiner."))
            rest.emplace(key, w);
    Trainer b(without, rest, recipe, *TaskSource::open({}, recipe));
    for (int n = 0; n < 3; ++n)
        EXPECT_EQ(*a.step(), *b.step());
}

TEST(CorrectivePrompt, ClicksAndStrokes_StayInsideTheLargestError) {
    constexpr int cells = 32;
    std::vector<float> logits(cells * cells, -1), target(cells * cells, 0);
    for (int y = 4; y < 20; ++y)
        for (int x = 6; x < 12 + (y > 14 ? 12 : 0); ++x)
            target[static_cast<std::size_t>(y * cells + x)] =
                1; // missed: an L, so that some strokes leave it
    Random r(4);
    int strokes = 0;
    for (int n = 0; n < 400; ++n) {
        const auto prompt = train::correctivePrompt(logits, target, cells, r);
        ASSERT_TRUE(prompt.has_value());
        EXPECT_TRUE(prompt->foreground);
        strokes += prompt->isScribble();
        for (const SlicePixel& c : pixelsUnder(*prompt, cells, cells))
            EXPECT_EQ(target[static_cast<std::size_t>(c.y * cells + c.x)], 1.0F);
    }
    EXPECT_GT(strokes, 30);
    EXPECT_LT(strokes, 130);
    EXPECT_FALSE(train::correctivePrompt(target, target, cells, r).has_value()); // logit 0 is out, 1 is in
}

fs::path write(const fs::path& file, const std::string& text) {
    (void)writeFileAtomically(file, text);
    return file;
}

TEST(Plan, ARefinerIsAddedToAModel_KeptOrLeftOutAsTheConfigurationSays) {
    const test::TemporaryFolder folder;
    net::NetworkConfig with = refinedConfig(), without = with;
    without.refiner.reset();
    const auto save = [&](const char* name, const net::NetworkConfig& config) {
        EXPECT_TRUE(
            checkpoint::saveModel(
                folder / name, {config, net::configToJson(config), net::randomWeights(config, 3), ""}, false)
                .has_value());
        return folder / name;
    };
    const fs::path plain = save("plain.safetensors", without), refined = save("refined.safetensors", with);
    const fs::path adds =
        write(folder / "adds.json", std::string(R"({"refiner":)") + tinyRefiner + R"(,"recipe":{}})");
    const fs::path keeps = write(folder / "keeps.json", R"({"recipe":{}})");
    const fs::path drops =
        write(folder / "drops.json", R"({"network":)" + std::string(test::tinyNetwork) + R"(,"recipe":{}})");
    const auto startOf = [](const fs::path& config, const fs::path& model) {
        const auto plan = train::readPlan(config, model);
        return plan ? train::startWeights(*plan, model) : Result<net::Weights>(plan.error());
    };
    const auto theirs = net::randomWeights(with, 3);
    const std::string key = "refiner.head.weight", other = "mask_decoder.iou_token.weight";
    const auto added = startOf(adds, plain), kept = startOf(keeps, refined),
               dropped = startOf(drops, refined);
    ASSERT_TRUE(added.has_value() && kept.has_value() && dropped.has_value());
    ASSERT_TRUE(added->contains(key));
    EXPECT_FALSE(sameBits(added->at(key), theirs.at(key)));
    EXPECT_TRUE(sameBits(kept->at(key), theirs.at(key)));
    EXPECT_FALSE(dropped->contains(key));
    EXPECT_TRUE(sameBits(dropped->at(other), checkpoint::openModel(refined)->weights.at(other)));
}

} // namespace
} // namespace tandem
