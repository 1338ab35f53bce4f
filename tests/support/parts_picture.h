#pragma once
// A picture full of alike dark spots, for tests; parts_field_reference.py draws the same.

#include "core/image/label_map.h"
#include "core/image/volume.h"

#include <cmath>

namespace tandem::test {

struct PartsPicture {
    static constexpr std::int64_t side = 256;
    SliceImage image{side, side, 1, {}};
    SliceMask truth{side, side};

    PartsPicture() {
        for (std::int64_t y = 0; y < side; ++y)
            for (std::int64_t x = 0; x < side; ++x)
                image.values.push_back(
                    static_cast<float>(greyAt(static_cast<double>(x), static_cast<double>(y))));
    }

private:
    double greyAt(double x, double y) {
        double grey = 100 + 20 * std::cos(0.02 * x) + std::fmod(7 * x + 13 * y, 5);
        for (int j = 0; j < 12; ++j)
            for (int i = 0; i < 12; ++i) {
                const double cx = 14 + 20.5 * i + 3 * std::sin(5.0 * i + 3.0 * j);
                const double cy = 14 + 20.5 * j + 3 * std::cos(4.0 * i - 7.0 * j);
                const double beyond = std::hypot(x - cx, y - cy) - 5 - (i + j) % 2;
                grey -= 30 / (1 + std::exp(beyond));
                if (beyond <= 0)
                    truth.at(static_cast<std::int64_t>(x), static_cast<std::int64_t>(y)) = 1;
            }
        return grey;
    }
};

} // namespace tandem::test
