#pragma once
// Private to inference/network/: operators with gradients of their own, for training on the CPU. They save
// the large maps that LibTorch's operators write and read again.

#include <ATen/ATen.h>

#include <array>
#include <optional>
#include <vector>

namespace tandem::net {

/// softmax(scale q k^T) value without relative positions; all n, tokens, features, of one type. The scores of
/// a few of the n at a time pass through the cache; for gradients they are formed again. Nothing if this
/// build or these tensors (float32 or bfloat16 on the CPU) cannot have it.
std::optional<at::Tensor> attendInCache(const at::Tensor& q, const at::Tensor& k, const at::Tensor& value,
                                        double scale);

/// What deformAttention does between its projections.
/// @param values   B, pixels of all maps, heads x channels
/// @param offsets  B, Q, heads x levels x points x (dx, dy) in pixels
/// @param logits   B, Q, heads x levels x points
/// @param reference  1, Q, 2 as x, y in 0..1
/// @return B, Q, heads x channels in float32. Nothing if this build or these tensors (on the CPU, not double)
/// cannot have it.
std::optional<at::Tensor> sampleMaps(const at::Tensor& values, const at::Tensor& offsets,
                                     const at::Tensor& logits, const at::Tensor& reference,
                                     const std::vector<std::array<std::int64_t, 2>>& shapes, int heads,
                                     int points);

} // namespace tandem::net
