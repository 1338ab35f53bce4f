#include "inference/engine/adapter.h"

#include <algorithm>
#include <cmath>

namespace tandem::engine {

using kernels::Activation;
using kernels::Matrix;

namespace {

constexpr std::array<std::array<std::size_t, 3>, 4> kStrides{{{2, 2, 2}, {2, 2, 1}, {2, 1, 1}, {1, 1, 1}}};

// Where an output pixel of a resized axis lies between two source pixels (half-pixel centres).
struct Tap {
    std::size_t low, high;
    float share;
};
std::vector<Tap> taps(std::size_t from, std::size_t to) {
    std::vector<Tap> out(to);
    const float scale = static_cast<float>(from) / static_cast<float>(to);
    for (std::size_t i = 0; i < to; ++i) {
        const float at = std::max(0.f, (static_cast<float>(i) + 0.5f) * scale - 0.5f);
        const std::size_t low = std::min(static_cast<std::size_t>(at), from - 1);
        out[i] = {low, std::min(low + 1, from - 1), at - static_cast<float>(low)};
    }
    return out;
}

// Planes of side x side, bilinear to rows of channels for each of target x target pixels.
void resize(kernels::Workers& workers, std::span<const float> image, std::size_t side, std::size_t target,
            Matrix out) {
    const std::vector<Tap> at = taps(side, target);
    workers.run(target, [&](std::size_t y, int) {
        for (std::size_t c = 0; c < out.columns; ++c) {
            const float* top = image.data() + (c * side + at[y].low) * side;
            const float* bottom = image.data() + (c * side + at[y].high) * side;
            for (std::size_t x = 0; x < target; ++x) {
                const Tap& t = at[x];
                const float above = top[t.low] + t.share * (top[t.high] - top[t.low]);
                const float below = bottom[t.low] + t.share * (bottom[t.high] - bottom[t.low]);
                out.row(y * target + x)[c] = above + at[y].share * (below - above);
            }
        }
    });
}

} // namespace

ConvBranch::ConvBranch(const Keys& k, const net::NetworkConfig& c, int level,
                       std::span<const float> levelEmbed)
    : side_(static_cast<std::size_t>(c.imageSize)), channels_(static_cast<std::size_t>(c.inChans)),
      level_(level) {
    std::size_t inputs = channels_;
    for (std::size_t j = 0; j < 6; ++j) {
        const Keys unit = k.at(std::to_string(j + 1)), bn = unit.at("bn");
        const std::size_t outputs = static_cast<std::size_t>(c.adapter->convWidths[j / 2]);
        const auto gain = bn["weight"], bias = bn["bias"], mean = bn["running_mean"], var = bn["running_var"];
        std::vector<float> scale(outputs);
        Unit& u = units_[j];
        u.bias.resize(outputs);
        for (std::size_t o = 0; o < outputs; ++o) {
            const double s = gain[o] / std::sqrt(static_cast<double>(var[o]) + c.adapter->bnEps);
            scale[o] = static_cast<float>(s);
            u.bias[o] = static_cast<float>(bias[o] - mean[o] * s);
        }
        u.kernel = j % 2 ? 1 : 3;
        u.stride = j % 2 ? 1 : kStrides[static_cast<std::size_t>(level - 1)][j / 2];
        u.weights = kernels::packConvolution(unit["conv.weight"].data(), outputs, inputs, u.kernel,
                                             scale.data(), k.numbers());
        inputs = outputs;
    }
    units_[6].weights = kernels::packConvolution(
        k["7.conv.weight"].data(), static_cast<std::size_t>(c.embedDim), inputs, 1, nullptr, k.numbers());
    if (!c.adapter->convLayerNorm) {
        units_[6].bias.assign(levelEmbed.begin(), levelEmbed.end());
        return;
    }
    norm_ = Norm(k.at("8"), c.adapter->ln2dEps);
    for (std::size_t i = 0; i < levelEmbed.size(); ++i)
        norm_->bias[i] += levelEmbed[i];
}

void ConvBranch::run(Workspace& w, std::span<const float> image, Matrix result) const {
    std::size_t side = side_ >> level_;
    MapBuffer *from = &w.wide, *to = &w.wide2;
    Matrix x = from->shaped(side * side, channels_);
    resize(w.workers, image, side_, side, x);
    for (std::size_t j = 0; j < units_.size(); ++j) {
        const Unit& u = units_[j];
        const kernels::Convolution shape{side, side, x.columns, u.kernel, u.stride, u.kernel / 2};
        side = shape.outHeight();
        const bool last = j + 1 == units_.size();
        const Matrix y = last ? result : to->shaped(side * side, u.weights.outputs);
        kernels::convolve(
            w.workers, shape, x, u.weights,
            {u.bias.empty() ? nullptr : u.bias.data(), last ? Activation::None : Activation::Relu, {}}, y);
        x = y;
        std::swap(from, to);
    }
    if (norm_)
        kernels::layerNorm(w.workers, result, norm_->view(), result);
}

} // namespace tandem::engine
