#include "inference/network/network.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>

namespace tandem::net {
namespace {

bool contains(const std::string& key, std::string_view part) {
    return key.find(part) != std::string::npos;
}

bool inAdapter(const WeightSpec& s) {
    return contains(s.key, "image_encoder.adapter.");
}

std::int64_t fanIn(const WeightSpec& s) {
    return std::max<std::int64_t>(1, s.count() / s.shape[0]);
}

// PyTorch's own start of Linear and convolution: uniform in +-1/sqrt(fan in).
double bound(const WeightSpec& s) {
    const bool transposed = contains(s.key, "output_upscaling");
    const std::int64_t fan = transposed ? s.shape[1] * 4 : fanIn(s);
    return 1.0 / std::sqrt(static_cast<double>(fan));
}

// Direction of head m, (cos, sin) over its larger magnitude, times the point's number; the same for every
// level.
at::Tensor offsetBias(const WeightSpec& s, const AdapterConfig& a) {
    const std::int64_t levels = s.count() / (a.numHeads * a.nPoints * 2);
    at::Tensor bias = at::empty({a.numHeads, levels, a.nPoints, 2});
    auto out = bias.accessor<float, 4>();
    for (int m = 0; m < a.numHeads; ++m) {
        const double theta = 2 * M_PI * m / a.numHeads;
        const double largest = std::max(std::abs(std::cos(theta)), std::abs(std::sin(theta)));
        for (std::int64_t l = 0; l < levels; ++l)
            for (int p = 0; p < a.nPoints; ++p) {
                out[m][l][p][0] = static_cast<float>(std::cos(theta) / largest * (p + 1));
                out[m][l][p][1] = static_cast<float>(std::sin(theta) / largest * (p + 1));
            }
    }
    return bias.flatten();
}

// Normal, redrawn beyond two standard deviations.
at::Tensor truncatedNormal(at::IntArrayRef shape, double sigma, const at::Generator& random) {
    at::Tensor x = at::randn(shape, random);
    for (at::Tensor far = x.abs() > 2; far.any().item<bool>(); far = x.abs() > 2)
        x = at::where(far, at::randn(shape, random), x);
    return x * sigma;
}

at::Tensor xavier(const WeightSpec& s, bool uniform, const at::Generator& random) {
    const double fans = static_cast<double>(s.shape[0] + s.shape[1]);
    if (uniform)
        return (at::rand(s.shape, random) * 2 - 1) * std::sqrt(6 / fans);
    return at::randn(s.shape, random) * std::sqrt(2 / fans);
}

at::Tensor initialMatrix(const WeightSpec& s, Init init, const at::Generator& random) {
    const bool isLinear = s.shape.size() == 2;
    if (inAdapter(s) && isLinear && contains(s.key, "attn.")) // value_proj, output_proj
        return xavier(s, true, random);
    if (isLinear && init == Init::XavierNormal)
        return xavier(s, false, random);
    if (inAdapter(s) && isLinear)
        return truncatedNormal(s.shape, 0.02, random);
    if (inAdapter(s)) { // k * k * out channels / groups
        const double fanOut = static_cast<double>(s.shape[2] * s.shape[3] * s.shape[0]);
        const double groups = s.shape[1] == 1 ? static_cast<double>(s.shape[0]) : 1;
        return at::randn(s.shape, random) * std::sqrt(2 / (fanOut / groups));
    }
    return (at::rand(s.shape, random) * 2 - 1) * bound(s);
}

at::Tensor initialEmbedding(const WeightSpec& s, const at::Generator& random) {
    if (contains(s.key, "level_embed"))
        return at::zeros(s.shape);
    return at::randn(s.shape, random) * (contains(s.key, "pos_embed") ? 0.02 : 1.0);
}

at::Tensor initial(const WeightSpec& s, const NetworkConfig& c, Init init, const at::Generator& random) {
    switch (s.kind) {
    case WeightKind::Weight:
        return initialMatrix(s, init, random);
    case WeightKind::NormGain:
    case WeightKind::RunningVar:
        return at::ones(s.shape);
    case WeightKind::Counter:
        return at::zeros(s.shape, at::kLong);
    case WeightKind::Embedding:
        return initialEmbedding(s, random);
    case WeightKind::FixedCode:
        return at::randn(s.shape, random);
    case WeightKind::OffsetBias:
        return offsetBias(s, *c.adapter);
    default: // biases, running means, relative tables and the offsets' and attention's weights
        return at::zeros(s.shape);
    }
}

at::Tensor exercised(const WeightSpec& s, const at::Generator& random) {
    if (s.kind == WeightKind::Counter)
        return at::full(s.shape, 7, at::kLong);
    const at::Tensor x = at::randn(s.shape, random);
    switch (s.kind) {
    case WeightKind::Weight:
    case WeightKind::OffsetWeight:
    case WeightKind::AttentionWeight:
        return x / std::sqrt(static_cast<double>(fanIn(s)));
    case WeightKind::NormGain:
        return 1 + 0.2 * x;
    case WeightKind::RunningVar:
        return 0.5 + x.abs();
    case WeightKind::OffsetBias:
        return 1.5 * x;
    case WeightKind::FixedCode:
        return x;
    default:
        return 0.2 * x;
    }
}

} // namespace

Weights initialWeights(const NetworkConfig& config, std::uint64_t seed, Init init) {
    const at::Generator random = at::detail::createCPUGenerator(seed);
    Weights weights;
    for (const WeightSpec& s : layoutOf(config))
        weights.emplace(s.key, initial(s, config, init, random));
    return weights;
}

Weights randomWeights(const NetworkConfig& config, std::uint64_t seed) {
    const at::Generator random = at::detail::createCPUGenerator(seed);
    Weights weights;
    for (const WeightSpec& s : layoutOf(config))
        weights.emplace(s.key, exercised(s, random));
    return weights;
}

} // namespace tandem::net
