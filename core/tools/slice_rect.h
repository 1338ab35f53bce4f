#pragma once

#include <cstdint>

namespace tandem {

/// Smallest rectangle of voxels that something touched; both ends inclusive, empty while x1 < x0.
struct SliceRect {
    std::int64_t x0 = 0, y0 = 0, x1 = -1, y1 = -1;

    bool empty() const { return x1 < x0 || y1 < y0; }
    void include(std::int64_t x, std::int64_t y);
    void include(const SliceRect&);
    friend bool operator==(const SliceRect&, const SliceRect&) = default;
};

} // namespace tandem
