#pragma once

#include "inference/engine/workspace.h"
#include "inference/kernels/deformable.h"
#include "inference/network/config.h"

#include <array>
#include <optional>
#include <span>
#include <vector>

namespace tandem::engine {

/// One level of the convolution branch, BatchNorm folded into its convolutions.
class ConvBranch {
public:
    /// @param levelEmbed  added to every pixel of the result; empty: nothing
    ConvBranch(const Keys&, const net::NetworkConfig&, int level, std::span<const float> levelEmbed);
    /// @param image   in_chans planes of side x side, normalised
    /// @param result  a row of D channels for each pixel of the token grid
    void run(Workspace&, std::span<const float> image, kernels::Matrix result) const;

private:
    struct Unit {
        kernels::PackedWeights weights;
        std::vector<float> bias;
        std::size_t kernel = 1, stride = 1;
    };
    std::size_t side_, channels_;
    int level_;
    std::array<Unit, 7> units_; ///< the last without activation
    std::optional<Norm> norm_;
};

/// Channel attention block: x + pointwise(SE(depthwise(norm(x)))).
class ChannelAttention {
public:
    ChannelAttention(const Keys&, const net::NetworkConfig&);
    void run(Workspace&, kernels::Matrix x) const; ///< in place
private:
    std::size_t grid_;
    Norm norm_;
    kernels::FloatBuffer depthwise_;
    bool gelu_;
    Linear squeeze_, expand_, point_;
};

/// Deformable attention with residual, then feed forward with residual.
class CrossBlock {
public:
    /// @param levels  value maps
    CrossBlock(const Keys&, const net::NetworkConfig&, std::size_t levels);
    /// Maps of the token grid one below the other; reads both inputs before it writes the result.
    void run(Workspace&, kernels::ConstMatrix query, kernels::ConstMatrix value,
             kernels::Matrix result) const;

private:
    void feedForward(Workspace&, kernels::Matrix x) const;

    std::size_t grid_, heads_, points_, levels_;
    std::optional<Norm> queryNorm_, valueNorm_;
    Norm ffnNorm_;
    Linear value_, offsets_, logits_, output_, fc1_, fc2_;
    std::optional<kernels::FloatBuffer> depthwise_;
    std::vector<float> depthwiseBias_;
};

/// The last step of a dual encoder: ViT side and convolution side become one map.
class Fusion {
public:
    Fusion(const Keys&, const net::NetworkConfig&);
    /// @param vit   a row for each token; replaced by the fused map
    /// @param conv  the convolution maps, one below the other
    void run(Workspace&, kernels::Matrix vit, kernels::Matrix conv) const;

private:
    /// Linear, SiLU, LayerNorm, Linear; all without bias.
    struct Squeeze {
        Linear first, second;
        Norm norm;
        Squeeze(const Keys&, std::size_t inputs, double eps);
        void run(Workspace&, kernels::ConstMatrix x, kernels::Matrix result) const;
    };
    void mask(Workspace&, kernels::Matrix vit, kernels::Matrix conv) const;
    void dane(Workspace&, kernels::Matrix vit, kernels::Matrix conv) const;
    void multiDane(Workspace&, kernels::Matrix vit, kernels::Matrix conv) const;

    net::Fusion kind_;
    std::size_t tokens_, levels_;
    std::vector<Linear> gates_; ///< mask: fc_d.0, fc_d.2, fc_s.0, fc_s.2
    std::vector<Linear> merge_; ///< dane: the 1x1 convolution's share of each level
    std::optional<Norm> spatialNorm_;
    Linear spatial_;
    std::vector<Squeeze> squeezes_; ///< dane: fc_channel; multi_dane: conv_fc of the levels, then vit_fc
    std::optional<Norm> ffnNorm_;
    Linear fc1_, fc2_;
};

} // namespace tandem::engine
