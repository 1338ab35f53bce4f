#include "core/measure/bends.h"

#include <cmath>
#include <cstdint>

namespace tandem {

std::array<std::vector<float>, 2> bendsOf(const SliceImage& s) {
    std::array<std::vector<float>, 2> out{std::vector<float>(s.values.size()),
                                          std::vector<float>(s.values.size())};
    const auto at = [&s](std::int64_t x, std::int64_t y) {
        return s.values[static_cast<std::size_t>(y * s.width + x)];
    };
    for (std::int64_t y = 1; y + 1 < s.height; ++y)
        for (std::int64_t x = 1; x + 1 < s.width; ++x) {
            const float xx = at(x - 1, y) - 2 * at(x, y) + at(x + 1, y);
            const float yy = at(x, y - 1) - 2 * at(x, y) + at(x, y + 1);
            const float xy = (at(x + 1, y + 1) + at(x - 1, y - 1) - at(x + 1, y - 1) - at(x - 1, y + 1)) / 4;
            const float mean = (xx + yy) / 2, apart = std::hypot((xx - yy) / 2, xy);
            const auto i = static_cast<std::size_t>(y * s.width + x);
            out[0][i] = mean + apart;
            out[1][i] = mean - apart;
        }
    return out;
}

} // namespace tandem
