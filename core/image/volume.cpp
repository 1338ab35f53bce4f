#include "core/image/volume.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

template <class Function>
void forEachFinite(const Volume::Values& values, std::size_t step, Function&& visit) {
    std::visit(
        [&](const auto& v) {
            for (std::size_t n = 0; n < v.size(); n += step) {
                const double x = static_cast<double>(v[n]);
                if (std::isfinite(x))
                    visit(x);
            }
        },
        values);
}

} // namespace

Result<Volume> Volume::make(Geometry geometry, Values values, int components, Intensity intensity,
                            bool shownInverted) {
    const auto expected =
        static_cast<std::size_t>(geometry.voxelCount()) * static_cast<std::size_t>(components);
    const std::size_t given = std::visit([](const auto& v) { return v.size(); }, values);
    if (components < 1 || given != expected)
        return Error{ErrorCode::InvalidArgument, "The image needs " + std::to_string(expected) +
                                                     " values but has " + std::to_string(given) + "."};
    Volume volume;
    volume.geometry_ = geometry;
    volume.values_ = std::move(values);
    volume.components_ = components;
    volume.intensity_ = components == 3 ? Intensity::Colour : intensity;
    volume.shownInverted_ = shownInverted && components == 1;
    return volume;
}

double Volume::at(const VoxelIndex& index, int component) const {
    const auto n = static_cast<std::size_t>(geometry_.offsetOf(index) * components_ + component);
    return std::visit([n](const auto& v) { return static_cast<double>(v[n]); }, values_);
}

std::array<double, 2> Volume::range() const {
    double low = INFINITY, high = -INFINITY;
    forEachFinite(values_, 1, [&](double x) {
        low = std::min(low, x);
        high = std::max(high, x);
    });
    return low <= high ? std::array<double, 2>{low, high} : std::array<double, 2>{0, 0};
}

std::vector<double> Volume::quantiles(const std::vector<double>& fractions, bool positiveOnly) const {
    const std::size_t count = std::visit([](const auto& v) { return v.size(); }, values_);
    const std::size_t step = std::max<std::size_t>(1, count >> 22);
    std::vector<double> sample;
    forEachFinite(values_, step, [&](double x) {
        if (!positiveOnly || x > 0)
            sample.push_back(x);
    });
    std::vector<double> out(fractions.size(), 0.0);
    if (sample.empty())
        return out;
    for (std::size_t f = 0; f < fractions.size(); ++f) {
        const double place = std::clamp(fractions[f], 0.0, 1.0) * static_cast<double>(sample.size() - 1);
        const auto nth = sample.begin() + static_cast<std::ptrdiff_t>(std::llround(place));
        std::nth_element(sample.begin(), nth, sample.end());
        out[f] = *nth;
    }
    return out;
}

Result<SliceImage> extractSlice(const Volume& volume, SliceKey key) {
    const Geometry& g = volume.geometry();
    if (key.index < 0 || key.index >= sliceCount(g, key.plane))
        return Error{ErrorCode::InvalidArgument, "There is no " + std::string(planeName(key.plane)) +
                                                     " slice " + std::to_string(key.index) +
                                                     "; the image has " +
                                                     std::to_string(sliceCount(g, key.plane)) + "."};
    const auto size = sliceSize(g, key.plane);
    SliceImage slice{size[0], size[1], volume.components(), {}};
    slice.values.resize(static_cast<std::size_t>(size[0] * size[1] * volume.components()));
    const std::int64_t start = g.offsetOf(voxelAt(g, key, 0, 0));
    const std::int64_t stepX = g.offsetOf(voxelAt(g, key, 1, 0)) - start;
    const std::int64_t stepY = g.offsetOf(voxelAt(g, key, 0, 1)) - start;
    const int n = volume.components();
    std::visit(
        [&](const auto& v) {
            float* out = slice.values.data();
            for (std::int64_t y = 0; y < size[1]; ++y)
                for (std::int64_t x = 0; x < size[0]; ++x)
                    for (int c = 0; c < n; ++c)
                        *out++ = static_cast<float>(
                            v[static_cast<std::size_t>((start + x * stepX + y * stepY) * n + c)]);
        },
        volume.values());
    return slice;
}

GreyWindow defaultWindow(const Volume& volume) {
    if (volume.intensity() == Intensity::Colour)
        return {127.5, 255};
    if (volume.intensity() == Intensity::Hounsfield)
        return {40, 400, volume.shownInverted()};
    std::vector<double> q = volume.quantiles({0.005, 0.995}, true);
    if (!(q[1] > q[0]))
        q = volume.quantiles({0.005, 0.995});
    if (!(q[1] > q[0])) {
        const auto r = volume.range();
        q = {r[0], r[1]};
    }
    const double width = q[1] > q[0] ? q[1] - q[0] : 1.0;
    return {q[0] + width / 2, width, volume.shownInverted()};
}

} // namespace tandem
