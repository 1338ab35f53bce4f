#pragma once

#include "core/geometry/geometry.h"

#include <optional>
#include <string>
#include <string_view>

namespace tandem {

/// An anatomical plane; for a volume it is the array axis closest to the plane's normal.
enum class Plane { Axial, Coronal, Sagittal };

std::string_view planeName(Plane); ///< "axial", "coronal", "sagittal"
std::optional<Plane> planeFromName(std::string_view);

/// How one plane cuts an array: which axis counts slices, which two span the slice (lower array axis = x).
struct SliceAxes {
    int slice = 2; ///< array axis that counts slices
    int x = 0;     ///< lower remaining array axis: SlicePx x (columns)
    int y = 1;     ///< higher remaining array axis: SlicePx y (rows)
};

/// The array axes of a plane. Each of the three planes gets a different axis (best total match of
/// directions).
SliceAxes sliceAxes(const Geometry&, Plane);

/// One slice of a volume: its plane and index along the plane's array axis.
struct SliceKey {
    Plane plane = Plane::Axial;
    std::int64_t index = 0;
    friend bool operator==(const SliceKey&, const SliceKey&) = default;
};

std::int64_t sliceCount(const Geometry&, Plane);
/// Columns (x) and rows (y) of a plane's slices.
std::array<std::int64_t, 2> sliceSize(const Geometry&, Plane);
/// Length of one step along x and y, mm.
std::array<double, 2> sliceSpacing(const Geometry&, Plane);

Affine<Voxel, SlicePx> voxelFromSlice(const Geometry&, SliceKey);
Point<SlicePx> slicePoint(const Geometry&, Plane, const Point<Voxel>&);
VoxelIndex voxelAt(const Geometry&, SliceKey, std::int64_t x, std::int64_t y);

/// How a slice is turned for the screen: radiological convention (patient's right on the left of the screen,
/// anterior or superior up; sagittal: anterior on the left).
struct ScreenOrientation {
    bool transpose = false; ///< screen's horizontal axis is SlicePx y
    bool flipHorizontal = false;
    bool flipVertical = false;
    std::string left, right, top, bottom; ///< edge letters
};
ScreenOrientation screenOrientation(const Geometry&, Plane);

} // namespace tandem
