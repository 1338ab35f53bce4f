#include "inference/network/layers.h"

namespace tandem::net {
namespace {

class Refiner {
public:
    Refiner(const Weights& weights, const RefinerConfig& config, const Forward& forward)
        : v_(View(weights).at("refiner")), config_(config), forward_(forward) {}

    at::Tensor run(const RefinerTensors& t) const {
        const at::Tensor maps =
            at::cat({t.grey, t.box, scaled(t.start), t.prior / 4, t.in, t.out, scaled(t.latest)}, 1);
        const Maps down = goDown(maps);
        at::Tensor x = down.back();
        for (std::size_t level = down.size() - 1; level-- > 0;)
            x = unit(v_.at("up", level), at::cat({down[level], doubled(x)}, 1));
        const at::Tensor detail = at::pixel_shuffle(conv(v_.at("detail"), x), 2);
        const at::Tensor seen = at::cat({detail, maps, likeness(down, t)}, 1);
        return conv(v_.at("head"), unit(v_.at("finish"), seen), 1, 1) + v_["keep"] * t.latest;
    }

private:
    at::Tensor unit(const View& v, const at::Tensor& x) const {
        return at::relu(batchNorm(v.at("bn"), conv(v.at("conv"), x, 1, 1), config_.bnEps, forward_));
    }
    static at::Tensor scaled(const at::Tensor& logits) { return logits.clamp(-8, 8) / 4; }
    static at::Tensor doubled(const at::Tensor& x) { return resized(x, 2 * x.size(2), 2 * x.size(3)); }

    // Features at a half, a quarter ... of the grid.
    Maps goDown(const at::Tensor& maps) const {
        Maps down;
        at::Tensor x =
            at::pixel_unshuffle(maps, 2).contiguous(at::MemoryFormat::ChannelsLast); // twice as fast
        for (std::size_t level = 0; level < config_.widths.size(); ++level) {
            const View v = v_.at("down", level);
            down.push_back(unit(v.at("1"), unit(v.at("0"), level == 0 ? x : at::max_pool2d(x, 2))));
            x = down.back();
        }
        return down;
    }

    // Of every cell with what clicks point at (in, out) and what the latest mask says is in and out.
    at::Tensor likeness(const Maps& down, const RefinerTensors& t) const {
        const at::Tensor raw = conv(v_.at("likeness"), at::cat({down[0], doubled(down[1])}, 1));
        const at::Tensor wide = at::pixel_shuffle(raw, 2);
        const at::Tensor code = wide / wide.norm(2, at::IntArrayRef{1}, true).clamp_min(1e-12);
        const at::Tensor in = at::sigmoid(t.latest);
        Maps likeness;
        for (const at::Tensor& weight : {t.in, t.out, in * t.inBox, 1 - in}) {
            const at::Tensor mean = (code * weight).sum({2, 3}, true) / (weight.sum({2, 3}, true) + 1e-3);
            likeness.push_back((code * mean).sum(at::IntArrayRef{1}, true));
        }
        return at::cat(likeness, 1) * v_["likeness_gain"].view({1, -1, 1, 1});
    }

    View v_;
    const RefinerConfig& config_;
    const Forward& forward_;
};

} // namespace

at::Tensor refine(const Weights& weights, const NetworkConfig& config, const RefinerTensors& tensors,
                  const Forward& forward) {
    return Refiner(weights, config.refiner.value(), forward).run(tensors);
}

} // namespace tandem::net
