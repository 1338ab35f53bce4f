// The kernels behind tensors give what LibTorch's operators give.
#include "inference/checkpoint/model.h"
#include "inference/engine/fast_network.h"
#ifdef TANDEM_KERNELS
#include "inference/kernels/amx.h"
#include "inference/kernels/bfloat16.h"
#endif

#include <gtest/gtest.h>

using namespace tandem;

namespace {

checkpoint::Model modelOf(const std::string& golden) {
    auto model = checkpoint::openModel(std::filesystem::path(TANDEM_TEST_DATA) / "golden" / golden /
                                       "model.safetensors");
    EXPECT_TRUE(model.has_value());
    return std::move(*model);
}

bool hasBfloat16() {
#ifdef TANDEM_KERNELS
    return kernels::hasBfloat16();
#else
    return false;
#endif
}

bool hasAmx() {
#ifdef TANDEM_KERNELS
    return kernels::hasAmx();
#else
    return false;
#endif
}

// Bfloat16 in the instructions of AVX-512 alone.
class WithoutAmx {
public:
    WithoutAmx() { allow(false); }
    ~WithoutAmx() { allow(true); }
    WithoutAmx(const WithoutAmx&) = delete;
    WithoutAmx& operator=(const WithoutAmx&) = delete;

private:
    static void allow([[maybe_unused]] bool on) {
#ifdef TANDEM_KERNELS
        kernels::allowAmx(on);
#endif
    }
};

double difference(const at::Tensor& a, const at::Tensor& b) {
    EXPECT_TRUE(a.sizes() == b.sizes());
    return (a - b).abs().max().item<double>() / b.abs().max().item<double>();
}

void expectSame(const std::string& golden) {
    const at::NoGradGuard noGradients;
    const checkpoint::Model model = modelOf(golden);
    const auto fast = engine::FastNetwork::create(model.weights, model.config, 2);
    if (!fast)
        GTEST_SKIP() << "built without kernels";
    const std::int64_t side = model.config.imageSize, width = model.config.outChans,
                       grid = model.config.grid();
    at::manual_seed(1);
    const at::Tensor image = at::randn({2, 3, side, side});
    const at::Tensor embedding = net::encode(model.weights, model.config, image);
    EXPECT_LT(difference(fast->encode(image), embedding), 3e-5) << golden;

    net::PromptTensors box, withMask;
    box.boxes = at::tensor({3.f, 4.f, 30.f, 41.f, 10.f, 2.f, 50.f, 33.f, 0.f, 0.f, 9.f, 9.f}).view({3, 4});
    withMask.boxes = box.boxes.narrow(0, 0, 2);
    withMask.mask = at::randn({2, 1, 4 * grid, 4 * grid});
    ASSERT_EQ(width, embedding.size(1));
    for (const net::PromptTensors& prompts : {box, withMask})
        for (const bool multimask : {false, true})
            for (const bool shared : {true, false}) {
                const auto codes = net::encodePrompts(model.weights, model.config, prompts);
                if (!shared && codes.sparse.size(0) != 2)
                    continue;
                const at::Tensor e = shared ? embedding.narrow(0, 1, 1) : embedding;
                const net::Decoded expected = net::decode(model.weights, model.config, e, codes, multimask);
                const net::Decoded found = fast->decode(e, codes, multimask);
                EXPECT_LT(difference(found.logits, expected.logits), 3e-5) << golden << multimask << shared;
                EXPECT_LT(difference(found.iou, expected.iou), 3e-5) << golden;
            }
}

} // namespace

TEST(FastNetwork, Sam_GivesLibTorchsNumbers) {
    expectSame("sam");
}
TEST(FastNetwork, Paper_GivesLibTorchsNumbers) {
    expectSame("paper");
}
TEST(FastNetwork, TwoBranch_GivesLibTorchsNumbers) {
    expectSame("two_branch");
}
TEST(FastNetwork, FourBranch_GivesLibTorchsNumbers) {
    expectSame("four_branch");
}

TEST(FastNetwork, SixteenBoxesInOneCall_AreSixteenCalls) {
    const at::NoGradGuard noGradients;
    const checkpoint::Model model = modelOf("sam");
    const auto fast = engine::FastNetwork::create(model.weights, model.config, 2);
    if (!fast)
        GTEST_SKIP() << "built without kernels";
    at::manual_seed(2);
    const std::int64_t grid = model.config.grid();
    const at::Tensor embedding = at::randn({1, model.config.outChans, grid, grid});
    net::PromptTensors prompts;
    prompts.boxes = at::rand({16, 4}) * 30;
    prompts.boxes.narrow(1, 2, 2).add_(30);
    const auto codesOf = [&](std::int64_t first, std::int64_t count) {
        net::PromptTensors some;
        some.boxes = prompts.boxes.narrow(0, first, count);
        return net::encodePrompts(model.weights, model.config, some);
    };
    const net::Decoded together = fast->decode(embedding, codesOf(0, 16), true);
    const net::Decoded expected = net::decode(model.weights, model.config, embedding, codesOf(0, 16), true);
    EXPECT_LT(difference(together.logits, expected.logits), 3e-5);
    for (std::int64_t i = 0; i < 16; ++i) {
        const net::Decoded alone = fast->decode(embedding, codesOf(i, 1), true);
        EXPECT_LT(difference(alone.logits[0], together.logits[i]), 1e-5) << i; // sums in another order
        EXPECT_LT(difference(alone.iou[0], together.iou[i]), 1e-5) << i;
    }
    for (std::int64_t first : {0, 2, 10}) { // whatever the threads did and whoever else was asked for
        const net::Decoded some = fast->decode(embedding, codesOf(first, 6), true);
        EXPECT_TRUE(at::equal(some.logits, together.logits.narrow(0, first, 6))) << first;
        EXPECT_TRUE(at::equal(some.iou, together.iou.narrow(0, first, 6))) << first;
    }
}

// 8 significant bits in a network with random weights: a percent or two of the embedding's deviation.
TEST(FastNetwork, Bfloat16_EveryVariantStaysNearFloat32) {
    const at::NoGradGuard noGradients;
    if (!hasBfloat16())
        GTEST_SKIP() << "this processor has no bfloat16 instructions";
    for (const char* name : {"sam", "paper", "two_branch", "four_branch"}) {
        const checkpoint::Model model = modelOf(name);
        const auto plain = engine::FastNetwork::create(model.weights, model.config, 2, Arithmetic::Float32);
        const auto half = engine::FastNetwork::create(model.weights, model.config, 2, Arithmetic::Bfloat16);
        ASSERT_TRUE(plain && half && half->usesBfloat16());
        EXPECT_FALSE(plain->usesBfloat16());
        at::manual_seed(1);
        const at::Tensor image = at::randn({1, 3, model.config.imageSize, model.config.imageSize});
        const at::Tensor a = plain->encode(image), b = half->encode(image);
        const double relative = ((a - b).norm() / a.norm()).item<double>();
        EXPECT_LT(relative, 0.05) << name;
        EXPECT_GT(relative, 1e-5) << name; // it did compute with fewer bits
    }
}

// Mean IoU of masks decoded in bfloat16 and in float32, of boxes around ellipses of some brightness.
double decodedOverlap(const checkpoint::Model& model, engine::FastNetwork& plain, engine::FastNetwork& half) {
    const std::int64_t side = model.config.imageSize;
    const at::Tensor line = at::arange(side, at::kFloat);
    double sum = 0;
    for (int i = 0; i < 12; ++i) {
        at::manual_seed(i);
        const at::Tensor r = at::rand({5});
        const double x = (0.3 + 0.4 * r[0].item<double>()) * double(side),
                     y = (0.3 + 0.4 * r[1].item<double>()) * double(side),
                     a = (0.1 + 0.15 * r[2].item<double>()) * double(side),
                     b = (0.1 + 0.15 * r[3].item<double>()) * double(side);
        const at::Tensor inside =
            ((line - x) / a).square().unsqueeze(0) + ((line - y) / b).square().unsqueeze(1) < 1;
        const at::Tensor image = (inside.to(at::kFloat) * (r[4] * 2 - 1) + 0.2 * at::randn({side, side}))
                                     .expand({1, 3, side, side});
        const at::Tensor embedding = plain.encode(image);
        net::PromptTensors prompts;
        prompts.boxes = at::tensor({float(x - a), float(y - b), float(x + a), float(y + b)}).view({1, 4});
        const auto codes = net::encodePrompts(model.weights, model.config, prompts);
        const at::Tensor p = plain.decode(embedding, codes, false).logits,
                         q = half.decode(embedding, codes, false).logits;
        EXPECT_GT(difference(q, p), 1e-5); // it did compute with fewer bits
        const at::Tensor both = ((p > 0) & (q > 0)).sum(), any = ((p > 0) | (q > 0)).sum();
        EXPECT_GT(any.item<std::int64_t>(), 0);
        sum += both.item<double>() / any.item<double>();
    }
    return sum / 12;
}

void checkBfloat16Masks() {
    const auto model = checkpoint::openModel(std::filesystem::path(TANDEM_TEST_DATA) / ".." / ".." /
                                             "resources" / "models" / "tandem-small.safetensors");
    ASSERT_TRUE(model.has_value());
    const auto plain = engine::FastNetwork::create(model->weights, model->config, 2, Arithmetic::Float32);
    const auto half = engine::FastNetwork::create(model->weights, model->config, 2, Arithmetic::Bfloat16);
    ASSERT_TRUE(plain && half && half->usesBfloat16());
    EXPECT_GE(decodedOverlap(*model, *plain, *half), 0.98);
}

// The same for the decoder: masks of the bundled model.
TEST(FastNetwork, Bfloat16_MasksOverlapThoseOfFloat32) {
    const at::NoGradGuard noGradients;
    if (!hasBfloat16())
        GTEST_SKIP() << "this processor has no bfloat16 instructions";
    const WithoutAmx words;
    checkBfloat16Masks();
}

TEST(FastNetwork, Bfloat16InTileRegisters_MasksOverlapThoseOfFloat32) {
    const at::NoGradGuard noGradients;
    if (!hasAmx())
        GTEST_SKIP() << "no AMX on this processor";
    checkBfloat16Masks();
}

TEST(FastNetwork, Automatic_SmallNetworkStaysFloat32) {
    const checkpoint::Model model = modelOf("paper");
    const auto fast = engine::FastNetwork::create(model.weights, model.config, 1, Arithmetic::Automatic);
    EXPECT_FALSE(fast && fast->usesBfloat16());
}

TEST(FastNetwork, PackAll_WeightsMayGo) {
    const at::NoGradGuard noGradients;
    checkpoint::Model model = modelOf("paper");
    const auto fast = engine::FastNetwork::create(model.weights, model.config, 2);
    if (!fast)
        GTEST_SKIP() << "built without kernels";
    at::manual_seed(1);
    const at::Tensor image = at::randn({1, 3, model.config.imageSize, model.config.imageSize});
    const at::Tensor expected = net::encode(model.weights, model.config, image);
    fast->packAll();
    for (auto& [key, tensor] : model.weights)
        tensor.zero_();
    EXPECT_LT(difference(fast->encode(image), expected), 3e-5);
}

TEST(FastNetwork, WiderChannelAttention_IsLeftToLibTorch) {
    checkpoint::Model model = modelOf("paper");
    model.config.adapter->cabExpandRatio = 2;
    EXPECT_TRUE(engine::FastNetwork::create(model.weights, model.config, 1) == nullptr);
}
