#pragma once

#include "inference/kernels/buffer.h"
#include "inference/kernels/workers.h"

#include <cstddef>
#include <span>

namespace tandem::kernels {

/// Size of one value map in pixels.
struct MapSize {
    std::size_t height = 0, width = 0;
    std::size_t pixels() const { return height * width; }
};

/// Levels x points of one head, at most.
inline constexpr std::size_t kMostDeformableSamples = 128;

/// Multi-scale deformable attention behind its three input projections and before its output projection:
/// result[query][head] = sum over levels and points of softmax(logits) * bilinear(value map, location), where
/// location = (width * rx + dx - 1/2, height * ry + dy - 1/2) in pixels and pixels outside a map are zero.
/// @param levels      sizes of the value maps; their rows follow each other in `values`
/// @param values      rows of heads x channels
/// @param references  a row (rx, ry) for each query, 0..1 across a map (beyond is allowed)
/// @param offsets     a row heads x levels x points x (dx, dy) for each query; any finite number
/// @param logits      a row heads x levels x points for each query; levels x points at most
/// kMostDeformableSamples Accuracy: 2e-6 of the largest value, beside that of the locations (float32: 1e-5
/// pixels at 100 pixels). Source: DB-SAM.md section 7.
void deformableAttention(Workers&, std::size_t heads, std::size_t points, std::span<const MapSize> levels,
                         ConstMatrix values, ConstMatrix references, ConstMatrix offsets, ConstMatrix logits,
                         Matrix result);

/// Gradients by the inputs of deformableAttention; each as large as its input.
struct DeformableGradients {
    Matrix values; ///< added to
    Matrix offsets, logits;
};

/// @param resultGradient  by the result. The other arguments are those of deformableAttention.
/// Accuracy: 1e-5 of the largest gradient. Where a place lies on a pixel's centre the gradient is that to its
/// right and below, as PyTorch has it.
void deformableAttentionGradients(Workers&, std::size_t heads, std::size_t points,
                                  std::span<const MapSize> levels, ConstMatrix values, ConstMatrix references,
                                  ConstMatrix offsets, ConstMatrix logits, ConstMatrix resultGradient,
                                  const DeformableGradients&);

} // namespace tandem::kernels
