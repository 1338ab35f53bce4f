#include "inference/engine/decoder_parts.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace tandem::engine {

using kernels::ConstMatrix;

namespace {

std::vector<float> copyOf(std::span<const float> v) {
    return {v.begin(), v.end()};
}

std::vector<float> scaled(std::span<const float> v, float factor) {
    std::vector<float> out(v.begin(), v.end());
    for (float& x : out)
        x *= factor;
    return out;
}

void append(std::vector<float>& to, const std::vector<float>& more) {
    to.insert(to.end(), more.begin(), more.end());
}

ConstMatrix matrixOf(const std::vector<float>& v, std::size_t columns) {
    return {v.data(), v.size() / columns, columns, columns};
}

kernels::PackedWeights packed(const std::vector<float>& rows, std::size_t columns) {
    return kernels::packWeights(rows.data(), rows.size() / columns, columns);
}

void removeMeans(std::vector<float>& rows, std::size_t columns) {
    for (std::size_t i = 0; i < rows.size(); i += columns)
        removeMean({&rows[i], columns});
}

void scaleColumns(std::vector<float>& rows, const std::vector<float>& scale) {
    for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] *= scale[i % scale.size()];
}

// A transposed convolution 2x2 with stride 2 as a product: weight (in, out, 2, 2) to rows (dy, dx, out).
std::vector<float> grow(std::span<const float> weight, std::size_t outputs, std::size_t inputs) {
    std::vector<float> rows(4 * outputs * inputs);
    for (std::size_t t = 0; t < 4; ++t)
        for (std::size_t o = 0; o < outputs; ++o)
            for (std::size_t i = 0; i < inputs; ++i)
                rows[(t * outputs + o) * inputs + i] = weight[(i * outputs + o) * 4 + t];
    return rows;
}

std::vector<float> fourTimes(std::span<const float> bias) {
    std::vector<float> out;
    for (int t = 0; t < 4; ++t)
        out.insert(out.end(), bias.begin(), bias.end());
    return out;
}

// Takes the mean of each group of `group` rows off them, column by column.
void centreGroups(std::vector<float>& rows, std::size_t columns, std::size_t group) {
    for (std::size_t first = 0; first < rows.size(); first += group * columns)
        for (std::size_t c = 0; c < columns; ++c) {
            double mean = 0;
            for (std::size_t r = 0; r < group; ++r)
                mean += rows[first + r * columns + c] / static_cast<double>(group);
            for (std::size_t r = 0; r < group; ++r)
                rows[first + r * columns + c] -= static_cast<float>(mean);
        }
}

} // namespace

void removeMean(std::span<float> row) {
    const double mean = std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size());
    for (float& x : row)
        x -= static_cast<float>(mean);
}

std::vector<float> gridPositionCode(std::span<const float> gaussian, std::size_t grid) {
    const std::size_t half = gaussian.size() / 2, pixels = grid * grid;
    std::vector<float> code(pixels * 2 * half);
    for (std::size_t p = 0; p < pixels; ++p) {
        const double u = 2 * (static_cast<double>(p % grid) + 0.5) / static_cast<double>(grid) - 1;
        const double v = 2 * (static_cast<double>(p / grid) + 0.5) / static_cast<double>(grid) - 1;
        for (std::size_t i = 0; i < half; ++i) {
            const double t = 2 * std::numbers::pi * (u * gaussian[i] + v * gaussian[half + i]);
            code[i * pixels + p] = static_cast<float>(std::sin(t));
            code[(half + i) * pixels + p] = static_cast<float>(std::cos(t));
        }
    }
    return code;
}

ImageSide::ImageSide(const Keys& decoder, std::span<const float> gaussian, const net::NetworkConfig& c)
    : width(static_cast<std::size_t>(c.outChans)), heads(static_cast<std::size_t>(c.decoder.numHeads)),
      grid(static_cast<std::size_t>(c.grid())), numbers(decoder.numbers()) {
    cut = kernels::cutPixels(grid * grid);
    kernels::Workers alone(1);
    kernels::tileImage(alone, cut, gridPositionCode(gaussian, grid).data(), {}, width, numbers, position);
    for (int i = 0; i < c.decoder.depth; ++i) {
        const Keys layer = decoder.at("transformer.layers", static_cast<std::size_t>(i));
        gains.push_back(copyOf(layer["norm4.weight"]));
        biases.push_back(copyOf(layer["norm4.bias"]));
        outBiases.push_back(copyOf(layer["cross_attn_image_to_token.out_proj.bias"]));
        outWeights.push_back(copyOf(layer["cross_attn_image_to_token.out_proj.weight"]));
    }
}

float ImageSide::headScale(std::size_t inner) const {
    return 1.f / std::sqrt(static_cast<float>(inner / heads));
}

std::vector<float> ImageSide::onImage(std::vector<float> rows, std::size_t layer) const {
    while (layer-- > 0) {
        scaleColumns(rows, gains[layer]);
        removeMeans(rows, width);
    }
    return rows;
}

// What layer j adds, as it reaches Y(layer), turned into rows on the image.
std::vector<float> ImageSide::carried(std::vector<float> added, std::size_t j, std::size_t layer) const {
    for (; j < layer; ++j) {
        removeMeans(added, width);
        scaleColumns(added, gains[j]);
    }
    removeMeans(added, width);
    return onImage(std::move(added), layer);
}

std::vector<float> ImageSide::crosses(std::size_t j, std::size_t layer) const {
    const std::size_t inner = outWeights[j].size() / width;
    std::vector<float> rows(outWeights[j].size());
    for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] = outWeights[j][i % width * inner + i / width];
    return carried(std::move(rows), j, layer);
}

std::vector<float> ImageSide::constant(std::size_t j, std::size_t layer) const {
    std::vector<float> row = outBiases[j];
    for (std::size_t c = 0; c < width && j > 0; ++c)
        row[c] += biases[j - 1][c];
    return carried(std::move(row), j, layer);
}

kernels::LeftPanels ImageSide::left(const std::vector<float>& rows) const {
    kernels::LeftPanels panels;
    kernels::packLeft(matrixOf(rows, width), panels, numbers);
    return panels;
}

TurnedHeads ImageSide::turned(const std::vector<float>& rows) const {
    const std::size_t n = rows.size() / width / heads;
    std::vector<float> head(width * n);
    TurnedHeads out;
    for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t i = 0; i < head.size(); ++i)
            head[i] = rows[(h * n + i % n) * width + i / n];
        out.push_back(packed(head, n));
    }
    return out;
}

kernels::FloatBuffer ImageSide::onPosition(const std::vector<float>& rows) const {
    const kernels::LeftPanels panels = left(rows);
    kernels::FloatBuffer map(cut.floats(panels.rows));
    kernels::Workers alone(1);
    kernels::projectImage(alone, cut, position, panels, map.data());
    return map;
}

SelfAttention::SelfAttention(const Keys& keys, std::size_t width)
    : q(keys.at("q_proj"), width), k(keys.at("k_proj"), width), v(keys.at("v_proj"), width),
      out(keys.at("out_proj"), q.outputs()) {}

ImageAttention::ImageAttention(const Keys& k, const ImageSide& side, std::size_t layer)
    : q(k.at("q_proj"), side.width), out(k.at("out_proj"), q.outputs()), valueBias(copyOf(k["v_proj.bias"])) {
    const auto keyRows = scaled(k["k_proj.weight"], side.headScale(q.outputs()));
    const auto valueRows = copyOf(k["v_proj.weight"]);
    keys = packed(keyRows, side.width);
    values = packed(valueRows, side.width);
    const auto onImage = side.onImage(keyRows, layer);
    imageKeys = side.left(onImage);
    turnedKeys = side.turned(onImage);
    imageValues = side.left(side.onImage(valueRows, layer));
    position = side.onPosition(keyRows);
}

TokenAttention::TokenAttention(const Keys& keys, const ImageSide& side, std::size_t layer)
    : k(keys.at("k_proj"), side.width), v(keys.at("v_proj"), side.width) {
    const auto queryRows = scaled(keys["q_proj.weight"], side.headScale(k.outputs()));
    queryBias = scaled(keys["q_proj.bias"], side.headScale(k.outputs()));
    queries = packed(queryRows, side.width);
    const auto weight = copyOf(keys["out_proj.weight"]); // width x inner
    std::vector<float> valueRows(weight.size());
    for (std::size_t i = 0; i < weight.size(); ++i)
        valueRows[i] = weight[i % side.width * k.outputs() + i / side.width];
    out = side.turned(valueRows);
    const auto onImage = side.onImage(queryRows, layer);
    imageQueries = side.left(onImage);
    turnedQueries = side.turned(onImage);
    std::vector<float> crossRows, constantRows;
    for (std::size_t j = 0; j <= layer; ++j) {
        turnedCrosses.push_back(side.turned(side.crosses(j, layer)));
        append(crossRows, side.crosses(j, layer));
        append(constantRows, side.constant(j, layer));
    }
    crosses = side.left(crossRows);
    constants = side.left(constantRows);
    position = side.onPosition(queryRows);
}

DecoderLayer::DecoderLayer(const Keys& k, const ImageSide& side, const net::NetworkConfig& c,
                           std::size_t layer)
    : self(k.at("self_attn"), side.width), toImage(k.at("cross_attn_token_to_image"), side, layer),
      toToken(k.at("cross_attn_image_to_token"), side, layer), norm1(k.at("norm1"), 1e-5),
      norm2(k.at("norm2"), 1e-5), norm3(k.at("norm3"), 1e-5), lin1(k.at("mlp.lin1"), side.width),
      lin2(k.at("mlp.lin2"), static_cast<std::size_t>(c.decoder.mlpDim)) {}

Upscaling::Upscaling(const Keys& k, const ImageSide& side)
    : firstBias(fourTimes(k["0.bias"])), norm_(k.at("1"), 1e-6), secondBias_(fourTimes(k["3.bias"])) {
    const std::size_t between = side.width / 4, channels = side.width / 8;
    std::vector<float> rows = grow(k["0.weight"], between, side.width);
    centreGroups(rows, side.width, between);
    centreGroups(firstBias, 1, between);
    terms = packed(rows, side.width);
    rows = side.onImage(std::move(rows), side.gains.size());
    head.first = side.left(rows);
    rows = grow(k["3.weight"], channels, between);
    kernels::packLeft(matrixOf(rows, between), head.second, side.numbers);
    head.norm = norm_.view();
    head.secondBias = secondBias_.data();
}

ReluMlp::ReluMlp(const Keys& k, std::size_t inputs, int count) {
    for (int j = 0; j < count; ++j) {
        layers.emplace_back(k.at("layers", static_cast<std::size_t>(j)), inputs);
        inputs = layers.back().outputs();
    }
}

std::vector<float> ReluMlp::run(kernels::Workers& workers, ConstMatrix in) const {
    std::vector<float> x, y;
    for (std::size_t j = 0; j < layers.size(); ++j) {
        const Linear& l = layers[j];
        y.resize(in.rows * l.outputs());
        const auto activation = j + 1 < layers.size() ? kernels::Activation::Relu : kernels::Activation::None;
        kernels::linear(workers, in, l.weights, {l.biasData(), activation, {}},
                        {y.data(), in.rows, l.outputs(), l.outputs()});
        x.swap(y);
        in = {x.data(), in.rows, l.outputs(), l.outputs()};
    }
    return x;
}

FastDecoder::Parts::Parts(const net::NetworkConfig& c, const WeightSource& source, kernels::Numbers numbers)
    : config(c), side(Keys(source, "mask_decoder.", numbers),
                      Keys(source, "prompt_encoder.pe_layer.")["positional_encoding_gaussian_matrix"], c),
      last(Keys(source, "mask_decoder.transformer.final_attn_token_to_image."), side, side.gains.size()),
      lastNorm(Keys(source, "mask_decoder.transformer.norm_final_attn."), 1e-5),
      up(Keys(source, "mask_decoder.output_upscaling."), side),
      iou(Keys(source, "mask_decoder.iou_prediction_head."), width(), c.decoder.iouHeadDepth) {
    const Keys k(source, "mask_decoder.");
    for (const char* name : {"iou_token.weight", "mask_tokens.weight"})
        append(ownTokens, copyOf(k[name]));
    for (std::size_t i = 0; i < side.gains.size(); ++i)
        layers.emplace_back(k.at("transformer.layers", i), side, c, i);
    for (int m = 0; m < c.decoder.maskTokens(); ++m)
        hyper.emplace_back(k.at("output_hypernetworks_mlps", static_cast<std::size_t>(m)), width(), 3);
    side.position = {}; // its products are taken
}

} // namespace tandem::engine
