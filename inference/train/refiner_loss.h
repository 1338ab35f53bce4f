#pragma once
// Private to inference/: this header shows LibTorch's tensor.

#include "inference/network/network.h"
#include "inference/train/sample.h"

#include <vector>

namespace tandem::train {

/// Trains a refiner on simulated corrections: the network's logits for the box (in a part of the samples
/// made worse, or lent the prior as in a tight box) are corrected by 1..5 clicks and short strokes on the
/// largest error of the latest answer; the mean over all answers of Dice + cross-entropy is the loss (an
/// answer after one prompt costs no more than its share of a sample's making, and is as wanted as the last).
/// @param boxLogits  B, 1, m, m of the network for the boxes alone, without gradient
/// @param prior      B, 1, m, m first mask prompts
/// @param forward    how the refiner's batch norm runs
/// Thread: any; differentiable in the refiner's weights.
at::Tensor refinerLoss(const net::Weights&, const net::NetworkConfig&, const std::vector<TrainingSample>&,
                       const at::Tensor& boxLogits, const at::Tensor& prior, const net::Forward& forward,
                       Random&);

/// A corrective prompt on an error of logits (cut at 0) against a target (cut at 0.5), in cells: a click, or
/// in a quarter of the cases a straight stroke that stays inside the error. Nothing if there is no error.
std::optional<PointPrompt> correctivePrompt(std::span<const float> logits, std::span<const float> target,
                                            int cells, Random&);

} // namespace tandem::train
