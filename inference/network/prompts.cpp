#include "inference/network/layers.h"

#include <cmath>

namespace tandem::net {
namespace {

// xy in 0..1, (..., 2) -> (..., C): all sines, then all cosines.
at::Tensor fourier(const at::Tensor& gaussian, const at::Tensor& xy) {
    const at::Tensor t = 2 * M_PI * at::matmul(2 * xy - 1, gaussian);
    return at::cat({t.sin(), t.cos()}, -1);
}

at::Tensor pointCodes(const View& v, const at::Tensor& gaussian, const PromptTensors& prompts,
                      int imageSize) {
    at::Tensor at0 = prompts.points + 0.5, labels = prompts.labels;
    if (!prompts.boxes.defined()) { // without a box one padding point follows; its code is replaced below
        at0 = at::cat({at0, at::zeros({at0.size(0), 1, 2}, at0.options())}, 1);
        labels = at::cat({labels, at::full({labels.size(0), 1}, -1, labels.options())}, 1);
    }
    const at::Tensor codes = fourier(gaussian, at0 / imageSize);
    const auto chosen = [&](int label) { return labels.eq(label).unsqueeze(-1).to(codes.scalar_type()); };
    return codes * (1 - chosen(-1)) + chosen(-1) * v["not_a_point_embed.weight"] +
           chosen(0) * v["point_embeddings.0.weight"] + chosen(1) * v["point_embeddings.1.weight"];
}

at::Tensor boxCodes(const View& v, const at::Tensor& gaussian, const at::Tensor& boxes, int imageSize) {
    const at::Tensor corners = fourier(gaussian, (boxes.reshape({-1, 2, 2}) + 0.5) / imageSize);
    return corners +
           at::cat({v["point_embeddings.2.weight"], v["point_embeddings.3.weight"]}, 0).unsqueeze(0);
}

at::Tensor maskCodes(const View& v, const at::Tensor& mask) {
    const View m = v.at("mask_downscaling");
    at::Tensor d = at::gelu(layerNorm2d(m.at("1"), conv(m.at("0"), mask, 2)));
    d = at::gelu(layerNorm2d(m.at("4"), conv(m.at("3"), d, 2)));
    return conv(m.at("6"), d);
}

} // namespace

PromptCodes encodePrompts(const Weights& weights, const NetworkConfig& c, const PromptTensors& p) {
    const View v(weights, "prompt_encoder.");
    const at::Tensor gaussian = v["pe_layer.positional_encoding_gaussian_matrix"];
    const std::int64_t B = p.points.defined()  ? p.points.size(0)
                           : p.boxes.defined() ? p.boxes.size(0)
                           : p.mask.defined()  ? p.mask.size(0)
                                               : 1;
    std::vector<at::Tensor> sparse;
    if (p.points.defined())
        sparse.push_back(pointCodes(v, gaussian, p, c.imageSize));
    if (p.boxes.defined())
        sparse.push_back(boxCodes(v, gaussian, p.boxes, c.imageSize));
    PromptCodes out;
    out.sparse = sparse.empty() ? at::zeros({B, 0, c.outChans}, gaussian.options()) : at::cat(sparse, 1);
    out.dense = p.mask.defined()
                    ? maskCodes(v, p.mask)
                    : v["no_mask_embed.weight"].view({1, -1, 1, 1}).expand({B, -1, c.grid(), c.grid()});
    return out;
}

at::Tensor densePe(const Weights& weights, const NetworkConfig& c) {
    const at::Tensor gaussian =
        View(weights, "prompt_encoder.")["pe_layer.positional_encoding_gaussian_matrix"];
    const std::int64_t g = c.grid();
    const at::Tensor t = (at::arange(g, gaussian.options()) + 0.5) / g;
    const at::Tensor xy =
        at::stack({t.unsqueeze(0).expand({g, g}), t.unsqueeze(1).expand({g, g})}, -1).unsqueeze(0);
    return chw(fourier(gaussian, xy));
}

} // namespace tandem::net
