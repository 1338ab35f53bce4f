#pragma once

#include "core/image/volume.h"
#include "core/measure/grey_crop.h"
#include "core/tools/point_prompt.h"
#include "core/usecases/segmenter.h"

#include <cstdint>

namespace tandem {

/// A box by its outer edges, cut into square cells (to the nearest whole number of them), `along` on its
/// longer side.
CropGrid gridOver(const SliceBox&, std::int64_t along);

/// A prompt in a grid's cells instead of SlicePx: whole numbers are the centres of cells.
PointPrompt promptOnGrid(PointPrompt, const CropGrid&);

/// Whether a box takes in (nearly) all of a slice: more than 85 % of one length and 75 % of the other.
bool spansPicture(const SliceImage&, const SliceBox&);

} // namespace tandem
