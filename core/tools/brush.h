#pragma once

#include "core/geometry/frames.h"
#include "core/image/label_map.h"

#include <array>

namespace tandem {

/// Smallest rectangle of voxels that something touched; both ends inclusive, empty while x1 < x0.
struct SliceRect {
    std::int64_t x0 = 0, y0 = 0, x1 = -1, y1 = -1;

    bool empty() const { return x1 < x0 || y1 < y0; }
    void include(std::int64_t x, std::int64_t y);
    friend bool operator==(const SliceRect&, const SliceRect&) = default;
};

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
