#pragma once

#include "inference/kernels/buffer.h"
#include "inference/kernels/gemm.h"
#include "inference/kernels/workers.h"

#include <cstddef>

namespace tandem::kernels {

/// The upscaling of a mask decoder: two transposed convolutions 2x2 with stride 2, LayerNorm over the
/// channels and GELU between them, GELU behind them.
struct MaskHead {
    /// outputs (dy, dx, channel) of one pixel; inputs taken in one block (packWeights with depthBlock =
    /// inputs)
    PackedWeights first, second;
    const float* firstBias = nullptr; ///< one for each output
    const float* secondBias = nullptr;
    RowNorm norm; ///< of the channels between them
};

/// masks[m][y][x] = hypers[m] . upscaled(image)[y][x], the upscaled map never stored: a few pixels at a time
/// go all the way to their 16 logits for each mask.
/// @param image   height * width rows of head.first.inputs
/// @param hypers  a row for each mask, head.second.outputs / 4 long
/// @param masks   masks of 4 height x 4 width, one behind the other
void upscaleMasks(Workers&, const MaskHead&, std::size_t width, ConstMatrix image, ConstMatrix hypers,
                  float* masks);

} // namespace tandem::kernels
