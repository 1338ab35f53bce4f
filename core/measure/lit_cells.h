#pragma once

#include "core/image/volume.h"

#include <cstdint>
#include <vector>

namespace tandem {

/// Where a picture shows something: 1 where a pixel and all within `reach` of it are brighter than 20 of 255,
/// as inside an eyepiece, else 0. Thread: any; pure.
/// @param brightness  one component
/// @param reach       deviation of a Gaussian, pixels
std::vector<std::uint8_t> litCells(const SliceImage& brightness, double reach);

/// The values of those.
std::vector<float> chosen(const std::vector<float>& values, const std::vector<std::uint8_t>& which);

} // namespace tandem
