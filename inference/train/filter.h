#pragma once

#include "core/image/volume.h"
#include "inference/train/random.h"

namespace tandem {

/// Random fields and noise of the synthetic data, on one-component slices.

/// Smooth random field of about zero mean and unit deviation: noise on a coarse grid of cells of `scale` px,
/// bilinear.
SliceImage smoothField(std::int64_t width, std::int64_t height, double scale, Random&);
void addNoise(SliceImage&, double sigma, Random&);

} // namespace tandem
