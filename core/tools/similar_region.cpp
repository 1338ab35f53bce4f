#include "core/tools/similar_region.h"

#include "core/measure/flood.h"
#include "core/measure/gaussian_blur.h"

#include <cmath>
#include <utility>

namespace tandem {
namespace {

constexpr double kBlur = 0.7; // pixels

} // namespace

SliceImage readyToGrow(SliceImage slice) {
    const auto parts = static_cast<std::size_t>(slice.components);
    for (std::size_t part = 0; part < parts; ++part) {
        SliceImage one{slice.width, slice.height, 1, {}};
        one.values.reserve(slice.values.size() / parts);
        for (std::size_t i = part; i < slice.values.size(); i += parts)
            one.values.push_back(slice.values[i]);
        blur(one, kBlur);
        for (std::size_t i = 0; i < one.values.size(); ++i)
            slice.values[i * parts + part] = one.values[i];
    }
    return slice;
}

SliceMask similarRegion(const SliceImage& slice, std::array<std::int64_t, 2> seed, double tolerance,
                        const SliceMask& passable) {
    if (!passable.at(seed[0], seed[1]))
        return SliceMask(slice.width, slice.height);
    const auto parts = static_cast<std::size_t>(slice.components);
    const auto pixel = [&](std::int64_t x, std::int64_t y) {
        return slice.values.data() + static_cast<std::size_t>(y * slice.width + x) * parts;
    };
    const float* like = pixel(seed[0], seed[1]);
    return floodFrom(slice.width, slice.height, seed, [&](std::int64_t x, std::int64_t y) {
        if (!passable.at(x, y))
            return false;
        const float* at = pixel(x, y);
        for (std::size_t part = 0; part < parts; ++part)
            if (!(std::abs(static_cast<double>(at[part]) - static_cast<double>(like[part])) <= tolerance))
                return false; // NaN is like nothing
        return true;
    });
}

} // namespace tandem
