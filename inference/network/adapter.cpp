#include "inference/network/layers.h"
#include "inference/network/training_ops.h"

namespace tandem::net {
namespace {

constexpr std::int64_t stride(int level, int unit) {
    constexpr std::array<std::array<std::int64_t, 3>, 4> strides{
        {{2, 2, 2}, {2, 2, 1}, {2, 1, 1}, {1, 1, 1}}};
    return strides[static_cast<std::size_t>(level - 1)][static_cast<std::size_t>(unit)];
}

std::vector<std::array<std::int64_t, 2>> shapesOf(const Maps& maps) {
    std::vector<std::array<std::int64_t, 2>> shapes;
    for (const at::Tensor& m : maps)
        shapes.push_back({m.size(2), m.size(3)});
    return shapes;
}

// Maps as one token sequence: B, sum(H*W), C.
at::Tensor tokensOf(const Maps& maps) {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& m : maps)
        parts.push_back(m.flatten(2).transpose(1, 2));
    return parts.size() == 1 ? parts[0] : at::cat(parts, 1);
}

Maps mapsOf(const at::Tensor& tokens, const std::vector<std::array<std::int64_t, 2>>& shapes) {
    Maps maps;
    std::int64_t start = 0;
    for (const auto& [h, w] : shapes) {
        maps.push_back(tokens.narrow(1, start, h * w).transpose(1, 2).reshape({tokens.size(0), -1, h, w}));
        start += h * w;
    }
    return maps;
}

// Places need more digits than half precision has.
at::ScalarType placeType(const at::Tensor& like) {
    return like.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

// Normalised (x, y) centres of every pixel of every map: 1, sum(H*W), 2.
at::Tensor centresOf(const std::vector<std::array<std::int64_t, 2>>& shapes, const at::Tensor& like) {
    const at::TensorOptions options = like.options().dtype(placeType(like));
    std::vector<at::Tensor> parts;
    for (const auto& [h, w] : shapes) {
        const at::Tensor y = (at::arange(h, options) + 0.5) / h, x = (at::arange(w, options) + 0.5) / w;
        parts.push_back(at::stack({x.unsqueeze(0).expand({h, w}), y.unsqueeze(1).expand({h, w})}, -1)
                            .reshape({1, h * w, 2}));
    }
    return at::cat(parts, 1);
}

at::Tensor dropout(const at::Tensor& x, double probability) {
    return probability > 0 ? at::dropout(x, probability, true) : x;
}

at::Tensor feedForward(const View& v, const at::Tensor& x,
                       const std::vector<std::array<std::int64_t, 2>>& shapes, const Forward& forward) {
    at::Tensor y = linear(v.at("fc1"), x);
    if (v.find("dwconv.dwconv.weight").defined()) {
        Maps maps = mapsOf(y, shapes);
        for (at::Tensor& m : maps)
            m = conv(v.at("dwconv.dwconv"), m, 1, 1, m.size(1));
        y = tokensOf(maps);
    }
    return dropout(linear(v.at("fc2"), dropout(at::gelu(y), forward.ffnDropout)), forward.ffnDropout);
}

at::Tensor squeezeMlp(const View& v, const at::Tensor& x, double eps) {
    return linear(v.at("3"), layerNorm(v.at("2"), at::silu(linear(v.at("0"), x)), eps));
}

at::Tensor fuseMask(const View& v, const at::Tensor& vit, const at::Tensor& convSide,
                    const Forward& forward) {
    const auto side = [&](const char* name, const at::Tensor& x) {
        const View fc = v.at(name);
        return linear(fc.at("2"), at::gelu(linear(fc.at("0"), x)));
    };
    const at::Tensor m = at::sigmoid(side("fusion.fc_d", vit) + side("fusion.fc_s", convSide));
    note(forward.record, "fusion.mask", m);
    return m * vit + (1 - m) * convSide;
}

// Spatial gate from the convolution side, channel gate from the ViT side.
at::Tensor fuseDane(const View& g, double eps, const at::Tensor& vit, const at::Tensor& convSide,
                    const Forward& forward) {
    const at::Tensor spatial = linear(g.at("fc_spatial.1"), layerNorm(g.at("fc_spatial.0"), convSide, eps));
    const at::Tensor channel =
        squeezeMlp(g.at("fc_channel"), vit.mean({1, 2}), eps).unsqueeze(1).unsqueeze(1);
    const at::Tensor m = at::sigmoid(spatial + channel);
    note(forward.record, "fusion.mask", m);
    return convSide * m + vit * (1 - m);
}

at::Tensor fuseMultiDane(const View& g, double eps, const at::Tensor& vit, const Maps& convSide,
                         const Forward& forward) {
    Maps features = convSide, scores;
    features.push_back(vit);
    for (std::size_t i = 0; i < convSide.size(); ++i)
        scores.push_back(squeezeMlp(g.at("conv_fc", i), convSide[i], eps));
    scores.push_back(squeezeMlp(g.at("vit_fc"), vit, eps));
    const at::Tensor m = at::stack(scores, -1).softmax(-1);
    note(forward.record, "fusion.mask", m);
    return (at::stack(features, -1) * m).sum(-1);
}

} // namespace

at::Tensor dropPath(const at::Tensor& x, double probability) {
    if (probability <= 0)
        return x;
    std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
    shape[0] = x.size(0);
    const double keep = 1 - probability;
    return x * at::empty(shape, x.options()).bernoulli_(keep).div_(keep);
}

at::Tensor convBranch(const View& v, const AdapterConfig& a, const at::Tensor& image, int level,
                      const Forward& forward) {
    const std::string name = "conv.c" + std::to_string(level);
    at::Tensor x = resized(image, image.size(2) >> level, image.size(3) >> level)
                       .contiguous(at::MemoryFormat::ChannelsLast); // convolutions and norms are quicker then
    if (level > 1)
        note(forward.record, name + ".resized", x);
    for (int j = 0; j < 6; ++j) {
        const bool wide = j % 2 == 0;
        const View unit = v.at(std::to_string(j + 1));
        x = conv(unit.at("conv"), x, wide ? stride(level, j / 2) : 1, wide ? 1 : 0);
        x = at::relu(batchNorm(unit.at("bn"), x, a.bnEps, forward));
        if (wide)
            note(forward.record, name + ".s" + std::to_string(j / 2), x);
    }
    x = conv(v.at("7.conv"), x);
    if (a.convLayerNorm)
        x = layerNorm2d(v.at("8"), x, a.ln2dEps);
    note(forward.record, name, x);
    return x;
}

at::Tensor channelAttention(const View& v, const AdapterConfig& a, const at::Tensor& x) {
    at::Tensor y = conv(v.at("conv_dw"), layerNorm2d(v.at("pre_norm"), x, a.ln2dEps), 1, 1, x.size(1));
    if (a.cabGelu)
        y = at::gelu(y);
    const at::Tensor s = conv(v.at("se.fc2"), at::gelu(conv(v.at("se.fc1"), y.mean({2, 3}, true))));
    return conv(v.at("conv_pw"), y * at::sigmoid(s)) + x;
}

at::Tensor deformAttention(const View& v, const at::Tensor& query, const at::Tensor& reference,
                           const at::Tensor& value, const std::vector<std::array<std::int64_t, 2>>& shapes,
                           int heads, int points) {
    const std::int64_t B = query.size(0), Q = query.size(1), D = query.size(2), hd = D / heads;
    const auto levels = static_cast<std::int64_t>(shapes.size());
    const at::Tensor projected = linear(v.at("value_proj"), value);
    const at::Tensor shifts = linear(v.at("sampling_offsets"), query);
    const at::Tensor logits = linear(v.at("attention_weights"), query);
    if (differentiable(projected))
        if (const auto sampled = sampleMaps(projected, shifts, logits, reference, shapes, heads, points))
            return linear(v.at("output_proj"), *sampled);
    const at::Tensor values = projected.view({B, -1, heads, hd});
    const at::ScalarType type = placeType(query);
    const at::Tensor offsets = shifts.to(type).view({B, Q, heads, levels, points, 2});
    const at::Tensor weights = logits.view({B, Q, heads, levels * points}).softmax(-1);
    std::vector<at::Tensor> parts;
    std::int64_t start = 0;
    for (std::int64_t l = 0; l < levels; ++l) {
        const auto [h, w] = shapes[static_cast<std::size_t>(l)];
        const at::Tensor map =
            values.narrow(1, start, h * w).to(type).permute({0, 2, 3, 1}).reshape({B * heads, hd, h, w});
        at::Tensor size =
            at::full({2}, h, offsets.options()); // filled where it lies: nothing waits for the GPU
        size[0].fill_(w);
        const at::Tensor where = reference.unsqueeze(2).unsqueeze(2) + offsets.select(3, l) / size;
        const at::Tensor grid = 2 * where.transpose(1, 2).reshape({B * heads, Q, points, 2}) - 1;
        parts.push_back(
            at::grid_sampler(map, grid, 0, 0, false)); // bilinear, zero outside, half-pixel centres
        start += h * w;
    }
    const at::Tensor samples =
        parts.size() == 1 ? parts[0] : at::cat(parts, -1); // B*heads, hd, Q, levels*points
    const at::Tensor share = weights.transpose(1, 2).reshape({B * heads, 1, Q, levels * points});
    const at::Tensor sum = (samples * share).sum(-1).to(query.scalar_type());
    return linear(v.at("output_proj"), sum.view({B, D, Q}).transpose(1, 2));
}

Maps crossBlock(const View& v, const AdapterConfig& a, const Maps& query, const Maps& value,
                const Forward& forward) {
    const at::Tensor q = tokensOf(query), val = tokensOf(value);
    const auto shapes = shapesOf(query);
    const at::Tensor qn = a.crossPreNorm ? layerNorm(v.at("query_norm"), q, a.lnEps) : q;
    const at::Tensor vn = a.crossPreNorm ? layerNorm(v.at("value_norm"), val, a.lnEps) : val;
    const at::Tensor attended =
        deformAttention(v.at("attn"), qn, centresOf(shapes, q), vn, shapesOf(value), a.numHeads, a.nPoints);
    const at::Tensor x = q + dropPath(dropout(attended, forward.attentionDropout), forward.dropPath);
    const at::Tensor fed =
        feedForward(v.at("mlp"), layerNorm(v.at("ffn_pre_norm"), x, a.lnEps), shapes, forward);
    return mapsOf(x + dropPath(fed, forward.dropPath), shapes);
}

at::Tensor fuse(const View& v, const AdapterConfig& a, const at::Tensor& vit, const Maps& convHwc,
                const Forward& forward) {
    if (a.fusion == Fusion::Mask)
        return fuseMask(v, vit, convHwc[0], forward);
    const View g = v.at("aggregation");
    const at::Tensor out = a.fusion == Fusion::Dane ? fuseDane(g, a.lnEps, vit, convHwc[0], forward)
                                                    : fuseMultiDane(g, a.lnEps, vit, convHwc, forward);
    if (a.fusionExpandRatio <= 0)
        return out;
    const at::Tensor hidden = at::gelu(linear(g.at("ffn.fc1"), layerNorm(g.at("ffn_norm"), out, a.lnEps)));
    return out + dropPath(linear(g.at("ffn.fc2"), hidden), forward.dropPath);
}

} // namespace tandem::net
