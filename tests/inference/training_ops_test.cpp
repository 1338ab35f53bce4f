#include "inference/network/layers.h"
#include "inference/network/training_ops.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

// The trainer's own operators against LibTorch's, which work in double precision here.
#ifdef TANDEM_KERNELS

namespace tandem::net {
namespace {

using Tensors = std::vector<at::Tensor>;

// The result of an operator, then the gradients of its weighted sum by each input.
template <class Operator>
Tensors differentiated(const Tensors& inputs, at::ScalarType type, const Operator& apply) {
    const at::AutoGradMode gradients(true);
    Tensors leaves;
    for (const at::Tensor& x : inputs)
        leaves.push_back(x.to(type).detach().requires_grad_(true));
    const at::Tensor y = apply(leaves);
    const at::Tensor weights =
        at::sin(at::arange(y.numel(), at::kDouble)).view(y.sizes()).to(y.scalar_type());
    Tensors out{y.detach()};
    for (const at::Tensor& g : torch::autograd::grad({(y * weights).sum()}, leaves))
        out.push_back(g);
    return out;
}

void expectNear(const Tensors& found, const Tensors& expected, double error) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double scale = expected[i].abs().max().item<double>();
        const at::Tensor difference = found[i].to(at::kDouble) - expected[i];
        EXPECT_LE(difference.abs().max().item<double>(), error * scale) << i;
    }
}

TEST(TrainingOps, AttentionAndItsGradients_MatchLibTorchInDouble) {
    at::manual_seed(1);
    const Tensors inputs{at::randn({9, 400, 8}, at::kDouble), at::randn({9, 410, 8}, at::kDouble),
                         at::randn({9, 410, 8}, at::kDouble)};
    const Tensors plain = differentiated(inputs, at::kDouble, [](const Tensors& x) {
        return at::matmul((0.3 * at::matmul(x[0], x[1].transpose(1, 2))).softmax(-1), x[2]);
    });
    const auto own = [](const Tensors& x) { return *attendInCache(x[0], x[1], x[2], 0.3); };
    expectNear(differentiated(inputs, at::kFloat, own), plain, 1e-5);
    expectNear(differentiated(inputs, at::kBFloat16, own), plain, 0.03);
}

TEST(TrainingOps, DeformableSamplesAndTheirGradients_MatchLibTorchInDouble) {
    at::manual_seed(2);
    const std::vector<std::array<std::int64_t, 2>> shapes{{6, 6}, {3, 4}};
    const int heads = 2, points = 3;
    const at::Tensor reference = at::rand({1, 20, 2}, at::kDouble);
    const Tensors inputs{at::randn({3, 48, 10}, at::kDouble),
                         2 * at::randn({3, 20, 2 * 2 * 3 * 2}, at::kDouble),
                         at::randn({3, 20, 2 * 2 * 3}, at::kDouble)};
    const Tensors plain = differentiated(inputs, at::kDouble, [&](const Tensors& x) {
        const at::Tensor weights = x[2].view({3, 20, heads, 6}).softmax(-1);
        const at::Tensor offsets = x[1].view({3, 20, heads, 2, points, 2});
        at::Tensor sum;
        std::int64_t start = 0;
        for (std::int64_t l = 0; l < 2; ++l) {
            const auto [h, w] = shapes[static_cast<std::size_t>(l)];
            const at::Tensor map = x[0].narrow(1, start, h * w)
                                       .view({3, h * w, heads, 5})
                                       .permute({0, 2, 3, 1})
                                       .reshape({3 * heads, 5, h, w});
            const at::Tensor size =
                at::stack({at::full({}, double(w), at::kDouble), at::full({}, double(h), at::kDouble)});
            const at::Tensor where = reference.view({1, 20, 1, 1, 2}) + offsets.select(3, l) / size;
            const at::Tensor samples = at::grid_sampler(
                map, 2 * where.transpose(1, 2).reshape({3 * heads, 20, points, 2}) - 1, 0, 0, false);
            const at::Tensor share =
                weights.narrow(3, points * l, points).transpose(1, 2).reshape({3 * heads, 1, 20, points});
            const at::Tensor part = (samples * share).sum(-1); // 3 * heads, 5, 20
            sum = sum.defined() ? sum + part : part;
            start += h * w;
        }
        return sum.view({3, heads * 5, 20}).transpose(1, 2);
    });
    const auto own = [&](const Tensors& x) {
        return *sampleMaps(x[0], x[1], x[2], reference.to(at::kFloat), shapes, heads, points);
    };
    expectNear(differentiated(inputs, at::kFloat, own), plain, 1e-5);
}

} // namespace
} // namespace tandem::net

#endif
