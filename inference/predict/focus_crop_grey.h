#pragma once
// Private to inference/predict/.

#include "core/measure/grey_crop.h"

#include <vector>

namespace tandem {

/// Grey of a crop: percentiles 1..99 of its cells inside the slice to -1..1, clipped to +-2; -1 outside.
std::vector<float> cropGrey(const SliceImage& grey, const CropGrid&);

} // namespace tandem
