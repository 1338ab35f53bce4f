#include "core/measure/overlap.h"

#include "core/measure/logistic.h"

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

double expectedIou(std::span<const float> logits) {
    constexpr float certain = 7;
    double inside = 0, size = 0, outside = 0;
    for (const float v : logits) {
        size += v > 0;
        if (v > certain)
            inside += 1;
        else if (v >= -certain)
            (v > 0 ? inside : outside) += logistic(static_cast<double>(v));
    }
    return size > 0 ? inside / (size + outside) : 0;
}

} // namespace tandem
