#include "inference/engine/adapter.h"

#include <stdexcept>

namespace tandem::engine {

using kernels::Activation;
using kernels::ConstMatrix;
using kernels::Matrix;

Fusion::Squeeze::Squeeze(const Keys& k, std::size_t inputs, double eps)
    : first(k.at("0"), inputs), second(k.at("3"), first.outputs()), norm(k.at("2"), eps) {}

void Fusion::Squeeze::run(Workspace& w, ConstMatrix x, Matrix result) const {
    const Matrix hidden = w.logits.shaped(x.rows, first.outputs());
    const kernels::RowNorm n = norm.view();
    kernels::linear(w.workers, x, first.weights, {}, hidden);
    kernels::silu(w.workers, hidden);
    kernels::linear(w.workers, hidden, second.weights, {}, result, &n);
}

Fusion::Fusion(const Keys& k, const net::NetworkConfig& c)
    : kind_(c.adapter->fusion), tokens_(static_cast<std::size_t>(c.grid() * c.grid())),
      levels_(c.adapter->levels.size()) {
    const auto dim = static_cast<std::size_t>(c.embedDim);
    const double eps = c.adapter->lnEps;
    if (kind_ == net::Fusion::Mask) {
        for (const char* side : {"fusion.fc_d", "fusion.fc_s"}) {
            gates_.emplace_back(k.at(side).at("0"), dim);
            gates_.emplace_back(k.at(side).at("2"), gates_.back().outputs());
        }
        return;
    }
    const Keys g = k.at("aggregation");
    if (kind_ == net::Fusion::Dane) {
        const auto weight = k["conv.weight"], bias = k["conv.bias"];
        for (std::size_t l = 0; l < levels_; ++l) {
            std::vector<float> part(dim * dim);
            for (std::size_t o = 0; o < dim; ++o)
                std::copy_n(&weight[(o * levels_ + l) * dim], dim, &part[o * dim]);
            merge_.emplace_back();
            merge_.back().weights = kernels::packWeights(part.data(), dim, dim, 0, k.numbers());
        }
        merge_[0].bias.assign(bias.begin(), bias.end());
        spatialNorm_ = Norm(g.at("fc_spatial.0"), eps);
        spatial_ = Linear(g.at("fc_spatial.1").inFloat32(), dim);
        squeezes_.emplace_back(g.at("fc_channel").inFloat32(), dim, eps);
    } else {
        for (std::size_t l = 0; l < levels_; ++l)
            squeezes_.emplace_back(g.at("conv_fc", l), dim, eps);
        squeezes_.emplace_back(g.at("vit_fc"), dim, eps);
    }
    if (c.adapter->fusionExpandRatio > 0) {
        ffnNorm_ = Norm(g.at("ffn_norm"), eps);
        fc1_ = Linear(g.at("ffn.fc1"), dim);
        fc2_ = Linear(g.at("ffn.fc2"), fc1_.outputs());
    }
}

void Fusion::run(Workspace& w, Matrix vit, Matrix conv) const {
    if (kind_ == net::Fusion::Mask)
        mask(w, vit, conv);
    else if (kind_ == net::Fusion::Dane)
        dane(w, vit, conv);
    else
        multiDane(w, vit, conv);
    if (ffnNorm_)
        feedForward(w, ffnNorm_->view(), fc1_, fc2_, vit);
}

void Fusion::mask(Workspace& w, Matrix vit, Matrix conv) const {
    const Matrix scores[2] = {w.qkv.shaped(tokens_, vit.columns), w.mixed.shaped(tokens_, vit.columns)};
    for (std::size_t side = 0; side < 2; ++side) {
        const Linear &in = gates_[2 * side], &out = gates_[2 * side + 1];
        const Matrix hidden = w.logits.shaped(tokens_, in.outputs());
        kernels::linear(w.workers, side ? conv : vit, in.weights, {in.biasData(), Activation::Gelu, {}},
                        hidden);
        kernels::linear(w.workers, hidden, out.weights, {out.biasData(), Activation::None, {}}, scores[side]);
    }
    kernels::gateMix(w.workers, scores[0], scores[1], vit, conv, vit);
}

void Fusion::dane(Workspace& w, Matrix vit, Matrix conv) const {
    const Matrix merged = w.qkv.shaped(tokens_, vit.columns);
    for (std::size_t l = 0; l < levels_; ++l)
        kernels::linear(w.workers, conv.slice(l * tokens_, tokens_), merge_[l].weights,
                        {merge_[l].biasData(), Activation::None, l ? ConstMatrix(merged) : ConstMatrix{}},
                        merged);
    w.record("conv_merged", merged);
    const Matrix spatial = w.offsets.shaped(tokens_, 1);
    const kernels::RowNorm norm = spatialNorm_->view();
    kernels::linear(w.workers, merged, spatial_.weights, {}, spatial, &norm);
    std::vector<float> mean(vit.columns);
    kernels::columnMeans(vit, mean.data());
    const Matrix channel{mean.data(), 1, mean.size(), mean.size()};
    squeezes_[0].run(w, channel, channel);
    kernels::gateMix(w.workers, spatial, channel, merged, vit, vit);
}

void Fusion::multiDane(Workspace& w, Matrix vit, Matrix conv) const {
    const Matrix all = w.qkv.shaped((levels_ + 1) * tokens_, vit.columns);
    std::vector<ConstMatrix> scores, features;
    for (std::size_t i = 0; i <= levels_; ++i) {
        features.push_back(i < levels_ ? conv.slice(i * tokens_, tokens_) : vit);
        const Matrix score = all.slice(i * tokens_, tokens_);
        squeezes_[i].run(w, features.back(), score);
        scores.push_back(score);
    }
    kernels::softmaxMix(w.workers, scores, features, vit);
}

} // namespace tandem::engine
