// The engine against tests/data/golden: tensors computed in float64 by reference.py.
#include "core/files/files.h"
#include "core/files/json.h"
#include "core/files/safetensors.h"
#include "inference/engine/decoder.h"
#include "inference/engine/encoder.h"
#include "inference/kernels/instruction_set.h"
#include "tests/inference/kernels_support.h"

#include <gtest/gtest.h>

#include <cstring>
#include <iostream>
#include <map>

using namespace tandem;
using tandem::kernels::ConstMatrix;

namespace {

constexpr double kTolerance = 3e-5; // of the largest expected magnitude

std::vector<float> floatsOf(const TensorView& t) {
    std::vector<float> v(static_cast<std::size_t>(t.elementCount()));
    std::memcpy(v.data(), t.bytes.data(), v.size() * sizeof(float));
    return v;
}

// A golden folder: configuration, weights, expected tensors and the network input.
struct Golden {
    net::NetworkConfig config;
    std::map<std::string, std::vector<float>, std::less<>> weights;
    SafetensorsFile expected;
    std::vector<float> input;

    engine::WeightSource source() const {
        return [this](std::string_view key) -> std::span<const float> {
            const auto found = weights.find(key);
            return found == weights.end() ? std::span<const float>{} : found->second;
        };
    }
};

// image_resized_u8, normalised and padded with zeros.
std::vector<float> networkInput(const net::NetworkConfig& c, const TensorView& image) {
    const auto side = static_cast<std::size_t>(c.imageSize);
    const auto height = static_cast<std::size_t>(image.shape[0]),
               width = static_cast<std::size_t>(image.shape[1]);
    std::vector<float> input(3 * side * side, 0.f);
    for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x)
            for (std::size_t ch = 0; ch < 3; ++ch) {
                const auto grey = static_cast<float>(image.bytes[(y * width + x) * 3 + ch]);
                input[(ch * side + y) * side + x] =
                    (grey - static_cast<float>(c.pixelMean[ch])) / static_cast<float>(c.pixelStd[ch]);
            }
    return input;
}

Golden openGolden(const std::string& name) {
    const std::filesystem::path folder = std::filesystem::path(TANDEM_TEST_DATA) / "golden" / name;
    Golden g;
    g.config = *net::configFromJson(*parseJson(*readFile(folder / "config.json")));
    const SafetensorsFile model = *SafetensorsFile::open(folder / "model.safetensors");
    for (const TensorView& t : model.tensors())
        if (t.dtype == DType::F32)
            g.weights[t.name] = floatsOf(t);
    g.expected = *SafetensorsFile::open(folder / "tensors.safetensors");
    g.input = networkInput(g.config, *g.expected.find("image_resized_u8"));
    return g;
}

// Largest difference relative to the expected tensor's largest magnitude; the tensor is 1,h,w,c or 1,c,h,w.
double difference(const TensorView& expected, ConstMatrix m) {
    const std::vector<float> values = floatsOf(expected);
    const bool channelsFirst = static_cast<std::size_t>(expected.shape[3]) != m.columns ||
                               static_cast<std::size_t>(expected.shape[1]) == m.columns;
    double largest = 0;
    kernels::test::Worst worst;
    for (std::size_t r = 0; r < m.rows; ++r)
        for (std::size_t c = 0; c < m.columns; ++c) {
            const double e = channelsFirst ? values[c * m.rows + r] : values[r * m.columns + c];
            largest = std::max(largest, std::abs(e));
            worst.add(m.row(r)[c] - e);
        }
    return worst.value / largest;
}

void expectGolden(const std::string& name, std::size_t atLeast) {
    const Golden g = openGolden(name);
    const auto grid = static_cast<std::size_t>(g.config.grid()),
               width = static_cast<std::size_t>(g.config.outChans);
    kernels::Workers workers(2);
    kernels::test::forEachInstructionSet([&] {
        const engine::FastEncoder encoder(g.config, g.source());
        std::size_t compared = 0;
        double largest = 0;
        engine::Hooks hooks;
        hooks.record = [&](const std::string& part, ConstMatrix m) {
            if (const TensorView* e = g.expected.find("enc." + part)) {
                const double d = difference(*e, m);
                EXPECT_LE(d, kTolerance) << name << " " << part << " " << kernels::instructionSet();
                largest = std::max(largest, d);
                ++compared;
            }
        };
        std::vector<float> embedding(width * grid * grid);
        encoder.encode(workers, g.input, embedding, hooks);
        EXPECT_GE(compared, atLeast);
        const std::vector<float> neck = floatsOf(*g.expected.find("enc.neck"));
        kernels::test::Worst worst, size;
        for (std::size_t i = 0; i < neck.size(); ++i) {
            worst.add(neck[i] - embedding[i]);
            size.add(neck[i]);
        }
        EXPECT_LE(worst.value, kTolerance * size.value) << name << " " << kernels::instructionSet();
        std::cout << name << " " << kernels::instructionSet() << ": " << compared
                  << " maps, largest difference " << largest << "\n";
    });
}

double relativeDifference(const std::vector<float>& expected, std::span<const float> found) {
    kernels::test::Worst worst, size;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        worst.add(expected[i] - found[i]);
        size.add(expected[i]);
    }
    return expected.size() == found.size() ? worst.value / size.value : INFINITY;
}

// Decodes a case of a golden folder from its encoded prompts and compares logits, IoU and what lies between.
void expectDecoded(const Golden& g, engine::FastDecoder& decoder, kernels::Workers& workers,
                   const std::string& name) {
    const TensorView& low = *g.expected.find(name + ".low_res");
    const TensorView& sparse = *g.expected.find(name + ".sparse");
    const TensorView* dense = g.expected.find(name + ".dense");
    const bool multimask = low.shape[1] > 1;
    const auto sparseValues = floatsOf(sparse);
    const auto denseValues =
        dense ? floatsOf(*dense) : g.weights.find("prompt_encoder.no_mask_embed.weight")->second;
    const engine::EncodedPrompts prompts{static_cast<std::size_t>(low.shape[0]),
                                         static_cast<std::size_t>(sparse.shape[1]), sparseValues,
                                         denseValues};
    std::vector<float> logits(static_cast<std::size_t>(low.elementCount()));
    std::vector<float> iou(static_cast<std::size_t>(low.shape[0] * low.shape[1]));
    engine::Hooks hooks;
    hooks.record = [&](const std::string& part, ConstMatrix m) {
        const TensorView* e = g.expected.find(name + "." + part);
        if (!e || e->shape[0] != 1)
            return;
        std::vector<float> rows;
        for (std::size_t r = 0; r < m.rows; ++r)
            rows.insert(rows.end(), m.row(r), m.row(r) + m.columns);
        EXPECT_LE(relativeDifference(floatsOf(*e), rows), kTolerance) << name << " " << part;
    };
    decoder.decode(workers, floatsOf(*g.expected.find("enc.neck")), prompts, multimask, logits, iou, hooks);
    EXPECT_LE(relativeDifference(floatsOf(low), logits), kTolerance)
        << name << " " << kernels::instructionSet();
    EXPECT_LE(relativeDifference(floatsOf(*g.expected.find(name + ".iou")), iou), kTolerance) << name;
}

void expectDecoder(const std::string& folder, const std::vector<std::string>& cases) {
    const Golden g = openGolden(folder);
    kernels::Workers workers(2);
    kernels::test::forEachInstructionSet([&] {
        engine::FastDecoder decoder(g.config, g.source());
        for (const std::string& name : cases)
            expectDecoded(g, decoder, workers, name);
    });
}

} // namespace

TEST(EngineGolden, Decoder_EveryKindOfPromptMatches) {
    expectDecoder("sam",
                  {"box", "boxes2", "points", "points_pad", "box_points", "mask", "mask_only", "none"});
    expectDecoder("paper", {"box", "boxes2"});
    expectDecoder("sam_relpos", {"box"});
}

TEST(EngineGolden, Sam_EveryMapMatches) {
    expectGolden("sam", 5);
}
TEST(EngineGolden, SamWithResampledRelativeTables_EveryMapMatches) {
    expectGolden("sam_relpos", 3);
}
TEST(EngineGolden, Paper_EveryMapMatches) {
    expectGolden("paper", 19);
}
TEST(EngineGolden, PaperWithBlockwiseChannelAttention_EveryMapMatches) {
    expectGolden("paper_block", 10);
}
TEST(EngineGolden, TwoBranch_EveryMapMatches) {
    expectGolden("two_branch", 19);
}
TEST(EngineGolden, FourBranch_EveryMapMatches) {
    expectGolden("four_branch", 20);
}

TEST(Engine, MissingWeight_IsNamed) {
    Golden g = openGolden("paper");
    g.weights.erase("image_encoder.blocks.1.mlp.lin1.weight");
    std::string what;
    try {
        const engine::FastEncoder encoder(g.config, g.source());
    } catch (const std::out_of_range& e) {
        what = e.what();
    }
    EXPECT_NE(what.find("image_encoder.blocks.1.mlp.lin1.weight"), std::string::npos) << what;
}

TEST(Engine, HookThrows_PassEndsAndEncoderStaysUsable) {
    const Golden g = openGolden("paper");
    const engine::FastEncoder encoder(g.config, g.source());
    kernels::Workers workers(2);
    std::vector<float> first(16 * 64), second(16 * 64);
    encoder.encode(workers, g.input, first);
    int steps = 0;
    engine::Hooks hooks;
    double done = 0;
    hooks.step = [&](std::string_view, double share) {
        EXPECT_GE(share, done);
        done = share;
        if (++steps == 4)
            throw 4;
    };
    bool stopped = false;
    try {
        encoder.encode(workers, g.input, second, hooks);
    } catch (int) {
        stopped = true;
    }
    EXPECT_TRUE(stopped);
    EXPECT_EQ(steps, 4);
    encoder.encode(workers, g.input, second);
    EXPECT_TRUE(first == second); // bit for bit, whatever the threads did
}
