#pragma once

#include "core/geometry/frames.h"
#include "core/image/label_map.h"
#include "core/tools/slice_rect.h"

#include <span>

namespace tandem {

/// Marks the voxels whose centre an outline goes round, closed from its last point to its first, however
/// often and either way about (the non-zero winding rule: a hand that crosses its own line leaves no hole).
/// What of it lies outside the slice is cut off. A centre on the outline is in on its left and upper side
/// only, so that two outlines that share an edge share no voxel.
/// @return the rectangle of the marked voxels; empty if there is none. Thread: any; pure.
SliceRect fillOutline(SliceMask&, std::span<const Point<SlicePx>> outline);

} // namespace tandem
