#pragma once

#include "core/image/volume.h"
#include "core/usecases/segmenter.h"

#include <optional>
#include <vector>

namespace tandem {

/// A box around the object that the foreground points stand on: of the connected regions of grey similar to
/// the first point's, at growing tolerance, the one whose area changes least, its bounding box widened by 10
/// % and to all foreground points. Where no region is stable, a square of 15 % of the slice's longer side.
/// @return nothing without a foreground point. Thread: any; pure.
std::optional<SliceBox> estimateBox(const SliceImage&, const std::vector<PointPrompt>&);

} // namespace tandem
