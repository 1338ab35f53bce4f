#pragma once

#include "inference/engine/layers.h"
#include "inference/network/config.h"

#include <memory>
#include <span>

namespace tandem::engine {

/// Prompts of one call, encoded (net::encodePrompts): `count` prompts of `tokens` sparse tokens each.
struct EncodedPrompts {
    std::size_t count = 0, tokens = 0;
    std::span<const float> sparse; ///< count x tokens x C
    /// C values (the same for every pixel and prompt), or count x C x g x g.
    std::span<const float> dense;
};

/// The mask decoder on the CPU: in float32 the same numbers as net::decode to rounding. What the image gives
/// to all prompts is computed once a call (kernels/two_way.h), for a prompt only what its tokens change; the
/// image as a prompt sees it and the upscaled map are never formed. With bfloat16 the products of the image
/// and of the upscaling have rounded factors; tokens and attention stay float32. Hooks: step is called after
/// each part ("image", "tokens", "to_image", "to_token", "upscale"), several times each; record sees the
/// first prompt of a call. Working memory, kept between calls: for ViT-B 5 MB and 2 MB for each prompt, of
/// which up to 16 are decoded together. Thread: one caller at a time.
class FastDecoder {
public:
    /// Throws std::out_of_range (a key that is missing), std::bad_alloc.
    /// @param numbers  bfloat16 only where kernels::hasBfloat16()
    FastDecoder(const net::NetworkConfig&, const WeightSource&,
                kernels::Numbers numbers = kernels::Numbers::Float32);
    ~FastDecoder();
    FastDecoder(FastDecoder&&) noexcept;

    /// @param embedding  C x g x g, shared by all prompts, or one for each prompt
    /// @param multimask  true: masks 1..K-1 (if there are any); false: mask 0 alone
    /// @param logits     prompts x masks x 4g x 4g
    /// @param iou        prompts x masks
    void decode(kernels::Workers&, std::span<const float> embedding, const EncodedPrompts&, bool multimask,
                std::span<float> logits, std::span<float> iou, const Hooks& = {});
    /// How many masks a prompt gets.
    std::size_t maskCount(bool multimask) const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace tandem::engine
