#pragma once

#include "inference/engine/workspace.h"
#include "inference/network/config.h"

#include <optional>
#include <span>

namespace tandem::engine {

/// One ViT block with its weights packed.
class VitBlock {
public:
    VitBlock(const Keys&, const net::NetworkConfig&, bool global);
    /// x = x + attention(norm1(x)); x = x + mlp(norm2(x)); a row for each token, in place.
    void run(Workspace&, kernels::Matrix x) const;

private:
    void attend(Workspace&, kernels::Matrix x) const;

    Norm norm1_, norm2_;
    Linear qkv_, proj_, lin1_, lin2_;
    kernels::AttentionShape shape_;
    std::optional<kernels::RelativePositions> relative_;
};

/// A relative table of `length` rows resampled to `rows` (1-D linear, half-pixel centres); a copy if they are
/// equal.
std::vector<float> resampledTable(std::span<const float> table, std::size_t headDim, std::size_t rows);

} // namespace tandem::engine
