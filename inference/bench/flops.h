#pragma once

#include "inference/network/config.h"

namespace tandem::bench {

/// Floating-point operations (multiply and add apart, in 10^9) that encoding one image cannot do without:
/// products of linear layers, convolutions and attention on real tokens. Padding, norms and activations do
/// not count.
double necessaryGflop(const net::NetworkConfig&);

/// What no decoder of one box can do without and no two boxes can share: the second product of the upscaling,
/// which follows an activation. (The first is linear in the image; see kernels/two_way.h.)
double upscaleGflop(const net::NetworkConfig&);

} // namespace tandem::bench
