#include "inference/engine/decoder_parts.h"

#include <cmath>
#include <numbers>

namespace tandem::engine {

namespace {

// A transposed convolution 2x2 with stride 2 as a product: weight (in, out, 2, 2) to rows (dy, dx, out).
kernels::PackedWeights grow(std::span<const float> weight, std::size_t outputs, std::size_t inputs) {
    std::vector<float> rows(4 * outputs * inputs);
    for (std::size_t t = 0; t < 4; ++t)
        for (std::size_t o = 0; o < outputs; ++o)
            for (std::size_t i = 0; i < inputs; ++i)
                rows[(t * outputs + o) * inputs + i] = weight[(i * outputs + o) * 4 + t];
    return kernels::packWeights(rows.data(), 4 * outputs, inputs, inputs);
}

std::vector<float> fourTimes(std::span<const float> bias) {
    std::vector<float> out;
    for (int t = 0; t < 4; ++t)
        out.insert(out.end(), bias.begin(), bias.end());
    return out;
}

std::vector<float> copyOf(std::span<const float> v) {
    return {v.begin(), v.end()};
}

float headScale(std::size_t inner, std::size_t heads) {
    return 1.f / std::sqrt(static_cast<float>(inner / heads));
}

// For each head the transposed share of a projection (inner x width): a head's vector back to `width`.
std::vector<kernels::PackedWeights> transposedHeads(std::span<const float> weight, std::size_t width,
                                                    std::size_t heads) {
    const std::size_t inner = weight.size() / width, n = inner / heads;
    const float scale = headScale(inner, heads);
    std::vector<kernels::PackedWeights> out;
    std::vector<float> rows(width * n);
    for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t c = 0; c < width; ++c)
            for (std::size_t j = 0; j < n; ++j)
                rows[c * n + j] = weight[(h * n + j) * width + c] * scale;
        out.push_back(kernels::packWeights(rows.data(), width, n));
    }
    return out;
}

} // namespace

std::vector<float> gridPositionCode(std::span<const float> gaussian, std::size_t grid) {
    const std::size_t half = gaussian.size() / 2;
    std::vector<float> code(grid * grid * 2 * half);
    for (std::size_t p = 0; p < grid * grid; ++p) {
        const double u = 2 * (static_cast<double>(p % grid) + 0.5) / static_cast<double>(grid) - 1;
        const double v = 2 * (static_cast<double>(p / grid) + 0.5) / static_cast<double>(grid) - 1;
        for (std::size_t i = 0; i < half; ++i) {
            const double t = 2 * std::numbers::pi * (u * gaussian[i] + v * gaussian[half + i]);
            code[p * 2 * half + i] = static_cast<float>(std::sin(t));
            code[p * 2 * half + half + i] = static_cast<float>(std::cos(t));
        }
    }
    return code;
}

SelfAttention::SelfAttention(const Keys& keys, std::size_t width)
    : q(keys.at("q_proj"), width), k(keys.at("k_proj"), width), v(keys.at("v_proj"), width),
      out(keys.at("out_proj"), q.outputs()) {}

ImageAttention::ImageAttention(const Keys& k, std::size_t width, std::size_t heads)
    : q(k.at("q_proj"), width), out(k.at("out_proj"), q.outputs()),
      keys(transposedHeads(k["k_proj.weight"], width, heads)), valueBias(copyOf(k["v_proj.bias"])) {
    const auto weight = k["v_proj.weight"];
    const std::size_t n = q.outputs() / heads;
    for (std::size_t h = 0; h < heads; ++h)
        values.push_back(kernels::packWeights(&weight[h * n * width], n, width));
}

TokenAttention::TokenAttention(const Keys& keys, std::size_t width, std::size_t heads)
    : k(keys.at("k_proj"), width), v(keys.at("v_proj"), width),
      queries(transposedHeads(keys["q_proj.weight"], width, heads)), queryBias(copyOf(keys["q_proj.bias"])),
      outBias(copyOf(keys["out_proj.bias"])) {
    const std::size_t inner = k.outputs(), n = inner / heads;
    for (float& b : queryBias)
        b *= headScale(inner, heads);
    const auto weight = keys["out_proj.weight"];
    std::vector<float> rows(width * n);
    for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t c = 0; c < width; ++c)
            std::copy_n(&weight[c * inner + h * n], n, &rows[c * n]);
        out.push_back(kernels::packWeights(rows.data(), width, n));
    }
}

DecoderLayer::DecoderLayer(const Keys& k, const net::NetworkConfig& c)
    : self(k.at("self_attn"), static_cast<std::size_t>(c.outChans)),
      toImage(k.at("cross_attn_token_to_image"), static_cast<std::size_t>(c.outChans),
              static_cast<std::size_t>(c.decoder.numHeads)),
      toToken(k.at("cross_attn_image_to_token"), static_cast<std::size_t>(c.outChans),
              static_cast<std::size_t>(c.decoder.numHeads)),
      norm1(k.at("norm1"), 1e-5), norm2(k.at("norm2"), 1e-5), norm3(k.at("norm3"), 1e-5),
      norm4(k.at("norm4"), 1e-5), lin1(k.at("mlp.lin1"), static_cast<std::size_t>(c.outChans)),
      lin2(k.at("mlp.lin2"), static_cast<std::size_t>(c.decoder.mlpDim)) {}

ReluMlp::ReluMlp(const Keys& k, std::size_t inputs, int count) {
    for (int j = 0; j < count; ++j) {
        layers.emplace_back(k.at("layers", static_cast<std::size_t>(j)), inputs);
        inputs = layers.back().outputs();
    }
}

std::vector<float> ReluMlp::run(kernels::Workers& workers, std::span<const float> row) const {
    std::vector<float> x(row.begin(), row.end());
    for (std::size_t j = 0; j < layers.size(); ++j) {
        const Linear& l = layers[j];
        std::vector<float> y(l.outputs());
        const auto activation = j + 1 < layers.size() ? kernels::Activation::Relu : kernels::Activation::None;
        kernels::linear(workers, {x.data(), 1, x.size(), x.size()}, l.weights, {l.biasData(), activation, {}},
                        {y.data(), 1, y.size(), y.size()});
        x = std::move(y);
    }
    return x;
}

FastDecoder::Parts::Parts(const net::NetworkConfig& c, const WeightSource& source)
    : config(c),
      position(gridPositionCode(
          Keys(source, "prompt_encoder.pe_layer.")["positional_encoding_gaussian_matrix"], grid())),
      last(Keys(source, "mask_decoder.transformer.final_attn_token_to_image."), width(), heads()),
      lastNorm(Keys(source, "mask_decoder.transformer.norm_final_attn."), 1e-5),
      upNorm(Keys(source, "mask_decoder.output_upscaling.1."), 1e-6),
      iou(Keys(source, "mask_decoder.iou_prediction_head."), width(), c.decoder.iouHeadDepth) {
    const Keys k(source, "mask_decoder.");
    for (const char* name : {"iou_token.weight", "mask_tokens.weight"}) {
        const auto tokens = k[name];
        ownTokens.insert(ownTokens.end(), tokens.begin(), tokens.end());
    }
    for (int i = 0; i < c.decoder.depth; ++i)
        layers.emplace_back(k.at("transformer.layers", static_cast<std::size_t>(i)), c);
    const Keys u = k.at("output_upscaling");
    upBias1 = fourTimes(u["0.bias"]);
    upBias2 = fourTimes(u["3.bias"]);
    up.first = grow(u["0.weight"], width() / 4, width());
    up.second = grow(u["3.weight"], width() / 8, width() / 4);
    up.firstBias = upBias1.data();
    up.secondBias = upBias2.data();
    up.norm = upNorm.view();
    for (int m = 0; m < c.decoder.maskTokens(); ++m)
        hyper.emplace_back(k.at("output_hypernetworks_mlps", static_cast<std::size_t>(m)), width(), 3);
}

} // namespace tandem::engine
