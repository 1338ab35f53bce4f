#include "core/files/files.h"
#include "core/files/safetensors.h"
#include "inference/network/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

using namespace tandem;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(TANDEM_TEST_DATA) / "golden";

Result<net::NetworkConfig> configAt(const std::filesystem::path& path) {
    const auto text = readFile(path);
    if (!text)
        return text.error();
    const auto json = parseJson(*text);
    return json ? net::configFromJson(*json) : Result<net::NetworkConfig>(json.error());
}

net::ShapeList shapesOf(const net::NetworkConfig& config) {
    net::ShapeList shapes;
    for (const net::WeightSpec& s : net::layoutOf(config))
        shapes.emplace_back(s.key, s.shape);
    return shapes;
}

JsonValue changed(const std::string& name, const std::string& section, const std::string& key,
                  JsonValue value) {
    JsonValue json = *parseJson(*readFile(kGolden / name));
    if (section.empty()) {
        json.set(key, std::move(value));
    } else {
        JsonValue part = *json.find(section);
        part.set(key, std::move(value));
        json.set(section, std::move(part));
    }
    return json;
}

} // namespace

// Truth: the parameter counts of the model's documentation (SAM's own count among them).
TEST(Config, PublishedConfigurations_HaveThePublishedParameterCounts) {
    const std::vector<std::pair<std::string, std::int64_t>> rows{
        {"sam_vit_b", 93'735'472},    {"sam_vit_l", 312'342'832},        {"sam_vit_h", 641'090'608},
        {"paper_vit_b", 147'854'000}, {"two_branch_vit_b", 163'105'520}, {"four_branch_vit_b", 159'877'296}};
    for (const auto& [name, count] : rows) {
        const auto config = configAt(kGolden / "configs" / (name + ".json"));
        ASSERT_TRUE(config.has_value()) << config.error().sentence;
        EXPECT_EQ(net::parameterCount(*config), count) << name;
    }
}

// Truth: the key order and shapes of checkpoints that the reference wrote.
TEST(Config, Layout_EqualsTheCheckpointsOfTheReference) {
    for (const char* name : {"sam", "sam_relpos", "paper", "paper_block", "two_branch", "four_branch"}) {
        const auto config = configAt(kGolden / name / "config.json");
        const auto file = SafetensorsFile::open(kGolden / name / "model.safetensors");
        ASSERT_TRUE(config.has_value() && file.has_value());
        const auto specs = net::layoutOf(*config);
        ASSERT_EQ(specs.size(), file->tensors().size()) << name;
        for (std::size_t i = 0; i < specs.size(); ++i) {
            EXPECT_EQ(specs[i].key, file->tensors()[i].name);
            EXPECT_TRUE(specs[i].shape == file->tensors()[i].shape) << specs[i].key;
        }
    }
}

TEST(Config, ToJsonAndBack_IsTheSame) {
    for (const auto& entry : std::filesystem::directory_iterator(kGolden / "configs")) {
        const auto config = configAt(entry.path());
        ASSERT_TRUE(config.has_value());
        const auto again = net::configFromJson(net::configToJson(*config));
        ASSERT_TRUE(again.has_value());
        EXPECT_TRUE(*again == *config);
    }
}

TEST(Config, PublishedModels_AreRecognisedFromTheirShapesAlone) {
    for (const auto& entry : std::filesystem::directory_iterator(kGolden / "configs")) {
        const auto config = configAt(entry.path());
        ASSERT_TRUE(config.has_value());
        const auto recognised = net::recogniseConfig(shapesOf(*config));
        ASSERT_TRUE(recognised.has_value()) << recognised.error().sentence;
        EXPECT_EQ(writeJson(net::configToJson(*recognised)), writeJson(net::configToJson(*config)));
    }
}

TEST(Config, SizesOfTheSmallModels_AreRecognisedWhereTheShapesTell) {
    for (const char* name : {"sam", "two_branch", "four_branch"}) {
        const auto config = configAt(kGolden / name / "config.json");
        ASSERT_TRUE(config.has_value());
        auto recognised = net::recogniseConfig(shapesOf(*config));
        ASSERT_TRUE(recognised.has_value()) << name << recognised.error().sentence;
        EXPECT_TRUE(recognised->variant == config->variant);
        EXPECT_EQ(recognised->windowSize, config->windowSize);
        EXPECT_TRUE(recognised->globalAttnIndexes == config->globalAttnIndexes);
        EXPECT_EQ(recognised->numHeads, config->numHeads);
    }
}

TEST(Config, StrangeCheckpoints_AreRefusedInWords) {
    const auto empty = net::recogniseConfig({});
    ASSERT_FALSE(empty.has_value());
    EXPECT_TRUE(empty.error().code == ErrorCode::ModelInvalid);
    auto shapes = shapesOf(*configAt(kGolden / "configs" / "sam_vit_b.json"));
    std::erase_if(shapes, [](const auto& s) { return s.first == "mask_decoder.mask_tokens.weight"; });
    const auto lacking = net::recogniseConfig(shapes);
    ASSERT_FALSE(lacking.has_value());
    EXPECT_NE(lacking.error().sentence.find("mask_decoder.mask_tokens.weight"), std::string::npos);
}

TEST(Config, ImpossibleValues_AreRefusedByName) {
    struct Case {
        const char *section, *key;
        JsonValue value;
    };
    const std::vector<Case> cases{{"", "variant", "unet"},
                                  {"", "image_size", 1000},
                                  {"", "image_size", -1024},
                                  {"", "image_size", 1e300},
                                  {"", "patch_size", 8},
                                  {"", "num_heads", 7},
                                  {"", "num_heads", 0},
                                  {"", "depth", "twelve"},
                                  {"", "out_chans", 12},
                                  {"", "global_attn_indexes", JsonValue::Array{99}},
                                  {"", "pixel_mean", JsonValue::Array{1}},
                                  {"", "use_rel_pos", 1},
                                  {"decoder", "num_heads", 3},
                                  {"decoder", "num_multimask_outputs", -1},
                                  {"adapter", "num_heads", 5},
                                  {"adapter", "levels", JsonValue::Array{7}},
                                  {"adapter", "levels", JsonValue::Array{}},
                                  {"adapter", "fusion", "sum"},
                                  {"adapter", "fusion", "dane"},
                                  {"adapter", "interaction_indexes", JsonValue::Array{}},
                                  {"adapter", "n_points", 26},
                                  {"adapter", "fusion_reduction", 100'000},
                                  // found by fuzzing: a layer of width 0 was divided by
                                  {"adapter", "expand_ratio", 0.0},
                                  {"adapter", "cab_expand_ratio", 1e-4},
                                  {"adapter", "fusion_expand_ratio", 1e-4},
                                  {"adapter", "expand_ratio", 1e6},
                                  {"", "mlp_ratio", 0.0},
                                  {"", "mlp_ratio", 1e6},
                                  {"decoder", "num_heads", 1 << 20},
                                  {"decoder", "attention_downsample_rate", 1 << 20},
                                  {"decoder", "depth", 1 << 20}};
    for (const Case& c : cases) {
        const auto config =
            net::configFromJson(changed("configs/paper_vit_b.json", c.section, c.key, c.value));
        ASSERT_FALSE(config.has_value()) << c.section << "." << c.key;
        EXPECT_TRUE(config.error().code == ErrorCode::ModelInvalid);
    }
    EXPECT_FALSE(net::configFromJson(JsonValue(3)).has_value());
    EXPECT_FALSE(net::configFromJson(*parseJson("{}")).has_value());
}
