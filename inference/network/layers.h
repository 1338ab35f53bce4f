#pragma once
// Private to inference/network/: the elementary layers, as functions of tensors and a sub-tree of the
// weights.

#include "inference/network/network.h"

#include <initializer_list>
#include <stdexcept>
#include <utility>
#include <vector>

namespace tandem::net {

/// A sub-tree of a state dict, addressed by prefix.
class View {
public:
    explicit View(const Weights& weights, std::string prefix = {})
        : weights_(&weights), prefix_(std::move(prefix)) {}

    const at::Tensor& operator[](std::string_view key) const {
        const auto found = weights_->find(prefix_ + std::string(key));
        if (found == weights_->end())
            throw std::out_of_range("The weight '" + prefix_ + std::string(key) + "' is missing.");
        return found->second;
    }
    /// The tensor, or an undefined one.
    at::Tensor find(std::string_view key) const {
        const auto found = weights_->find(prefix_ + std::string(key));
        return found == weights_->end() ? at::Tensor() : found->second;
    }
    /// The weights of this sub-tree that ask for gradients.
    std::vector<at::Tensor> trained() const {
        std::vector<at::Tensor> found;
        for (const auto& [key, weight] : *weights_)
            if (key.starts_with(prefix_) && weight.requires_grad())
                found.push_back(weight);
        return found;
    }
    View at(std::string_view module) const { return View(*weights_, prefix_ + std::string(module) + "."); }
    View at(std::string_view module, std::size_t index) const {
        return at(std::string(module) + "." + std::to_string(index));
    }

private:
    const Weights* weights_;
    std::string prefix_;
};

/// As a matrix of rows, whose bias is added while it is formed.
inline at::Tensor linear(const View& v, const at::Tensor& x) {
    if (x.dim() == 2)
        return at::linear(x, v["weight"], v.find("bias"));
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = v["weight"].size(0);
    return at::linear(x.reshape({-1, x.size(-1)}), v["weight"], v.find("bias")).view(shape);
}

inline at::Tensor conv(const View& v, const at::Tensor& x, std::int64_t stride = 1, std::int64_t padding = 0,
                       std::int64_t groups = 1) {
    return at::conv2d(x, v["weight"], v.find("bias"), {stride, stride}, {padding, padding}, {1, 1}, groups);
}

/// x in the weight's numbers: behind a product of bfloat16 factors a norm has more digits.
inline at::Tensor inNumbersOf(const at::Tensor& weight, const at::Tensor& x) {
    return x.to(weight.scalar_type());
}

inline at::Tensor layerNorm(const View& v, const at::Tensor& x, double eps) {
    return at::layer_norm(inNumbersOf(v["weight"], x), {x.size(-1)}, v["weight"], v["bias"], eps);
}

/// LayerNorm over the channels of each pixel; x: B, C, H, W.
inline at::Tensor layerNorm2d(const View& v, const at::Tensor& x, double eps = 1e-6) {
    return layerNorm(v, x.permute({0, 2, 3, 1}), eps).permute({0, 3, 1, 2});
}

/// x: B, C, H, W.
inline at::Tensor batchNorm(const View& v, const at::Tensor& x, double eps, const Forward& forward) {
    const bool cudnn = true;
    if (forward.batchNorm == BatchNorm::Running)
        return at::batch_norm(x, v["weight"], v["bias"], v["running_mean"], v["running_var"], false, 0, eps,
                              cudnn);
    if (forward.batchNorm == BatchNorm::Batch)
        return at::batch_norm(x, v["weight"], v["bias"], {}, {}, true, 0, eps, cudnn);
    return at::batch_norm(x, v["weight"], v["bias"], v["running_mean"], v["running_var"], true,
                          forward.batchNormMomentum, eps, cudnn);
}

inline at::Tensor chw(const at::Tensor& x) {
    return x.permute({0, 3, 1, 2});
}
inline at::Tensor hwc(const at::Tensor& x) {
    return x.permute({0, 2, 3, 1});
}

/// Bilinear, half-pixel centres, no antialiasing.
inline at::Tensor resized(const at::Tensor& x, std::int64_t height, std::int64_t width) {
    return at::upsample_bilinear2d(x, {height, width}, false);
}

inline void note(const Recorder& record, const std::string& name, const at::Tensor& x) {
    if (record)
        record(name, x);
}

/// Whether a gradient may be asked for through x.
inline bool differentiable(const at::Tensor& x) {
    return at::GradMode::is_enabled() && x.requires_grad();
}

/// One ViT block on B, H, W, D. @param window  0: all tokens attend to all
at::Tensor vitBlock(const View&, const at::Tensor& x, const NetworkConfig&, int window, const Forward&);

/// The same block, computed again when its gradient is asked for instead of being remembered. Gradients reach
/// x and every weight under the view; the weights must live until then.
at::Tensor recomputedVitBlock(const View&, const at::Tensor& x, const NetworkConfig&, int window,
                              const Forward&);

/// One level of the convolution branch on the network's input: B, D, S/16, S/16.
at::Tensor convBranch(const View&, const AdapterConfig&, const at::Tensor& image, int level, const Forward&);

/// Channel attention block on B, C, H, W.
at::Tensor channelAttention(const View&, const AdapterConfig&, const at::Tensor& x);

using Maps = std::vector<at::Tensor>; ///< each B, C, H, W

/// Deformable attention, residual, norm, feed forward, residual.
Maps crossBlock(const View&, const AdapterConfig&, const Maps& query, const Maps& value, const Forward&);

/// Deformable attention alone. @param reference  1, Q, 2 as x, y in 0..1  @param shapes  height, width per
/// level
at::Tensor deformAttention(const View&, const at::Tensor& query, const at::Tensor& reference,
                           const at::Tensor& value, const std::vector<std::array<std::int64_t, 2>>& shapes,
                           int heads, int points);

/// Fuses the ViT side (B, H, W, C) with the convolution side (one map, or all of multi_dane's).
at::Tensor fuse(const View&, const AdapterConfig&, const at::Tensor& vit, const Maps& convHwc,
                const Forward&);

/// Zeroes whole samples in training and scales the rest up.
at::Tensor dropPath(const at::Tensor& x, double probability);

} // namespace tandem::net
