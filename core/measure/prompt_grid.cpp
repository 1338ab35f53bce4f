#include "core/measure/prompt_grid.h"

#include <algorithm>
#include <cmath>

namespace tandem {

CropGrid gridOver(const SliceBox& b, std::int64_t along) {
    const double w = b.x1 - b.x0 + 1, h = b.y1 - b.y0 + 1, step = std::max(w, h) / static_cast<double>(along);
    const auto cells = [step](double length) {
        return std::max<std::int64_t>(1, std::llround(length / step));
    };
    return {b.x0 - 0.5, b.y0 - 0.5, step, step, cells(w), cells(h)};
}

PointPrompt promptOnGrid(PointPrompt p, const CropGrid& g) {
    const auto toCells = [&g](Point<SlicePx>& at) {
        at = {{(at[0] - g.left) / g.stepX - 0.5, (at[1] - g.top) / g.stepY - 0.5}};
    };
    toCells(p.at);
    std::for_each(p.along.begin(), p.along.end(), toCells);
    return p;
}

bool spansPicture(const SliceImage& slice, const SliceBox& b) {
    const double across = (b.x1 - b.x0 + 1) / static_cast<double>(slice.width);
    const double down = (b.y1 - b.y0 + 1) / static_cast<double>(slice.height);
    return std::max(across, down) > 0.85 && std::min(across, down) > 0.75;
}

} // namespace tandem
