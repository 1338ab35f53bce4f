// Truth from elsewhere: every tensor was computed by golden/reference.py in float64 (see golden/*/README.md).
#include "inference/checkpoint/model.h"
#include "inference/checkpoint/tensors.h"
#include "inference/network/layers.h"
#include "inference/verify/verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

using namespace tandem;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(TANDEM_TEST_DATA) / "golden";

void expectGolden(const std::string& name, std::size_t atLeast) {
    const auto report = verify::verifyFolder(kGolden / name);
    ASSERT_TRUE(report.has_value()) << report.error().sentence;
    EXPECT_GE(report->tensors.size(), atLeast);
    double largest = 0;
    for (const TensorCheck& t : report->tensors) {
        EXPECT_TRUE(t.passed) << t.golden << " " << t.name << ": " << t.largestDifference << " " << t.problem;
        largest = std::max(largest, t.largestDifference);
    }
    for (const std::string& ignored : report->ignored)
        ADD_FAILURE() << "nobody recomputes " << ignored;
    std::cout << name << ": " << report->tensors.size() << " tensors, largest difference " << largest << "\n";
}

at::Tensor tensorOf(const SafetensorsFile& file, const std::string& name) {
    return *checkpoint::toTensor(*file.find(name));
}

} // namespace

TEST(Golden, Sam_EveryTensorMatches) {
    expectGolden("sam", 2 * 46);
}
TEST(Golden, SamWithResampledRelativeTables_EveryTensorMatches) {
    expectGolden("sam_relpos", 15);
}
TEST(Golden, Paper_EveryTensorAndGradientMatches) {
    expectGolden("paper", 2 * 77);
}
TEST(Golden, PaperWithBlockwiseChannelAttention_EveryTensorMatches) {
    expectGolden("paper_block", 31);
}
TEST(Golden, TwoBranch_EveryTensorMatches) {
    expectGolden("two_branch", 2 * 55);
}
TEST(Golden, FourBranch_EveryTensorMatches) {
    expectGolden("four_branch", 2 * 53);
}

TEST(Golden, PublishedAttention_GivesTheSameEmbedding) {
    const auto model = checkpoint::openModel(kGolden / "sam_relpos" / "model.safetensors");
    ASSERT_TRUE(model.has_value());
    const at::NoGradGuard noGradients;
    const at::Tensor image = at::randn({2, 3, 96, 96});
    net::Forward published;
    published.publishedAttention = true;
    const at::Tensor a = net::encode(model->weights, model->config, image);
    const at::Tensor b = net::encode(model->weights, model->config, image, published);
    EXPECT_LT((a - b).abs().max().item<double>(), 2e-5 * b.abs().max().item<double>());
}

TEST(Golden, DeformableAttentionUnit_Matches) {
    const auto file = SafetensorsFile::open(kGolden / "preprocess" / "deform_attention.safetensors");
    ASSERT_TRUE(file.has_value());
    net::Weights weights;
    for (const TensorView& t : file->tensors())
        if (t.name.starts_with("w."))
            weights.emplace(t.name.substr(2), *checkpoint::toTensor(t));
    const at::Tensor out =
        net::deformAttention(net::View(weights), tensorOf(*file, "query"), tensorOf(*file, "reference"),
                             tensorOf(*file, "value"), {{5, 6}, {3, 2}}, 3, 2);
    const at::Tensor expected = tensorOf(*file, "out");
    EXPECT_LT((out - expected).abs().max().item<double>(), 3e-5 * expected.abs().max().item<double>());
}

TEST(Verify, AFolderWithoutModel_IsAnError) {
    EXPECT_FALSE(verify::verifyFolder(kGolden / "configs").has_value());
    EXPECT_FALSE(verify::verifyFolder(kGolden / "does not exist").has_value());
}
