#pragma once

#include "core/geometry/slice_plane.h"

#include <cstdint>
#include <vector>

namespace tandem {

/// The slices around one that are likely to be looked at next: outward, two in the direction of scrolling for
/// each one behind; both sides alike without a direction. Pure.
/// @param direction  sign of the last step along the slice axis; 0: none yet
/// @param count      slices of the plane
std::vector<SliceKey> slicesToPrepare(SliceKey here, int direction, std::int64_t count, std::size_t most);

} // namespace tandem
