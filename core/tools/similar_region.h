#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"

#include <array>

namespace tandem {

/// A slice as region growing reads it: each component blurred by 0.7 pixels (Gaussian), so that a grain of
/// noise neither stops a region nor leaves a hole in it.
SliceImage readyToGrow(SliceImage);

/// The pixels around a seed that are like it: joined to it by their sides through pixels whose every
/// component differs from the seed's by at most `tolerance`. Empty if the seed is not passable.
/// @param seed       column and row of the slice
/// @param tolerance  in the image's unit (HU, grey levels); not negative
/// @param passable   what may be in; of the slice's size
/// Thread: any; pure.
SliceMask similarRegion(const SliceImage&, std::array<std::int64_t, 2> seed, double tolerance,
                        const SliceMask& passable);

} // namespace tandem
