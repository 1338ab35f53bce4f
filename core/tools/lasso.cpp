#include "core/tools/lasso.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tandem {
namespace {

// Where the outline crosses a row of voxel centres, and whether it goes down (+1) or up (-1) there.
struct Crossing {
    double x = 0;
    int turn = 0;
};

// The first whole number from `v` on, kept to 0..count.
std::int64_t firstFrom(double v, std::int64_t count) {
    return static_cast<std::int64_t>(std::clamp(std::ceil(v), 0.0, static_cast<double>(count)));
}

// The crossings of every row. An edge takes the rows from its upper end on, up to but without its lower one.
std::vector<std::vector<Crossing>> crossingsOf(std::span<const Point<SlicePx>> outline, std::int64_t rows) {
    std::vector<std::vector<Crossing>> all(static_cast<std::size_t>(rows));
    for (std::size_t n = 0; n < outline.size(); ++n) {
        const Point<SlicePx>&from = outline[n], &to = outline[(n + 1) % outline.size()];
        const bool down = from[1] < to[1];
        const Point<SlicePx>&top = down ? from : to, &bottom = down ? to : from;
        const double slope = (bottom[0] - top[0]) / (bottom[1] - top[1]); // unused where no row is crossed
        for (std::int64_t y = firstFrom(top[1], rows); y < firstFrom(bottom[1], rows); ++y)
            all[static_cast<std::size_t>(y)].push_back(
                {top[0] + (static_cast<double>(y) - top[1]) * slope, down ? 1 : -1});
    }
    return all;
}

} // namespace

SliceRect fillOutline(SliceMask& mask, std::span<const Point<SlicePx>> outline) {
    SliceRect touched;
    std::vector<std::vector<Crossing>> rows = crossingsOf(outline, mask.height);
    for (std::int64_t y = 0; y < mask.height; ++y) {
        std::vector<Crossing>& row = rows[static_cast<std::size_t>(y)];
        std::sort(row.begin(), row.end(), [](const Crossing& a, const Crossing& b) { return a.x < b.x; });
        int winding = 0;
        for (std::size_t n = 0; n + 1 < row.size(); ++n) {
            winding += row[n].turn;
            const std::int64_t first = firstFrom(row[n].x, mask.width),
                               end = firstFrom(row[n + 1].x, mask.width);
            if (winding == 0 || first >= end)
                continue;
            std::fill_n(mask.inside.begin() + y * mask.width + first, end - first, std::uint8_t{1});
            touched.include({first, y, end - 1, y});
        }
    }
    return touched;
}

} // namespace tandem
