#pragma once

#include "core/image/volume.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// The brightness of a colour by its red, green and blue (ITU-R BT.601).
inline constexpr std::array<float, 3> luminanceWeights{0.299F, 0.587F, 0.114F};

/// A slice with one component: colours mixed with these weights.
SliceImage mixed(const SliceImage& colour, const std::array<float, 3>& weights);

/// A slice with one component: grey as it is, colour by its brightness.
SliceImage luminance(const SliceImage&);

/// A rectangle of a slice by its edges (SlicePx; pixel i covers i-0.5 .. i+0.5) and the grid that it is
/// sampled on.
struct CropGrid {
    double left = 0, top = 0;    ///< outer edges of the first cell
    double stepX = 1, stepY = 1; ///< size of a cell in slice pixels
    std::int64_t width = 0, height = 0;

    double centreX(std::int64_t i) const { return left + (static_cast<double>(i) + 0.5) * stepX; }
    double centreY(std::int64_t j) const { return top + (static_cast<double>(j) + 0.5) * stepY; }
};

/// Samples one component of a slice on a grid: bilinear, and where cells are larger than pixels the mean of
/// several bilinear samples. Cells whose centre lies outside the slice get `outside`.
std::vector<float> sampleGrid(const SliceImage& grey, const CropGrid&, float outside);

/// One component of a slice on a grid, its percentiles 1..99 brought to 0..1 and clipped there; cells outside
/// the slice count as 0 before.
std::vector<float> unitGrey(const SliceImage& grey, const CropGrid&);

/// Brings values of a grid back to the slice's pixels: bilinear between cell centres, clamped at the grid's
/// rim; pixels outside the grid get `outside`. @return sliceWidth * sliceHeight values.
std::vector<float> unsampleGrid(std::span<const float> cells, const CropGrid&, std::int64_t sliceWidth,
                                std::int64_t sliceHeight, float outside);

/// Value at a fraction (0..1) of the sorted values (nearest rank); 0 for no values.
float quantileOf(std::vector<float> values, double fraction);

} // namespace tandem
