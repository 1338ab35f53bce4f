#include "core/usecases/mask_box.h"

#include <algorithm>
#include <cmath>

namespace tandem {

std::optional<SliceBox> boundingBox(const SliceMask& mask) {
    return boundingBox(mask,
                       {0, 0, static_cast<double>(mask.width - 1), static_cast<double>(mask.height - 1)});
}

std::optional<SliceBox> boundingBox(const SliceMask& mask, const SliceBox& within) {
    const auto inside = [](double v, std::int64_t size) {
        return static_cast<std::int64_t>(std::clamp(v, -1.0, static_cast<double>(size)));
    };
    const std::int64_t x0 = std::max<std::int64_t>(0, inside(std::ceil(within.x0), mask.width)),
                       y0 = std::max<std::int64_t>(0, inside(std::ceil(within.y0), mask.height)),
                       x1 = std::min(mask.width - 1, inside(std::floor(within.x1), mask.width)),
                       y1 = std::min(mask.height - 1, inside(std::floor(within.y1), mask.height));
    std::optional<SliceBox> found;
    for (std::int64_t y = y0; y <= y1; ++y)
        for (std::int64_t x = x0; x <= x1; ++x) {
            if (!mask.at(x, y))
                continue;
            const auto fx = static_cast<double>(x), fy = static_cast<double>(y);
            if (!found)
                found = SliceBox{fx, fy, fx, fy};
            found = {std::min(found->x0, fx), found->y0, std::max(found->x1, fx), fy};
        }
    return found;
}

} // namespace tandem
