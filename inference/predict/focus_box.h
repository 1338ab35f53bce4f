#pragma once

#include "core/image/volume.h"
#include "core/usecases/segmenter.h"

#include <optional>
#include <vector>

namespace tandem {

/// A box around the object that the foreground points and scribbles stand on: of the connected regions of
/// grey similar to the first one's, at growing tolerance, the one whose area changes least, its bounding box
/// widened by 10 % and to all foreground points and scribbles. A scribble says more than a point: the region
/// holds most of it, and the tolerance begins with how much the grey varies along it. Where no region is
/// stable, a square of 15 % of the slice's longer side.
/// @return nothing without a foreground point. Thread: any; pure.
std::optional<SliceBox> estimateBox(const SliceImage&, const std::vector<PointPrompt>&);

} // namespace tandem
