#pragma once

#include "core/image/volume.h"
#include "inference/train/random.h"

namespace tandem {

/// Small filters of the synthetic data; all in place on one-component slices.

/// Gaussian blur (separable, cut at 3 sigma, edge repeated). No change for sigma < 0.1.
void blur(SliceImage&, double sigma);
/// Smooth random field of about zero mean and unit deviation: noise on a coarse grid of cells of `scale` px,
/// bilinear.
SliceImage smoothField(std::int64_t width, std::int64_t height, double scale, Random&);
void addNoise(SliceImage&, double sigma, Random&);

} // namespace tandem
