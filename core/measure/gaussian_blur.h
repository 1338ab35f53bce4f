#pragma once

#include "core/image/volume.h"

namespace tandem {

/// Gaussian blur of a slice with one component, in place (separable, cut at 3 sigma, edge repeated).
/// @param sigma  pixels; no change below 0.1
void blur(SliceImage&, double sigma);

} // namespace tandem
