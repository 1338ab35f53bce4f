#include "core/files/files.h"
#include "inference/checkpoint/average.h"
#include "inference/checkpoint/model.h"
#include "inference/checkpoint/pickle.h"
#include "inference/checkpoint/state_dict.h"
#include "inference/checkpoint/tensors.h"
#include "tests/inference/train/tiny_network.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

using namespace tandem;

namespace {

const std::filesystem::path kData = TANDEM_TEST_DATA;
const std::filesystem::path kFormats = kData / "golden" / "formats";

std::map<std::string, at::Tensor> weightsOf(const std::filesystem::path& file) {
    const auto dict = checkpoint::readStateDict(file);
    if (!dict) {
        ADD_FAILURE() << dict.error().sentence;
        return {};
    }
    return {dict->tensors.begin(), dict->tensors.end()};
}

void expectSameWeights(const std::filesystem::path& a, const std::filesystem::path& b) {
    const auto left = weightsOf(a), right = weightsOf(b);
    EXPECT_EQ(left.size(), right.size());
    for (const auto& [key, tensor] : left) {
        const auto other = right.find(key);
        ASSERT_TRUE(other != right.end()) << key;
        EXPECT_TRUE(at::equal(tensor, other->second)) << key;
    }
}

// Writes the micro model with some tensors changed; the configuration lies beside it.
std::filesystem::path givenChangedModel(const test::TemporaryFolder& folder,
                                        const std::function<void(std::vector<TensorView>&)>& change) {
    const auto file = SafetensorsFile::open(kFormats / "plain.safetensors");
    std::vector<TensorView> tensors = file->tensors();
    change(tensors);
    EXPECT_TRUE(writeSafetensors(folder / "m.safetensors", tensors).has_value());
    std::filesystem::copy_file(kFormats / "config.json", folder / "config.json");
    return folder / "m.safetensors";
}

TensorView& tensorNamed(std::vector<TensorView>& tensors, const std::string& name) {
    for (TensorView& t : tensors)
        if (t.name == name)
            return t;
    throw std::out_of_range(name);
}

bool mentions(const Error& error, const std::string& words) {
    return error.sentence.find(words) != std::string::npos;
}

Result<checkpoint::StateDict> parsed(const std::string& bytes) {
    return checkpoint::parseStateDict(std::as_bytes(std::span(bytes)), "test");
}

std::string wholeFile(const std::filesystem::path& path) {
    return readFile(path).value();
}

} // namespace

TEST(Checkpoint, EveryContainer_HoldsTheSameWeights) {
    for (const char* name : {"net.pth", "module.pth", "model_module.pth", "strided.pth"})
        expectSameWeights(kFormats / name, kFormats / "plain.safetensors");
    expectSameWeights(kData / "checkpoints" / "legacy.pth", kFormats / "plain.safetensors");
    for (const char* name : {"sam", "paper", "two_branch", "four_branch"})
        expectSameWeights(kData / "golden" / name / "model.pth",
                          kData / "golden" / name / "model.safetensors");
}

TEST(Checkpoint, WeightsChangedInPlace_FileAndLaterReadersDoNotSeeIt) {
    for (const char* name : {"model.safetensors", "model.pth"}) {
        const std::filesystem::path file = kData / "golden" / "sam" / name;
        if (!std::filesystem::exists(file))
            continue;
        const auto before = readFile(file, std::int64_t{1} << 30);
        for (auto& [key, tensor] : weightsOf(file))
            if (tensor.is_floating_point())
                tensor.fill_(7);
        EXPECT_TRUE(*readFile(file, std::int64_t{1} << 30) == *before);
        for (const auto& [key, tensor] : weightsOf(file))
            if (tensor.is_floating_point() && tensor.numel() > 1) {
                EXPECT_FALSE(tensor.eq(7).all().item<bool>()) << key;
            }
    }
}

TEST(Checkpoint, EveryContainer_OpensAsAModel) {
    for (const char* name :
         {"plain.safetensors", "net.pth", "module.pth", "model_module.pth", "strided.pth"}) {
        const auto model = checkpoint::openModel(kFormats / name);
        EXPECT_TRUE(model.has_value()) << name;
    }
}

TEST(Checkpoint, PicklesThatCallSomething_AreRefusedByNameAndRunNothing) {
    struct Case {
        const char *file, *name;
    };
    for (const Case& c : {Case{"os_system.pth", "system"}, Case{"os_system_inside.pth", "system"},
                          Case{"os_system_plain.pth", "system"}, Case{"eval_stack_global.pth", "eval"}}) {
        const auto dict = checkpoint::openModel(kData / "checkpoints" / c.file);
        ASSERT_FALSE(dict.has_value()) << c.file;
        EXPECT_TRUE(dict.error().code == ErrorCode::FormatUnsupported) << c.file;
        EXPECT_TRUE(mentions(dict.error(), c.name)) << dict.error().sentence;
    }
    EXPECT_FALSE(std::filesystem::exists("tandem_was_here"));
}

TEST(Checkpoint, FilesWithoutWeights_AreRefusedInWords) {
    EXPECT_FALSE(checkpoint::openModel(kData / "checkpoints" / "tensor_only.pth").has_value());
    EXPECT_FALSE(checkpoint::openModel(kFormats / "config.json").has_value());
    EXPECT_TRUE(checkpoint::openModel(kFormats / "none.pth").error().code == ErrorCode::FileNotFound);
    EXPECT_FALSE(checkpoint::openModel(kFormats).has_value());
    const test::TemporaryFolder folder;
    for (const std::string text : {"", "P", "PK", "PK\x03\x04", "\x80", "\x80\x02", "\x80\x02}.", "{}"}) {
        ASSERT_TRUE(writeFileAtomically(folder / "x.pth", text).has_value());
        EXPECT_FALSE(checkpoint::openModel(folder / "x.pth").has_value()) << text;
    }
}

TEST(Checkpoint, TruncatedAnywhere_IsOneClearError) {
    for (const auto& source : {kFormats / "net.pth", kData / "checkpoints" / "legacy.pth"}) {
        const std::string whole = wholeFile(source);
        for (std::size_t n = 0; n < whole.size(); n += n < 3000 || n + 3000 > whole.size() ? 7 : 331) {
            const auto dict = parsed(whole.substr(0, n));
            ASSERT_FALSE(dict.has_value()) << n;
            EXPECT_FALSE(dict.error().sentence.empty());
        }
    }
}

TEST(Checkpoint, ChangedBytes_AreReadOrRefusedWithoutHarm) {
    for (const auto& source : {kFormats / "strided.pth", kData / "checkpoints" / "legacy.pth"}) {
        const std::string whole = wholeFile(source);
        for (std::size_t n = 0; n < whole.size(); n += n < 4000 ? 13 : 397)
            for (const char c : {'\0', '\xFF', '.', 'R'}) {
                std::string changed = whole;
                changed[n] = c;
                const auto dict = parsed(changed);
                EXPECT_TRUE(dict || !dict.error().sentence.empty());
            }
    }
}

TEST(Checkpoint, HostilePickles_CostLittle) {
    const auto parse = [](const std::string& bytes) {
        return checkpoint::Pickle::parse(std::as_bytes(std::span(bytes)), "test").has_value();
    };
    EXPECT_TRUE(parse("\x80\x02}."));
    EXPECT_FALSE(parse(std::string(5'000'000, 'N')));           // values without end
    EXPECT_FALSE(parse(std::string(5'000'000, '(')));           // marks without end
    EXPECT_FALSE(parse("N" + std::string(30'000'000, '\x94'))); // memo without end
    EXPECT_FALSE(parse("X\xff\xff\xff\x7f"
                       "a")); // a text of 2 GB
    EXPECT_TRUE(parse("]q\x01h\x01"
                      "a.")); // a list that holds itself
    std::string nested;
    for (int i = 0; i < 1'000'000; ++i)
        nested += "]";
    EXPECT_TRUE(parse(nested + std::string(999'999, 'a') + "."));
    for (const char* bytes : {".",
                              "a.",
                              "NN.",
                              "t",
                              "R.",
                              "NR.",
                              "NNR.",
                              "h\x05.",
                              "Q.",
                              "NQ.",
                              "Nb.",
                              "NNb.",
                              "}Ns.",
                              "(N}u.",
                              "(.",
                              "\x87.",
                              "\x93.",
                              "NN\x93.",
                              "ios\nsystem\n.",
                              "cos\nsystem\n.",
                              "ctorch\nFloatStorage\n)R."})
        EXPECT_FALSE(parse(bytes)) << bytes;
}

TEST(Checkpoint, RenamedKey_IsNamedAsMissingAndUnexpected) {
    const test::TemporaryFolder folder;
    const auto file = givenChangedModel(folder, [](auto& tensors) {
        tensorNamed(tensors, "image_encoder.neck.0.weight").name = "image_encoder.neck.zero.weight";
    });
    const auto model = checkpoint::openModel(file);
    ASSERT_FALSE(model.has_value());
    EXPECT_TRUE(model.error().code == ErrorCode::ModelInvalid);
    EXPECT_TRUE(mentions(model.error(), "1 keys are missing (image_encoder.neck.0.weight)"))
        << model.error().sentence;
    EXPECT_TRUE(mentions(model.error(), "1 keys are unexpected (image_encoder.neck.zero.weight)"));
}

TEST(Checkpoint, WrongShape_IsNamedWithBothShapes) {
    const test::TemporaryFolder folder;
    const auto file = givenChangedModel(folder, [](auto& tensors) {
        TensorView& t = tensorNamed(tensors, "image_encoder.blocks.0.attn.qkv.weight");
        t.shape = {t.shape[1], t.shape[0]};
    });
    const auto model = checkpoint::openModel(file);
    ASSERT_FALSE(model.has_value());
    EXPECT_TRUE(mentions(model.error(), "image_encoder.blocks.0.attn.qkv.weight: [8, 24] instead of [24, 8]"))
        << model.error().sentence;
}

TEST(Checkpoint, ManyMissingKeys_AreCountedAndTenNamed) {
    const test::TemporaryFolder folder;
    const auto file = givenChangedModel(folder, [](auto& tensors) {
        std::erase_if(tensors, [](const TensorView& t) { return t.name.starts_with("mask_decoder."); });
    });
    const auto model = checkpoint::openModel(file);
    ASSERT_FALSE(model.has_value());
    EXPECT_TRUE(mentions(model.error(), ", ...)"));
    EXPECT_LT(model.error().sentence.size(), 1500u);
}

TEST(Checkpoint, FeedForwardConvolutionByItsShortName_IsAccepted) {
    const auto source = kData / "golden" / "two_branch";
    const auto file = SafetensorsFile::open(source / "model.safetensors");
    std::vector<TensorView> tensors = file->tensors();
    for (TensorView& t : tensors)
        if (const auto at0 = t.name.find(".dwconv.dwconv."); at0 != std::string::npos)
            t.name.erase(at0, 7);
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeSafetensors(folder / "m.safetensors", tensors).has_value());
    expectSameWeights(folder / "m.safetensors", source / "model.safetensors");
}

TEST(Checkpoint, SavedModel_OpensEqualWithConfigurationAndCard) {
    const test::TemporaryFolder folder;
    auto model = checkpoint::openModel(kData / "golden" / "paper" / "model.pth");
    ASSERT_TRUE(model.has_value());
    model->card = "A card.";
    model->configJson.set("name", "Golden");
    ASSERT_TRUE(checkpoint::saveModel(folder / "a.safetensors", *model, false).has_value());
    ASSERT_TRUE(checkpoint::saveModel(folder / "half.safetensors", *model, true).has_value());
    const auto back = checkpoint::openModel(folder / "a.safetensors");
    ASSERT_TRUE(back.has_value());
    EXPECT_TRUE(back->config == model->config);
    EXPECT_EQ(back->card, "A card.");
    for (const auto& [key, tensor] : model->weights)
        EXPECT_TRUE(at::equal(tensor, back->weights.at(key))) << key;
    const auto half = checkpoint::openModel(folder / "half.safetensors");
    ASSERT_TRUE(half.has_value());
    for (const auto& [key, tensor] : model->weights)
        EXPECT_LE((tensor - half->weights.at(key)).abs().max().item<double>(),
                  1e-3 * (1 + tensor.abs().max().item<double>()));
    const auto info = checkpoint::describeModel(folder / "half.safetensors");
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->name, "Golden");
    EXPECT_EQ(info->variant, "paper");
    EXPECT_EQ(info->id.size(), 64u);
    EXPECT_LT(info->fileBytes,
              static_cast<std::int64_t>(std::filesystem::file_size(folder / "a.safetensors")));
}

// Three models of one network: the first has a refiner, the others are other weights of the rest.
struct Runs {
    test::TemporaryFolder folder;
    std::vector<checkpoint::Model> models;
    std::vector<std::filesystem::path> files;

    Runs() {
        const JsonValue plain = *parseJson(test::tinyNetwork);
        JsonValue refined = plain;
        refined.set(
            "refiner",
            *parseJson(
                R"({"cells":32,"crop_scale":1.25,"widths":[8,8,8,8],"likeness":4,"detail":4,"head":8})"));
        for (const std::uint64_t seed : {1u, 2u, 3u}) {
            const JsonValue& json = seed == 1 ? refined : plain;
            const net::NetworkConfig config = *net::configFromJson(json);
            models.push_back(
                {config, json, net::initialWeights(config, seed), "card " + std::to_string(seed)});
            files.push_back(folder / (std::to_string(seed) + ".safetensors"));
            EXPECT_TRUE(checkpoint::saveModel(files.back(), models.back(), false).has_value());
        }
    }
};

TEST(Average, WeightedMean_KeepsWhatOnlyTheFirstHas) {
    const Runs runs;
    const auto mean = checkpoint::averageModels(runs.files, {0, 1, 3});
    ASSERT_TRUE(mean.has_value()) << mean.error().sentence;
    EXPECT_EQ(mean->card, "card 1");
    EXPECT_TRUE(mean->config.refiner.has_value());
    int refiner = 0;
    for (const auto& [key, w] : mean->weights) {
        const bool only = key.starts_with("refiner.");
        refiner += only;
        const at::Tensor expected =
            only || !w.is_floating_point()
                ? runs.models[0].weights.at(key)
                : 0.25 * runs.models[1].weights.at(key) + 0.75 * runs.models[2].weights.at(key);
        EXPECT_TRUE(at::allclose(w, expected, 1e-6, 1e-7)) << key;
    }
    EXPECT_GT(refiner, 0);
}

TEST(Average, EqualSharesByDefault_AndRefusals) {
    const Runs runs;
    const std::string key = "image_encoder.neck.0.weight";
    const auto mean = checkpoint::averageModels({runs.files[1], runs.files[2]}, {});
    ASSERT_TRUE(mean.has_value());
    EXPECT_TRUE(at::allclose(mean->weights.at(key),
                             (runs.models[1].weights.at(key) + runs.models[2].weights.at(key)) / 2, 1e-6,
                             1e-7));
    const auto golden =
        checkpoint::averageModels({runs.files[1], kData / "golden" / "paper" / "model.pth"}, {});
    ASSERT_FALSE(golden.has_value());
    EXPECT_TRUE(mentions(golden.error(), "other sizes"));
    EXPECT_FALSE(checkpoint::averageModels({runs.files[1]}, {}).has_value());
    EXPECT_FALSE(checkpoint::averageModels({runs.files[1], runs.files[2]}, {1}).has_value());
    EXPECT_FALSE(checkpoint::averageModels({runs.files[1], runs.files[2]}, {0, 0}).has_value());
    EXPECT_FALSE(checkpoint::averageModels({runs.files[1], runs.files[2]}, {2, -1}).has_value());
}

TEST(Checkpoint, WeightsBeyondFloat16_AreNotWrittenAsSuch) {
    const test::TemporaryFolder folder;
    auto model = checkpoint::openModel(kFormats / "plain.safetensors");
    ASSERT_TRUE(model.has_value());
    model->weights.at("image_encoder.neck.1.bias").fill_(1e6);
    EXPECT_FALSE(checkpoint::saveModel(folder / "x.safetensors", *model, true).has_value());
    EXPECT_FALSE(std::filesystem::exists(folder / "x.safetensors"));
}
