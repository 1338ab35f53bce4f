#include "inference/engine/adapter.h"

#include <cmath>

namespace tandem::engine {

using kernels::Activation;
using kernels::ConstMatrix;
using kernels::Matrix;

ChannelAttention::ChannelAttention(const Keys& k, const net::NetworkConfig& c)
    : grid_(static_cast<std::size_t>(c.grid())), norm_(k.at("pre_norm"), c.adapter->ln2dEps),
      gelu_(c.adapter->cabGelu) {
    const auto dim = static_cast<std::size_t>(c.embedDim);
    depthwise_ = kernels::packDepthwise(k["conv_dw.weight"].data(), dim);
    squeeze_ = Linear(k.at("se.fc1").inFloat32(), dim);
    expand_ = Linear(k.at("se.fc2").inFloat32(), squeeze_.outputs());
    point_ = Linear(k.at("conv_pw"), dim);
}

void ChannelAttention::run(Workspace& w, Matrix x) const {
    const Matrix normed = w.mixed.shaped(x.rows, x.columns), y = w.wide.shaped(x.rows, x.columns);
    kernels::layerNorm(w.workers, x, norm_.view(), normed);
    kernels::depthwise3x3(w.workers, grid_, grid_, normed, depthwise_.data(), nullptr,
                          gelu_ ? Activation::Gelu : Activation::None, y);
    std::vector<float> scale(x.columns), hidden(squeeze_.outputs());
    kernels::columnMeans(y, scale.data());
    const Matrix s{scale.data(), 1, scale.size(), scale.size()},
        h{hidden.data(), 1, hidden.size(), hidden.size()};
    kernels::linear(w.workers, s, squeeze_.weights, {nullptr, Activation::Gelu, {}}, h);
    kernels::linear(w.workers, h, expand_.weights, {}, s);
    for (float& v : scale)
        v = 1.f / (1.f + std::exp(-v));
    kernels::scaleColumns(w.workers, y, scale.data());
    kernels::linear(w.workers, y, point_.weights, {nullptr, Activation::None, x}, x);
}

CrossBlock::CrossBlock(const Keys& k, const net::NetworkConfig& c, std::size_t levels)
    : grid_(static_cast<std::size_t>(c.grid())), heads_(static_cast<std::size_t>(c.adapter->numHeads)),
      points_(static_cast<std::size_t>(c.adapter->nPoints)), levels_(levels),
      ffnNorm_(k.at("ffn_pre_norm"), c.adapter->lnEps) {
    const auto dim = static_cast<std::size_t>(c.embedDim);
    if (c.adapter->crossPreNorm) {
        queryNorm_ = Norm(k.at("query_norm"), c.adapter->lnEps);
        valueNorm_ = Norm(k.at("value_norm"), c.adapter->lnEps);
    }
    const Keys attention = k.at("attn");
    value_ = Linear(attention.at("value_proj"), dim);
    offsets_ = Linear(attention.at("sampling_offsets"), dim);
    logits_ = Linear(attention.at("attention_weights"), dim);
    output_ = Linear(attention.at("output_proj"), dim);
    fc1_ = Linear(k.at("mlp.fc1"), dim);
    fc2_ = Linear(k.at("mlp.fc2"), fc1_.outputs());
    if (!c.adapter->ffnMix)
        return;
    const Keys mix = k.at("mlp.dwconv.dwconv");
    depthwise_ = kernels::packDepthwise(mix["weight"].data(), fc1_.outputs());
    const auto bias = mix["bias"];
    depthwiseBias_.assign(bias.begin(), bias.end());
}

void CrossBlock::run(Workspace& w, ConstMatrix query, ConstMatrix value, Matrix result) const {
    const kernels::RowNorm queryNorm = queryNorm_ ? queryNorm_->view() : kernels::RowNorm{};
    const kernels::RowNorm valueNorm = valueNorm_ ? valueNorm_->view() : kernels::RowNorm{};
    const kernels::RowNorm *qn = queryNorm_ ? &queryNorm : nullptr, *vn = valueNorm_ ? &valueNorm : nullptr;
    const Matrix values = w.qkv.shaped(value.rows, value.columns);
    const Matrix offsets = w.offsets.shaped(query.rows, offsets_.outputs());
    const Matrix logits = w.logits.shaped(query.rows, logits_.outputs());
    kernels::linear(w.workers, value, value_.weights, {value_.biasData(), Activation::None, {}}, values, vn);
    kernels::linear(w.workers, query, offsets_.weights, {offsets_.biasData(), Activation::None, {}}, offsets,
                    qn);
    kernels::linear(w.workers, query, logits_.weights, {logits_.biasData(), Activation::None, {}}, logits,
                    qn);

    const std::size_t tokens = grid_ * grid_;
    std::vector<float> centres(2 * query.rows);
    for (std::size_t i = 0; i < query.rows; ++i) {
        centres[2 * i] = (static_cast<float>(i % grid_) + 0.5f) / static_cast<float>(grid_);
        centres[2 * i + 1] = (static_cast<float>(i % tokens / grid_) + 0.5f) / static_cast<float>(grid_);
    }
    const std::vector<kernels::MapSize> maps(levels_, kernels::MapSize{grid_, grid_});
    const Matrix sampled = w.mixed.shaped(query.rows, query.columns);
    kernels::deformableAttention(w.workers, heads_, points_, maps, values, {centres.data(), query.rows, 2, 2},
                                 offsets, logits, sampled);
    kernels::linear(w.workers, sampled, output_.weights, {output_.biasData(), Activation::None, query},
                    result);
    for (std::size_t first = 0; first < result.rows; first += tokens)
        feedForward(w, result.slice(first, tokens));
}

// One map at a time, so that its wide inside needs no more memory than a ViT block's.
void CrossBlock::feedForward(Workspace& w, Matrix x) const {
    const kernels::RowNorm norm = ffnNorm_.view();
    if (!depthwise_)
        return engine::feedForward(w, norm, fc1_, fc2_, x);
    const Matrix hidden = w.wide.shaped(x.rows, fc1_.outputs()),
                 mixed = w.wide2.shaped(x.rows, fc1_.outputs());
    kernels::linear(w.workers, x, fc1_.weights, {fc1_.biasData(), Activation::None, {}}, hidden, &norm);
    kernels::depthwise3x3(w.workers, grid_, grid_, hidden, depthwise_->data(), depthwiseBias_.data(),
                          Activation::Gelu, mixed);
    kernels::linear(w.workers, mixed, fc2_.weights, {fc2_.biasData(), Activation::None, x}, x);
}

} // namespace tandem::engine
