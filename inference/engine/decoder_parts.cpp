#include "inference/engine/decoder_parts.h"

#include <cmath>
#include <numbers>

namespace tandem::engine {

using kernels::ConstMatrix;

namespace {

// A transposed convolution 2x2 with stride 2 as a linear layer: weight (in, out, 2, 2) to rows (dy, dx, out).
Linear grow(std::span<const float> weight, std::span<const float> bias, std::size_t inputs) {
    const std::size_t outputs = bias.size();
    std::vector<float> rows(4 * outputs * inputs);
    Linear l;
    for (std::size_t t = 0; t < 4; ++t)
        for (std::size_t o = 0; o < outputs; ++o) {
            for (std::size_t i = 0; i < inputs; ++i)
                rows[(t * outputs + o) * inputs + i] = weight[(i * outputs + o) * 4 + t];
            l.bias.push_back(bias[o]);
        }
    l.weights = kernels::packWeights(rows.data(), 4 * outputs, inputs);
    return l;
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

Heads::Heads(const Keys& keys, std::size_t width)
    : q(keys.at("q_proj"), width), k(keys.at("k_proj"), width), v(keys.at("v_proj"), width),
      out(keys.at("out_proj"), q.outputs()) {}

ImageSide::ImageSide(const Keys& kv, const Keys* queries, kernels::Workers& workers, ConstMatrix position) {
    std::vector<float> rows, coded, bias;
    const auto add = [&](const Keys& layer, bool withPosition) {
        const auto weight = layer["weight"], b = layer["bias"];
        rows.insert(rows.end(), weight.begin(), weight.end());
        bias.insert(bias.end(), b.begin(), b.end());
        if (withPosition)
            coded.insert(coded.end(), weight.begin(), weight.end());
        else
            coded.resize(coded.size() + weight.size(), 0.f);
    };
    add(kv.at("k_proj"), true);
    add(kv.at("v_proj"), false);
    if (queries)
        add(queries->at("q_proj"), true);
    columns = bias.size();
    weights = kernels::packWeights(rows.data(), columns, position.columns);
    constant.resize(position.rows * columns);
    const kernels::PackedWeights codedWeights = kernels::packWeights(coded.data(), columns, position.columns);
    kernels::linear(workers, position, codedWeights, {bias.data(), kernels::Activation::None, {}},
                    {constant.data(), position.rows, columns, columns});
}

DecoderLayer::DecoderLayer(const Keys& k, const net::NetworkConfig& c, kernels::Workers& workers,
                           ConstMatrix position)
    : self(k.at("self_attn"), position.columns), toImage(k.at("cross_attn_token_to_image"), position.columns),
      toToken(k.at("cross_attn_image_to_token"), position.columns), norm1(k.at("norm1"), 1e-5),
      norm2(k.at("norm2"), 1e-5), norm3(k.at("norm3"), 1e-5), norm4(k.at("norm4"), 1e-5),
      lin1(k.at("mlp.lin1"), position.columns),
      lin2(k.at("mlp.lin2"), static_cast<std::size_t>(c.decoder.mlpDim)), image([&] {
          const Keys queries = k.at("cross_attn_image_to_token");
          return ImageSide(k.at("cross_attn_token_to_image"), &queries, workers, position);
      }()) {}

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

FastDecoder::Parts::Parts(const net::NetworkConfig& c, const WeightSource& source, kernels::Workers& workers,
                          std::span<const float> position)
    : config(c), last(Keys(source, "mask_decoder.transformer.final_attn_token_to_image."), width()),
      lastNorm(Keys(source, "mask_decoder.transformer.norm_final_attn."), 1e-5),
      upNorm(Keys(source, "mask_decoder.output_upscaling.1."), 1e-6),
      iou(Keys(source, "mask_decoder.iou_prediction_head."), width(), c.decoder.iouHeadDepth),
      lastImage(Keys(source, "mask_decoder.transformer.final_attn_token_to_image."), nullptr, workers,
                {position.data(), pixels(), width(), width()}) {
    const Keys k(source, "mask_decoder.");
    for (const char* name : {"iou_token.weight", "mask_tokens.weight"}) {
        const auto tokens = k[name];
        ownTokens.insert(ownTokens.end(), tokens.begin(), tokens.end());
    }
    for (int i = 0; i < c.decoder.depth; ++i)
        layers.emplace_back(k.at("transformer.layers", static_cast<std::size_t>(i)), c, workers,
                            ConstMatrix{position.data(), pixels(), width(), width()});
    const Keys up = k.at("output_upscaling");
    up1 = grow(up["0.weight"], up["0.bias"], width());
    up2 = grow(up["3.weight"], up["3.bias"], width() / 4);
    for (int m = 0; m < c.decoder.maskTokens(); ++m)
        hyper.emplace_back(k.at("output_hypernetworks_mlps", static_cast<std::size_t>(m)), width(), 3);
}

void FastDecoder::Parts::release() {
    for (MapBuffer* b : {&keys, &projected, &first, &attended, &upscaled1, &upscaled2, &masks})
        b->release();
    for (MapBuffer& b : small)
        b.release();
    scratch.release();
}

} // namespace tandem::engine
