#pragma once

#include "inference/kernels/pixel_tiles.h"

#include <span>

/// Attention between an image and the tokens of many prompts on it. After i layers the image of a prompt is
///
///     image(i)[pixel] = scale[pixel] * X(i)[pixel] + sum over e of terms[e][pixel] * R[e]
///
/// where X(i) is common to all prompts (the norms without their division) and the terms are what this
/// prompt's tokens gave: one for each layer, token and head, and one constant for each norm. So a linear map
/// of the image is a common product, formed once for all prompts, and a product of one row for each term; the
/// image of a prompt itself is never formed.
namespace tandem::kernels {

/// The image of one prompt: terms is a map of `capacity` rows, scale one of one row (1 before the first
/// layer). The last term in use is the constant 1.
struct PromptImage {
    float* terms = nullptr;
    float* scale = nullptr;
    std::size_t used = 0, capacity = 0;
};

/// What all prompts share when tokens attend to the image.
struct PoolPass {
    const TiledImage* image = nullptr;
    /// heads * n rows for the keys of X(i). For a single prompt they may be folded into its queries: heads *
    /// tokens rows, whose products with X(i) are logits.
    const LeftPanels* keys = nullptr;
    bool folded = false;
    const LeftPanels* values = nullptr; ///< heads * n rows for the values of X(i)
    const float* position = nullptr;    ///< a map of heads * n rows: added to the keys
};

/// One prompt: queries of `tokens` tokens.
struct PoolPrompt {
    PromptImage image;
    HeadPanels queries;
    LeftPanels coefficients; ///< heads * tokens x used: what a term adds to the logit of a head and token
    FloatBuffer partials;
    Matrix values; ///< result, heads * tokens x n: mean of scale * value(X) under the softmax over pixels
    Matrix means;  ///< result, heads * tokens x used: mean of each term
};

/// Accuracy: 2e-5 of the largest value, for logits below 30. With bfloat16 rows logits are off by a part in
/// 256 of their size. The result does not depend on the threads.
void poolImage(Workers&, const PixelCut&, const PoolPass&, std::span<PoolPrompt> prompts);

/// What all prompts share when the image attends to tokens.
struct SpreadPass {
    const TiledImage* image = nullptr;
    /// heads * n rows for the queries of X(i).
    const LeftPanels* queries = nullptr;
    /// For each layer j up to this one heads * n rows: the products of Y(i) = X(i) - mean with what a unit of
    /// a value gives. Both may be folded into a single prompt's keys and values: heads * tokens rows each.
    const LeftPanels* crosses = nullptr;
    bool folded = false;
    const LeftPanels* constants = nullptr;       ///< for each of these layers a row: with its constant term
    const float* position = nullptr;             ///< a map of heads * n rows: added to the queries
    const float* squares = nullptr;              ///< a map: mean square of Y(i)
    std::size_t squaresRow = 0, squaresRows = 0; ///< of that map
    std::size_t channels = 0;
    float eps = 0; ///< of the norm
};

/// One prompt: keys and values of its tokens. Terms lie in the order constant, heads * tokens of layer 0,
/// constant, heads * tokens of layer 1, ..., constant.
struct SpreadPrompt {
    PromptImage image;
    HeadPanels keys;
    LeftPanels coefficients;            ///< heads * tokens x used, of the logits
    std::span<const HeadPanels> values; ///< for each layer up to this one
    LeftPanels gram;                    ///< products of the terms' rows with this layer's, see below
};

/// Adds this layer's terms (the softmax over the tokens of each head) and divides all by the deviation over
/// the channels: used grows by heads * tokens + 1.
/// gram[e][f] = R[e] . R[f] / channels for f = e, twice that for f > e, 0 for f < e (most of which is not
/// read), where the rows R have mean 0.
/// Accuracy: 5e-5 of the weights, for logits below 30 and a variance that is not what large terms leave of
/// each other. With bfloat16 rows logits are off by a part in 256 of their size.
void spreadTokens(Workers&, const PixelCut&, const SpreadPass&, std::span<SpreadPrompt> prompts);

} // namespace tandem::kernels
