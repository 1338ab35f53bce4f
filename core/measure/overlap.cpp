#include "core/measure/overlap.h"

#include <algorithm>

namespace tandem {

double dice(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
    std::int64_t both = 0, sum = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        both += a[i] && b[i];
        sum += (a[i] != 0) + (b[i] != 0);
    }
    return sum == 0 ? 1.0 : 2.0 * static_cast<double>(both) / static_cast<double>(sum);
}

} // namespace tandem
