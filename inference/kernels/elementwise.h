#pragma once

#include "inference/kernels/buffer.h"
#include "inference/kernels/gemm.h"
#include "inference/kernels/workers.h"

#include <cstddef>
#include <span>

/// Passes over maps whose channels lie side by side (a row for each pixel). Columns may be any number; rows
/// need no alignment. Outputs may be inputs unless said. Accuracy: a few units in the last place unless said.
namespace tandem::kernels {

/// Depth-wise 3x3 convolution, zero padded, then the activation.
/// @param weights  9 rows (taps, row-major) of in.columns; see packDepthwise
/// @param bias     one for each channel, or null
/// @param out      not `in`
void depthwise3x3(Workers&, std::size_t height, std::size_t width, ConstMatrix in, const float* weights,
                  const float* bias, Activation, Matrix out);
/// Weights (channels, 1, 3, 3) of a state dict as depthwise3x3 wants them.
FloatBuffer packDepthwise(const float* weight, std::size_t channels);

/// A row of C floats for each pixel to C planes, as LibTorch lays images out.
void rowsToPlanes(Workers&, ConstMatrix rows, float* planes);

/// x Phi(x), in place; |error| < 3e-7 max(1, |x|).
void gelu(Workers&, Matrix);
/// x / (1 + e^-x), in place; |error| < 4e-7 max(1, |x|).
void silu(Workers&, Matrix);

/// The mean of every column, summed in double precision.
void columnMeans(ConstMatrix, float* means);
/// Multiplies column c by scale[c], in place.
void scaleColumns(Workers&, Matrix, const float* scale);

/// m = sigmoid(a + b); out = m * first + (1 - m) * second, element by element; |error| < 1e-6 of the larger
/// input.
/// @param a  a matrix, or one column (the same for the whole row)
/// @param b  a matrix, or one row (the same for every row)
void gateMix(Workers&, ConstMatrix a, ConstMatrix b, ConstMatrix first, ConstMatrix second, Matrix out);

/// out = sum over i of softmax_i(scores) * features[i], element by element.
void softmaxMix(Workers&, std::span<const ConstMatrix> scores, std::span<const ConstMatrix> features,
                Matrix out);

} // namespace tandem::kernels
