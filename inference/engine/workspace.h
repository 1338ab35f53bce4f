#pragma once

#include "inference/engine/layers.h"

namespace tandem::engine {

/// Memory of one pass through an encoder, shared by its parts and given back after the pass.
struct Workspace {
    kernels::Workers& workers;
    const Hooks& hooks;
    MapBuffer features,
        other;             ///< maps of the ViT side, then those of the convolution side, one below the other
    MapBuffer wide, wide2; ///< inside feed forwards and convolutions
    MapBuffer qkv, mixed, offsets, logits;
    kernels::FloatBuffer keys;

    void record(const std::string& name, kernels::ConstMatrix m) const {
        if (hooks.record)
            hooks.record(name, m);
    }
};

/// x = x + second(GELU(first(norm(x)))), the wide inside in w.wide.
void feedForward(Workspace& w, const kernels::RowNorm& norm, const Linear& first, const Linear& second,
                 kernels::Matrix x);

} // namespace tandem::engine
