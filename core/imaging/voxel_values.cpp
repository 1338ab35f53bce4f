#include "core/imaging/voxel_values.h"

namespace tandem::imaging {

Intensity guessIntensity(const Volume::Values& values) {
    double low = INFINITY, high = -INFINITY;
    std::visit(
        [&](const auto& v) {
            for (const auto x : v) {
                const auto d = static_cast<double>(x);
                low = std::min(low, d); // a value that is not a number compares false and is passed over
                high = std::max(high, d);
            }
        },
        values);
    const bool fromAir = low >= -3100 && low <= -900;
    return fromAir && high >= 50 && high <= 32767 ? Intensity::Hounsfield : Intensity::Unknown;
}

} // namespace tandem::imaging
