#pragma once
// Private to inference/verify/.

#include "inference/checkpoint/model.h"

#include <map>
#include <string>

namespace tandem::verify {

/// Recomputes the golden of one training step: low-res logits, losses, the gradients that are expected
/// ("grad.KEY") and the parameters after one AdamW step ("after.KEY": lr 1e-4, weight decay 0.01).
/// @param expected  tensors of step*.safetensors; tensors.safetensors beside it holds the image and the box,
/// given as
///                  "image_u8" and "box.in.boxes"
std::map<std::string, at::Tensor> recomputeStep(const checkpoint::Model&,
                                                const std::map<std::string, at::Tensor>& expected,
                                                bool batchStatistics);

} // namespace tandem::verify
