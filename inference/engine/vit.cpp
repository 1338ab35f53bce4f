#include "inference/engine/vit.h"

#include <algorithm>

namespace tandem::engine {

using kernels::Activation;

std::vector<float> resampledTable(std::span<const float> table, std::size_t headDim, std::size_t rows) {
    const std::size_t length = table.size() / headDim;
    if (length == rows)
        return {table.begin(), table.end()};
    std::vector<float> out(rows * headDim);
    for (std::size_t i = 0; i < rows; ++i) {
        const double centre =
            (static_cast<double>(i) + 0.5) * static_cast<double>(length) / static_cast<double>(rows);
        const double at = std::max(0.0, centre - 0.5);
        const std::size_t low = std::min(static_cast<std::size_t>(at), length - 1),
                          high = std::min(low + 1, length - 1);
        const float share = static_cast<float>(at - static_cast<double>(low));
        for (std::size_t d = 0; d < headDim; ++d)
            out[i * headDim + d] = (1 - share) * table[low * headDim + d] + share * table[high * headDim + d];
    }
    return out;
}

VitBlock::VitBlock(const Keys& k, const net::NetworkConfig& c, bool global)
    : norm1_(k.at("norm1"), c.vitLnEps), norm2_(k.at("norm2"), c.vitLnEps) {
    const auto dim = static_cast<std::size_t>(c.embedDim), grid = static_cast<std::size_t>(c.grid());
    const Keys attention = k.at("attn");
    qkv_ = Linear(attention.at("qkv"), dim);
    proj_ = Linear(attention.at("proj"), dim);
    lin1_ = Linear(k.at("mlp.lin1"), dim);
    lin2_ = Linear(k.at("mlp.lin2"), static_cast<std::size_t>(c.mlpDim()));
    const std::size_t window = global ? 0 : static_cast<std::size_t>(c.windowSize);
    shape_ = {grid, grid, window, static_cast<std::size_t>(c.numHeads),
              static_cast<std::size_t>(c.headDim())};
    if (c.headDim() % 2 == 0)
        shape_.numbers = k.numbers();
    shape_.tiles =
        qkv_.weights.amx && proj_.weights.amx && kernels::canAttendInTiles(shape_.headDim, shape_.numbers);
    if (!c.useRelPos)
        return;
    const std::size_t side = shape_.windowHeight();
    const auto rows = resampledTable(attention["rel_pos_h"], shape_.headDim, 2 * side - 1);
    const auto columns = resampledTable(attention["rel_pos_w"], shape_.headDim, 2 * side - 1);
    relative_ = kernels::packRelative(rows.data(), columns.data(), shape_);
}

void VitBlock::attend(Workspace& w, kernels::Matrix x) const {
    const kernels::RowNorm norm1 = norm1_.view();
    const kernels::Epilogue in{qkv_.biasData(), Activation::None, {}},
        out{proj_.biasData(), Activation::None, x};
    const kernels::RelativePositions* relative = relative_ ? &*relative_ : nullptr;
    const auto pass = [&](const auto& qkv, const auto& mixed) {
        kernels::linear(w.workers, x, qkv_.weights, in, qkv, &norm1);
        kernels::selfAttention(w.workers, shape_, qkv, qkv_.biasData(), relative, mixed, w.keys);
        kernels::linear(w.workers, mixed, proj_.weights, out, x);
    };
    if (shape_.tiles)
        pass(w.qkv.halfShaped(x.rows, qkv_.outputs()), w.mixed.halfShaped(x.rows, x.columns));
    else
        pass(w.qkv.shaped(x.rows, qkv_.outputs()), w.mixed.shaped(x.rows, x.columns));
}

void VitBlock::run(Workspace& w, kernels::Matrix x) const {
    attend(w, x);
    feedForward(w, norm2_.view(), lin1_, lin2_, x);
}

} // namespace tandem::engine
