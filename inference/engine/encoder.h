#pragma once

#include "inference/engine/layers.h"
#include "inference/network/config.h"

#include <memory>
#include <span>

namespace tandem::engine {

/// The image encoder of all four variants on the CPU, from weights packed once for this processor. In float32
/// the same numbers as net::encode to rounding; in bfloat16 the factors of products are rounded (not those of
/// the patch embedding and of squeezed vectors). Thread: one caller at a time; `workers` are used during
/// encode alone.
class FastEncoder {
public:
    /// Whether this configuration can run here; the others stay with net::encode (channel attention wider
    /// than its input).
    static bool supports(const net::NetworkConfig&);

    /// Packs the weights; as large as the image encoder. Throws std::out_of_range (a key that is missing),
    /// std::bad_alloc.
    FastEncoder(const net::NetworkConfig&, const WeightSource&, kernels::Numbers = kernels::Numbers::Float32);
    ~FastEncoder();
    FastEncoder(FastEncoder&&) noexcept;

    /// @param image      in_chans x S x S, normalised and padded
    /// @param embedding  out_chans x g x g
    /// Working memory (0.15 to 0.5 GB for ViT-B) is given back before it returns. Throws what a hook throws
    /// and std::bad_alloc.
    void encode(kernels::Workers&, std::span<const float> image, std::span<float> embedding,
                const Hooks& = {}) const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace tandem::engine
