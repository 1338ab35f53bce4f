#pragma once

#include "inference/kernels/two_way.h"

namespace tandem::kernels {

/// The upscaling of a mask decoder: two transposed convolutions 2x2 with stride 2, LayerNorm over the
/// channels and GELU between them, GELU behind them. Rows are outputs (dy, dx, channel) of one pixel.
struct MaskHead {
    LeftPanels first;  ///< on X (see two_way.h); the mean over the channels of each sub-pixel taken off
    LeftPanels second; ///< its numbers are those of the prompts' terms
    RowNorm norm;      ///< of the channels between them
    const float* secondBias = nullptr;
};

/// One prompt.
struct MaskPrompt {
    PromptImage image;
    LeftPanels terms;       ///< first's outputs x used: what a term gives to them
    ConstMatrix hypers;     ///< a row for each mask, as long as the last channels
    float* masks = nullptr; ///< result: masks of 4 height x 4 width, one behind the other
};

/// masks[m][y][x] = hypers[m] . upscaled(image)[y][x], the upscaled map never stored: a tile of pixels at a
/// time goes all the way to its 16 logits for each mask.
/// Accuracy: 1e-5 of the largest logit in float32; with bfloat16 products 3e-2, most of it in single logits.
void upscaleMasks(Workers&, const PixelCut&, const MaskHead&, const TiledImage&, std::size_t width,
                  std::span<MaskPrompt> prompts);

} // namespace tandem::kernels
