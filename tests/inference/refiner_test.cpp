#include "inference/checkpoint/tensors.h"
#include "inference/network/network.h"
#include "tests/inference/support.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace tandem;

namespace {

// Truth: PyTorch modules in float64, see tests/data/refiner/reference.py.
class RefinerGolden : public ::testing::Test {
protected:
    RefinerGolden()
        : file_(*SafetensorsFile::open(std::filesystem::path(TANDEM_TEST_DATA) / "refiner" /
                                       "refiner.safetensors")) {
        config_.refiner = {32, 1.25, {6, 8, 10, 12}, 3, 2, 5, 1e-5};
        for (const TensorView& t : file_.tensors())
            if (t.name.starts_with("w."))
                weights_.emplace(t.name.substr(2), checkpoint::toTensor(t)->clone());
    }
    at::Tensor tensor(const std::string& name) const { return *checkpoint::toTensor(*file_.find(name)); }
    net::RefinerTensors inputs() const {
        return {tensor("input.grey"), tensor("input.box"), tensor("input.start"),  tensor("input.prior"),
                tensor("input.in"),   tensor("input.out"), tensor("input.latest"), tensor("input.in_box")};
    }
    static void expectNear(const at::Tensor& got, const at::Tensor& expected) {
        ASSERT_EQ(got.sizes(), expected.sizes());
        EXPECT_LT((got - expected).abs().max().item<double>(), 3e-5 * expected.abs().max().item<double>());
    }

    SafetensorsFile file_;
    net::NetworkConfig config_;
    net::Weights weights_;
};

TEST_F(RefinerGolden, OutputsMatch) {
    const at::NoGradGuard noGradients;
    expectNear(net::refine(weights_, config_, inputs()), tensor("running"));
    net::Forward batch;
    batch.batchNorm = net::BatchNorm::Batch;
    expectNear(net::refine(weights_, config_, inputs(), batch), tensor("batch"));
}

TEST_F(RefinerGolden, GradientsMatch) {
    const at::AutoGradMode gradients(true);
    for (auto& [key, w] : weights_)
        if (w.is_floating_point() && key.find("running_") == std::string::npos)
            w.requires_grad_(true);
    net::refine(weights_, config_, inputs()).square().mean().backward();
    int compared = 0;
    for (const TensorView& t : file_.tensors())
        if (t.name.starts_with("gradient.")) {
            ++compared;
            expectNear(weights_.at(t.name.substr(9)).grad(), *checkpoint::toTensor(t));
        }
    EXPECT_EQ(compared, 5);
}

TEST_F(RefinerGolden, LayoutEqualsTheReferences) {
    std::size_t found = 0;
    for (const net::WeightSpec& s : net::layoutOf(config_))
        if (s.key.starts_with("refiner.")) {
            ++found;
            ASSERT_TRUE(weights_.contains(s.key)) << s.key;
            EXPECT_EQ(weights_.at(s.key).sizes().vec(), s.shape) << s.key;
        }
    EXPECT_EQ(found, weights_.size());
}

TEST(RefinerConfig, ComesBackFromJson_AndNonsenseIsNamed) {
    net::NetworkConfig config;
    config.preprocess = net::Preprocess::Focus;
    config.refiner = {64, 1.5, {6, 8, 10, 12}, 3, 2, 5, 1e-4};
    const auto back = net::configFromJson(net::configToJson(config));
    ASSERT_TRUE(back.has_value()) << back.error().sentence;
    EXPECT_EQ(*back, config);
    config.refiner->cells = 40;
    EXPECT_NE(net::configFromJson(net::configToJson(config)).error().sentence.find("refiner.cells"),
              std::string::npos);
    config.refiner->cells = 64;
    config.preprocess = net::Preprocess::Sam;
    EXPECT_NE(net::configFromJson(net::configToJson(config)).error().sentence.find("focus"),
              std::string::npos);
}

} // namespace
