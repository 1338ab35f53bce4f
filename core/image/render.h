#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"

#include <cstdint>
#include <vector>

namespace tandem {

/// 8-bit RGB rows, top to bottom.
struct RgbImage {
    std::int64_t width = 0, height = 0;
    std::vector<std::uint8_t> rgb; ///< height * width * 3
};

/// A slice as a person sees it: radiological orientation, true proportions, the longest side `longestPx`;
/// labels as a translucent fill with a solid outline in their palette colour (labelColour). Error:
/// InvalidArgument for a slice outside the image, GridMismatch if the labels lie on another grid.
Result<RgbImage> renderSlice(const Volume&, const LabelMap&, SliceKey, GreyWindow, int longestPx);

/// The slice of a plane with most labelled voxels; the middle one if there is none.
std::int64_t fullestSlice(const LabelMap&, Plane);

} // namespace tandem
