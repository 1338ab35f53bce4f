#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/usecases/segmenter.h"

#include <span>

namespace tandem {

/// Region growing inside a box, by clicks and without any model: what many programs offer, and a yardstick of
/// `tandem evaluate`. It starts at the box's middle; every foreground click adds, every other one takes away
/// the region around it: pixels joined to it by their sides whose grey (luminance) differs from the mean of
/// the click's 5 x 5 neighbourhood by at most 2.5 of its standard deviations, and 5 % of the box's range of
/// grey at least. A click decides its own pixel. Empty outside the box. Thread: any; pure.
SliceMask grownMask(const SliceImage&, const SliceBox&, std::span<const PointPrompt> clicks);

} // namespace tandem
