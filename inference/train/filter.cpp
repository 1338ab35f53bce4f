#include "inference/train/filter.h"

#include "core/measure/grey_crop.h"

#include <algorithm>
#include <cmath>

namespace tandem {

SliceImage smoothField(std::int64_t width, std::int64_t height, double scale, Random& random) {
    const auto cells = [&](std::int64_t n) {
        return std::max<std::int64_t>(2, std::llround(static_cast<double>(n) / scale) + 2);
    };
    SliceImage coarse{cells(width), cells(height), 1, {}};
    coarse.values.resize(static_cast<std::size_t>(coarse.width * coarse.height));
    for (float& v : coarse.values)
        v = static_cast<float>(random.normal());
    SliceImage field{width, height, 1, {}};
    const double dx = static_cast<double>(coarse.width - 1) / static_cast<double>(width);
    const double dy = static_cast<double>(coarse.height - 1) / static_cast<double>(height);
    field.values = sampleGrid(coarse, {0, 0, dx, dy, width, height}, 0);
    return field;
}

void addNoise(SliceImage& s, double sigma, Random& random) {
    for (float& v : s.values) // the sum of four uniforms: near enough to normal and quick
        v += static_cast<float>(
            sigma * 1.7320508 *
            (random.uniform() + random.uniform() + random.uniform() + random.uniform() - 2));
}

} // namespace tandem
