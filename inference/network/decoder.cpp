#include "inference/network/layers.h"

#include <cmath>

namespace tandem::net {
namespace {

constexpr double kEps = 1e-5; // of the two-way transformer's norms

// Attention of the decoder: q, k, v projected apart, heads, scaled scores, softmax.
at::Tensor multiHead(const View& v, const at::Tensor& q, const at::Tensor& k, const at::Tensor& value,
                     int heads) {
    const auto split = [&](const char* name, const at::Tensor& x) {
        const at::Tensor y = linear(v.at(name), x);
        return y.view({y.size(0), y.size(1), heads, -1}).transpose(1, 2);
    };
    const at::Tensor qh = split("q_proj", q), kh = split("k_proj", k), vh = split("v_proj", value);
    const at::Tensor scores = at::matmul(qh, kh.transpose(2, 3)) / std::sqrt(static_cast<double>(qh.size(3)));
    const at::Tensor out = at::matmul(scores.softmax(-1), vh);
    return linear(v.at("out_proj"), out.transpose(1, 2).reshape({out.size(0), out.size(2), -1}));
}

at::Tensor reluMlp(const View& v, at::Tensor x, int layers) {
    for (int j = 0; j < layers; ++j) {
        x = linear(v.at("layers", static_cast<std::size_t>(j)), x);
        if (j + 1 < layers)
            x = at::relu(x);
    }
    return x;
}

struct TwoWay {
    at::Tensor tokens, image; // N, T, C and N, g*g, C
};

// @param token, place  the position codes: the first tokens and the grid's code
TwoWay twoWayLayer(const View& layer, TwoWay now, const at::Tensor& token, const at::Tensor& place,
                   bool first, int heads) {
    at::Tensor x = now.tokens, key = now.image;
    if (first) // the first layer has no position code and no residual
        x = multiHead(layer.at("self_attn"), x, x, x, heads);
    else
        x = x + multiHead(layer.at("self_attn"), x + token, x + token, x, heads);
    x = layerNorm(layer.at("norm1"), x, kEps);
    x = layerNorm(layer.at("norm2"),
                  x + multiHead(layer.at("cross_attn_token_to_image"), x + token, key + place, key, heads),
                  kEps);
    const at::Tensor hidden = at::relu(linear(layer.at("mlp.lin1"), x));
    x = layerNorm(layer.at("norm3"), x + linear(layer.at("mlp.lin2"), hidden), kEps);
    key = layerNorm(layer.at("norm4"),
                    key + multiHead(layer.at("cross_attn_image_to_token"), key + place, x + token, x, heads),
                    kEps);
    return {x, key};
}

TwoWay twoWay(const View& t, const DecoderConfig& d, const at::Tensor& token, const at::Tensor& image,
              const at::Tensor& place, const Recorder& record) {
    TwoWay now{token, image};
    for (int i = 0; i < d.depth; ++i) {
        now = twoWayLayer(t.at("layers", static_cast<std::size_t>(i)), now, token, place, i == 0, d.numHeads);
        note(record, "decoder.layer" + std::to_string(i) + ".tokens", now.tokens);
        note(record, "decoder.layer" + std::to_string(i) + ".image", now.image);
    }
    const at::Tensor last = multiHead(t.at("final_attn_token_to_image"), now.tokens + token,
                                      now.image + place, now.image, d.numHeads);
    now.tokens = layerNorm(t.at("norm_final_attn"), now.tokens + last, kEps);
    note(record, "decoder.tokens", now.tokens);
    return now;
}

at::Tensor upscaled(const View& u, const at::Tensor& image, const Recorder& record) {
    const auto grow = [&](const char* weight, const char* bias, const at::Tensor& x) {
        return at::conv_transpose2d(inNumbersOf(u[weight], x), u[weight], u[bias], {2, 2});
    };
    at::Tensor up = at::gelu(layerNorm2d(u.at("1"), grow("0.weight", "0.bias", image)));
    up = at::gelu(grow("3.weight", "3.bias", up));
    note(record, "decoder.upscaled", up);
    return up;
}

} // namespace

Decoded decode(const Weights& weights, const NetworkConfig& c, const at::Tensor& embedding,
               const PromptCodes& prompts, bool multimask, const Recorder& record) {
    const View v(weights, "mask_decoder.");
    const DecoderConfig& d = c.decoder;
    const std::int64_t N = prompts.sparse.size(0), g = c.grid(), masks = d.maskTokens();
    const at::Tensor own = at::cat({v["iou_token.weight"], v["mask_tokens.weight"]}, 0).unsqueeze(0);
    const at::Tensor token = at::cat({own.expand({N, -1, -1}), prompts.sparse}, 1);
    const at::Tensor source = embedding.size(0) == N ? embedding : embedding.expand({N, -1, -1, -1});
    const at::Tensor image = (source + prompts.dense).flatten(2).transpose(1, 2);
    const at::Tensor place = densePe(weights, c).flatten(2).transpose(1, 2);
    const TwoWay out = twoWay(v.at("transformer"), d, token, image, place, record);

    const at::Tensor up =
        upscaled(v.at("output_upscaling"), out.image.transpose(1, 2).reshape({N, -1, g, g}), record);
    const std::int64_t first = multimask && masks > 1 ? 1 : 0, count = multimask && masks > 1 ? masks - 1 : 1;
    std::vector<at::Tensor> hyper;
    for (std::int64_t i = record ? 0 : first; i < (record ? masks : first + count); ++i)
        hyper.push_back(reluMlp(v.at("output_hypernetworks_mlps", static_cast<std::size_t>(i)),
                                out.tokens.select(1, 1 + i), 3));
    at::Tensor hypers = at::stack(hyper, 1);
    note(record, "decoder.hyper", hypers);
    if (record)
        hypers = hypers.narrow(1, first, count);
    const at::Tensor iou = reluMlp(v.at("iou_prediction_head"), out.tokens.select(1, 0), d.iouHeadDepth);
    return {at::matmul(hypers, up.flatten(2)).view({N, count, 4 * g, 4 * g}), iou.narrow(1, first, count)};
}

at::Tensor postprocessSam(const NetworkConfig& c, const at::Tensor& lowRes,
                          std::array<std::int64_t, 2> resizedHw, std::array<std::int64_t, 2> originalHw) {
    const at::Tensor whole = resized(lowRes, c.imageSize, c.imageSize);
    return resized(whole.narrow(2, 0, resizedHw[0]).narrow(3, 0, resizedHw[1]), originalHw[0], originalHw[1]);
}

at::Tensor postprocessMedsam(const at::Tensor& lowRes, std::array<std::int64_t, 2> originalHw) {
    return resized(at::sigmoid(lowRes), originalHw[0], originalHw[1]);
}

Loss diceBce(const at::Tensor& logits, const at::Tensor& target, bool crossEntropy) {
    const at::Tensor p = at::sigmoid(logits);
    const auto sum = [](const at::Tensor& x) { return x.flatten(2).sum(2); };
    const at::Tensor dice =
        (1 - (2 * sum(p * target) + 1e-5) / (sum(p * p) + sum(target * target) + 1e-5)).mean();
    const at::Tensor bce = at::binary_cross_entropy_with_logits(logits, target, {}, {}, at::Reduction::Mean);
    return {crossEntropy ? dice + bce : dice, dice, bce};
}

} // namespace tandem::net
