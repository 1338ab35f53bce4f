#pragma once

namespace tandem {

/// What the products of the network compute with on the CPU (of the decoder those with the image). Sums are
/// float32 in both.
enum class Arithmetic {
    Automatic, ///< bfloat16 for networks as wide as ViT-B where the processor has instructions for it
    Float32,
    Bfloat16 ///< float32 where the processor has no instructions for it
};

} // namespace tandem
