#pragma once

#include <cstddef>
#include <cstdint>

/// The softmax of attention and its gradient on rows of logits that a caller keeps in the cache, in float32
/// or as bfloat16 (bits in 16-bit words; computed in float32, rounded when stored). On the caller's thread.
namespace tandem::kernels {

/// In place: x = softmax(scale * x), row by row; scale is positive. Rows follow each other.
/// |error| < 1e-6 in float32, a part in 256 as bfloat16.
void softmaxRows(std::size_t rows, std::size_t columns, float scale, float* x);
void softmaxRows(std::size_t rows, std::size_t columns, float scale, std::uint16_t* x);

/// The gradient of softmaxRows by its input, where `weights` is its result: g = scale * w * (g - sum of w * g
/// over the row), in place of the gradient by the result.
void softmaxRowsGradient(std::size_t rows, std::size_t columns, float scale, const float* weights, float* g);
void softmaxRowsGradient(std::size_t rows, std::size_t columns, float scale, const std::uint16_t* weights,
                         std::uint16_t* g);

} // namespace tandem::kernels
