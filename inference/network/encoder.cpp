#include "inference/network/layers.h"

namespace tandem::net {
namespace {

// One pass through the image encoder; holds what its parts share.
class Encoder {
public:
    Encoder(const Weights& weights, const NetworkConfig& config, const Forward& forward)
        : v_(weights, "image_encoder."), a_(v_.at("adapter")), c_(config), f_(forward) {
        parts_ = 2 + c_.depth; // patches and neck
        if (c_.adapter)
            parts_ += 2 + 2 * static_cast<int>(c_.adapter->interactionIndexes.size());
    }

    at::Tensor patches(const at::Tensor& image) {
        const View proj = v_.at("patch_embed.proj");
        at::Tensor x = differentiable(proj["weight"])
                           ? patchProducts(proj, image) // the gradient of such a convolution is slow
                           : hwc(conv(proj, image, c_.patchSize)).contiguous();
        note(f_.record, "patch_embed", x);
        if (c_.useAbsPos)
            x = x + v_["pos_embed"];
        step("patch_embed");
        return x;
    }

    at::Tensor stem(const at::Tensor& image) {
        at::Tensor x = patches(image);
        for (int i = 0; i < stemBlocks(c_); ++i)
            x = block(i, x);
        return x;
    }

    at::Tensor run(const at::Tensor& image) {
        at::Tensor x = f_.stem.defined() ? f_.stem : patches(image);
        x = c_.adapter ? dual(image, x) : blocks(x, 0, c_.depth - 1);
        const at::Tensor y = neck(chw(x));
        note(f_.record, "neck", y);
        step("neck");
        return y;
    }

private:
    // The patches as rows times the weight: B, H, W, D.
    at::Tensor patchProducts(const View& proj, const at::Tensor& image) const {
        const std::int64_t p = c_.patchSize, g = image.size(2) / p, C = image.size(1);
        const at::Tensor& weight = proj["weight"];
        const at::Tensor rows =
            image.reshape({-1, C, g, p, g, p}).permute({0, 2, 4, 1, 3, 5}).reshape({-1, C * p * p});
        return at::linear(rows, weight.reshape({weight.size(0), -1}), proj.find("bias"))
            .view({-1, g, g, weight.size(0)});
    }

    void step(const std::string& part) {
        if (f_.step)
            f_.step(part, std::min(1.0, static_cast<double>(++done_) / parts_));
    }

    at::Tensor block(int i, const at::Tensor& x) {
        const View v = v_.at("blocks", static_cast<std::size_t>(i));
        const int window = c_.isGlobalBlock(i) ? 0 : c_.windowSize;
        const at::Tensor y =
            f_.recomputeBlocks ? recomputedVitBlock(v, x, c_, window, f_) : vitBlock(v, x, c_, window, f_);
        note(f_.record, "block." + std::to_string(i), y);
        step("block." + std::to_string(i));
        return y;
    }

    at::Tensor blocks(at::Tensor x, int first, int last) {
        const int done = f_.stem.defined() ? stemBlocks(c_) : 0;
        for (int i = first; i <= last; ++i) {
            if (i >= done)
                x = block(i, x);
            if (c_.adapter && c_.adapter->cabPosition == CabPosition::Block)
                x = cab(static_cast<std::size_t>(i), x);
        }
        return x;
    }

    at::Tensor cab(std::size_t i, const at::Tensor& x) {
        const at::Tensor y = hwc(channelAttention(a_.at("vit_conv_blocks", i), *c_.adapter, chw(x)));
        note(f_.record, "cab." + std::to_string(i), y);
        step("cab." + std::to_string(i));
        return y;
    }

    Maps convMaps(const at::Tensor& image) {
        Maps maps;
        const at::Tensor levelEmbed = a_.find("level_embed");
        for (const int level : c_.adapter->levels) {
            const View branch = a_.at("spatial_prior_module.lcb" + std::to_string(level));
            at::Tensor m = convBranch(branch, *c_.adapter, image, level, f_);
            if (levelEmbed.defined())
                m = m + levelEmbed[static_cast<std::int64_t>(maps.size())].view({1, -1, 1, 1});
            maps.push_back(m);
        }
        step("conv_branch");
        return maps;
    }

    // Both directions read the old maps.
    at::Tensor crossBothWays(std::size_t stage, const at::Tensor& x, Maps& maps) {
        const Maps old{chw(x)};
        const Maps now = crossBlock(a_.at("vit_cross_attn_blocks", stage), *c_.adapter, old, maps, f_);
        maps = crossBlock(a_.at("conv_cross_attn_blocks", stage), *c_.adapter, maps, old, f_);
        const at::Tensor y = hwc(now[0]);
        note(f_.record, "vit_cross." + std::to_string(stage), y);
        for (std::size_t j = 0; j < maps.size(); ++j)
            note(f_.record, "conv_cross." + std::to_string(stage) + "." + std::to_string(j), maps[j]);
        return y;
    }

    at::Tensor crossJointly(std::size_t stage, const at::Tensor& x, Maps& maps) {
        Maps pyramid{chw(x)};
        pyramid.insert(pyramid.end(), maps.begin(), maps.end());
        for (const char* name : {"self_attn_blocks", "self_attn_blocks1"}) {
            pyramid = crossBlock(a_.at(name, stage), *c_.adapter, pyramid, pyramid, f_);
            for (std::size_t j = 0; j < pyramid.size(); ++j)
                note(f_.record, std::string(name) + "." + std::to_string(stage) + "." + std::to_string(j),
                     pyramid[j]);
        }
        maps.assign(pyramid.begin() + 1, pyramid.end());
        return hwc(pyramid[0]);
    }

    at::Tensor dual(const at::Tensor& image, at::Tensor x) {
        const AdapterConfig& a = *c_.adapter;
        Maps maps = convMaps(image);
        const bool perStage = a.cabPosition == CabPosition::Stage;
        for (std::size_t s = 0; s < a.interactionIndexes.size(); ++s) {
            x = blocks(x, a.interactionIndexes[s][0], a.interactionIndexes[s][1]);
            if (perStage && a.cabBefore)
                x = cab(s, x);
            x = c_.variant == Variant::FourBranch ? crossJointly(s, x, maps) : crossBothWays(s, x, maps);
            step("cross." + std::to_string(s));
            if (perStage && !a.cabBefore)
                x = cab(s, x);
        }
        return fused(x, maps);
    }

    at::Tensor fused(at::Tensor x, Maps maps) {
        if (c_.variant == Variant::TwoBranch) {
            maps = {conv(a_.at("conv"), at::cat(maps, 1))};
            note(f_.record, "conv_merged", hwc(maps[0]));
        }
        for (at::Tensor& m : maps)
            m = hwc(m);
        x = fuse(a_, *c_.adapter, x, maps, f_);
        note(f_.record, "fused", x);
        if (c_.adapter->preNeckNorm) {
            x = layerNorm(a_.at("norm"), x, c_.adapter->lnEps);
            note(f_.record, "fused_norm", x);
        }
        step("fusion");
        return x;
    }

    at::Tensor neck(const at::Tensor& x) {
        const View n = v_.at("neck");
        const at::Tensor y = layerNorm2d(n.at("1"), conv(n.at("0"), x));
        return layerNorm2d(n.at("3"), conv(n.at("2"), y, 1, 1));
    }

    View v_, a_;
    const NetworkConfig& c_;
    const Forward& f_;
    int parts_ = 1, done_ = 0;
};

} // namespace

int stemBlocks(const NetworkConfig& config) {
    if (!config.adapter)
        return config.depth;
    return config.adapter->cabPosition == CabPosition::Block ? 1
                                                             : config.adapter->interactionIndexes[0][1] + 1;
}

at::Tensor encodeStem(const Weights& weights, const NetworkConfig& config, const at::Tensor& image) {
    const Forward forward;
    return Encoder(weights, config, forward).stem(image);
}

at::Tensor encode(const Weights& weights, const NetworkConfig& config, const at::Tensor& image,
                  const Forward& forward) {
    return Encoder(weights, config, forward).run(image);
}

} // namespace tandem::net
