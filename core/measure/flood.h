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
    mask.at(seed[0], seed[1]) = 1;
    std::vector<std::array<std::int64_t, 2>> open{seed};
    const auto visit = [&](std::int64_t x, std::int64_t y) {
        if (x < 0 || y < 0 || x >= width || y >= height || mask.at(x, y) || !belongs(x, y))
            return;
        mask.at(x, y) = 1;
        open.push_back({x, y});
    };
    while (!open.empty()) {
        const auto [x, y] = open.back();
        open.pop_back();
        visit(x - 1, y);
        visit(x + 1, y);
        visit(x, y - 1);
        visit(x, y + 1);
    }
    return mask;
}

} // namespace tandem
