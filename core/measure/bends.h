#pragma once

#include "core/image/volume.h"

#include <array>
#include <vector>

namespace tandem {

/// How a slice with one component bends: the larger and the smaller eigenvalue of the Hessian of every pixel,
/// by central differences (0 at the rim). Dark lines have a large first one, bright lines a second one far
/// below 0. Thread: any; pure.
std::array<std::vector<float>, 2> bendsOf(const SliceImage&);

} // namespace tandem
