#pragma once

#include "core/image/volume.h"
#include "inference/train/random.h"
#include "inference/train/task.h"

#include <optional>

namespace tandem {

/// Regions of similar grey by merging along a graph of 8 neighbours: a region's number per pixel, 0.. in scan
/// order.
/// @param grey     values of about 0..1
/// @param scale    how large regions tend to be (threshold scale / size on grey 0..255)
/// @param smallest regions below are merged into the neighbour of the weakest edge
/// Source: Felzenszwalb and Huttenlocher, Efficient graph-based image segmentation, 2004.
std::vector<std::int32_t> graphRegions(const SliceImage& grey, double scale, std::int64_t smallest);

/// A task without a label: a window of an image and one of its regions, or two that touch, of 30 px .. 35 %
/// of it. Nothing when no region has such a size.
std::optional<TrainingTask> makeRegionTask(const SliceImage& image, Random&);

} // namespace tandem
