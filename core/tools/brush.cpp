#include "core/tools/brush.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// First and last voxel whose centre may lie within `reach` voxels of the interval between two coordinates.
std::array<std::int64_t, 2> touchedRange(double a, double b, double reach, std::int64_t count) {
    const double low = std::clamp(std::ceil(std::min(a, b) - reach), 0.0, static_cast<double>(count));
    const double high = std::clamp(std::floor(std::max(a, b) + reach), -1.0, static_cast<double>(count - 1));
    return {static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)};
}

// Squared distance of a point from the line between the origin and (dx, dy); all in mm.
double squaredDistance(double px, double py, double dx, double dy) {
    const double length2 = dx * dx + dy * dy;
    const double along = length2 > 0 ? std::clamp((px * dx + py * dy) / length2, 0.0, 1.0) : 0.0;
    const double ex = px - along * dx, ey = py - along * dy;
    return ex * ex + ey * ey;
}

} // namespace

SliceRect brushLeg(SliceMask& mask, const Point<SlicePx>& from, const Point<SlicePx>& to, double radiusMm,
                   std::array<double, 2> spacingMm) {
    SliceRect touched;
    const auto columns = touchedRange(from[0], to[0], radiusMm / spacingMm[0], mask.width);
    const auto rows = touchedRange(from[1], to[1], radiusMm / spacingMm[1], mask.height);
    const double dx = (to[0] - from[0]) * spacingMm[0], dy = (to[1] - from[1]) * spacingMm[1];
    for (std::int64_t y = rows[0]; y <= rows[1]; ++y)
        for (std::int64_t x = columns[0]; x <= columns[1]; ++x) {
            const double px = (static_cast<double>(x) - from[0]) * spacingMm[0];
            const double py = (static_cast<double>(y) - from[1]) * spacingMm[1];
            if (squaredDistance(px, py, dx, dy) > radiusMm * radiusMm)
                continue;
            mask.at(x, y) = 1;
            touched.include(x, y);
        }
    return touched;
}

SliceRect brushVoxelUnder(SliceMask& mask, const Point<SlicePx>& at) {
    SliceRect touched;
    const double x = std::floor(at[0] + 0.5), y = std::floor(at[1] + 0.5);
    if (x < 0 || y < 0 || x >= static_cast<double>(mask.width) || y >= static_cast<double>(mask.height))
        return touched;
    touched.include(static_cast<std::int64_t>(x), static_cast<std::int64_t>(y));
    mask.at(touched.x0, touched.y0) = 1;
    return touched;
}

} // namespace tandem
