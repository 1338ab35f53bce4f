#pragma once

#include "core/image/label_map.h"

#include <cstdint>
#include <span>

namespace tandem {

/// Dice similarity coefficient 2|A and B| / (|A| + |B|) of two masks of equal length (non-zero = in); 1 if
/// both are empty. Thread: any; pure.
double dice(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

inline double dice(const SliceMask& a, const SliceMask& b) {
    return dice(a.inside, b.inside);
}

} // namespace tandem
