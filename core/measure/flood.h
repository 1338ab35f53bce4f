#pragma once

#include "core/image/label_map.h"

#include <array>
#include <cstdint>
#include <vector>

namespace tandem {

/// The pixels that hang together with a seed by their sides, the seed included whatever it is.
/// @param seed     column and row of the slice
/// @param belongs  bool(x, y): whether a pixel of the slice may be in
template <class Belongs>
SliceMask floodFrom(std::int64_t width, std::int64_t height, std::array<std::int64_t, 2> seed,
                    const Belongs& belongs) {
    SliceMask mask(width, height);
    const auto joins = [&](std::int64_t x, std::int64_t y) { return !mask.at(x, y) && belongs(x, y); };
    mask.at(seed[0], seed[1]) = 1;
    std::vector<std::array<std::int64_t, 2>> open{seed}; // each in already; its run along the row may not be
    while (!open.empty()) {
        const auto [x, y] = open.back();
        open.pop_back();
        std::int64_t first = x, last = x;
        while (first > 0 && joins(first - 1, y))
            mask.at(--first, y) = 1;
        while (last + 1 < width && joins(last + 1, y))
            mask.at(++last, y) = 1;
        for (const std::int64_t row : {y - 1, y + 1})
            for (std::int64_t i = first; row >= 0 && row < height && i <= last; ++i)
                if (joins(i, row)) {
                    mask.at(i, row) = 1;
                    open.push_back({i, row});
                    while (i < last && joins(i + 1, row)) // the rest of this run is found from there
                        ++i;
                }
    }
    return mask;
}

} // namespace tandem
