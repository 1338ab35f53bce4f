#pragma once

#include "core/geometry/frames.h"
#include "core/image/label_map.h"
#include "core/tools/slice_rect.h"

#include <array>

namespace tandem {

/// Marks the voxels under one leg of a round brush's way: those whose centre lies within `radiusMm` of the
/// straight line `from`..`to` (from == to: a single dab), measured in millimetres on a slice whose voxels are
/// `spacingMm` apart along x and y. The part of the way outside the slice is cut off.
/// @return the rectangle of the marked voxels; empty if none was reached. Thread: any; pure.
SliceRect brushLeg(SliceMask& mask, const Point<SlicePx>& from, const Point<SlicePx>& to, double radiusMm,
                   std::array<double, 2> spacingMm);

/// Marks the voxel that covers a point (voxel i covers i-0.5 .. i+0.5), if it is on the slice: what a brush
/// smaller than a voxel draws.
SliceRect brushVoxelUnder(SliceMask& mask, const Point<SlicePx>& at);

} // namespace tandem
