// The kernels behind tensors give what LibTorch's operators give.
#include "inference/checkpoint/model.h"
#include "inference/engine/fast_network.h"

#include <gtest/gtest.h>

using namespace tandem;

namespace {

checkpoint::Model modelOf(const std::string& golden) {
    auto model = checkpoint::openModel(std::filesystem::path(TANDEM_TEST_DATA) / "golden" / golden /
                                       "model.safetensors");
    EXPECT_TRUE(model.has_value());
    return std::move(*model);
}

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

TEST(FastNetwork, WiderChannelAttention_IsLeftToLibTorch) {
    checkpoint::Model model = modelOf("paper");
    model.config.adapter->cabExpandRatio = 2;
    EXPECT_TRUE(engine::FastNetwork::create(model.weights, model.config, 1) == nullptr);
}
