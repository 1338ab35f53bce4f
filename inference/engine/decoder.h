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

/// The mask decoder in float32 on the CPU: the same numbers as net::decode to rounding. Projections of the
/// image are folded into the tokens (kernels/two_way.h), only the masks that are asked for are formed, and
/// the upscaled map is never stored. Hooks: step is called after each part ("image", "tokens", "to_image",
/// "to_token", "upscale"), several times each. 12 MB of
/// working memory for ViT-B are kept between calls. Thread: one caller at a time.
class FastDecoder {
public:
    /// Throws std::out_of_range (a key that is missing), std::bad_alloc.
    FastDecoder(const net::NetworkConfig&, const WeightSource&);
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
