#include "core/tools/slice_rect.h"

#include <algorithm>

namespace tandem {

void SliceRect::include(std::int64_t x, std::int64_t y) {
    include(SliceRect{x, y, x, y});
}

void SliceRect::include(const SliceRect& other) {
    if (other.empty())
        return;
    if (empty()) {
        *this = other;
        return;
    }
    x0 = std::min(x0, other.x0);
    y0 = std::min(y0, other.y0);
    x1 = std::max(x1, other.x1);
    y1 = std::max(y1, other.y1);
}

} // namespace tandem
