#include "inference/train/scene_paint.h"

#include "core/measure/gaussian_blur.h"
#include "inference/train/filter.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tandem {
namespace {

constexpr double pi = std::numbers::pi;

// Every pixel of a mask at most `radius` from a place, in x or y.
template <class Visit>
void visitSquare(const SliceMask& m, double x, double y, double radius, const Visit& visit) {
    const auto first = [&](double v) { return std::max<std::int64_t>(0, std::llround(v - radius)); };
    const auto last = [&](double v, std::int64_t n) {
        return std::min(n - 1, static_cast<std::int64_t>(std::llround(v + radius)));
    };
    for (std::int64_t j = first(y); j <= last(y, m.height); ++j)
        for (std::int64_t i = first(x); i <= last(x, m.width); ++i)
            visit(i, j);
}

} // namespace

WavyBlob::WavyBlob(double cx, double cy, double radius, double waviness, Random& r)
    : x(cx), y(cy), a(radius * r.uniform(0.8, 1.25)), b(radius * r.logUniform(0.4, 1.1)),
      turn(r.uniform(0, pi)) {
    for (std::size_t n = 0; n < amplitude.size(); ++n) {
        amplitude[n] = waviness * r.normal() / (1.5 + static_cast<double>(n));
        phase[n] = r.uniform(0, 2 * pi);
    }
}

double WavyBlob::radiusAt(double px, double py) const {
    const double c = std::cos(turn), s = std::sin(turn);
    const double u = ((px - x) * c + (py - y) * s) / a, v = (-(px - x) * s + (py - y) * c) / b;
    const double angle = std::atan2(v, u);
    double outline = 1;
    for (std::size_t n = 0; n < amplitude.size(); ++n)
        outline += amplitude[n] * std::cos(static_cast<double>(n + 2) * angle + phase[n]);
    return std::hypot(u, v) / std::max(outline, 0.3);
}

void fillBlob(SliceMask& mask, const WavyBlob& blob, double inner) {
    double farthest = 1;
    for (double amplitude : blob.amplitude)
        farthest += std::abs(amplitude);
    visitSquare(mask, blob.x, blob.y, farthest * std::max(blob.a, blob.b),
                [&](std::int64_t i, std::int64_t j) {
                    const double r = blob.radiusAt(static_cast<double>(i), static_cast<double>(j));
                    if (r <= 1 && r >= inner)
                        mask.at(i, j) = 1;
                });
}

void fillDisc(SliceMask& mask, double x, double y, double radius) {
    visitSquare(mask, x, y, radius, [&](std::int64_t i, std::int64_t j) {
        if (std::hypot(static_cast<double>(i) - x, static_cast<double>(j) - y) <= radius)
            mask.at(i, j) = 1;
    });
}

SliceImage paintGround(std::int64_t side, Random& r) {
    SliceImage image{side, side, 1, std::vector<float>(static_cast<std::size_t>(side * side))};
    for (double scale : {r.logUniform(20, 80), r.logUniform(5, 20), r.logUniform(1, 5)}) {
        const double amplitude = r.logUniform(0.01, 0.2);
        const SliceImage field = smoothField(side, side, scale, r);
        for (std::size_t i = 0; i < image.values.size(); ++i)
            image.values[i] += static_cast<float>(amplitude * field.values[i]);
    }
    return image;
}

void shadeObject(SliceImage& image, const SliceMask& mask, Random& r) {
    const double contrast = r.logUniform(0.08, 0.8) * (r.chance(0.5) ? 1 : -1);
    const double texture = r.logUniform(0.01, 0.15);
    const SliceImage field = smoothField(image.width, image.height, r.logUniform(1.5, 16), r);
    const bool replaces = r.chance(0.6); // hides the ground's texture
    for (std::size_t i = 0; i < image.values.size(); ++i)
        if (mask.inside[i])
            image.values[i] = (replaces ? 0.3F * image.values[i] : image.values[i]) +
                              static_cast<float>(contrast + texture * field.values[i]);
}

void finishScene(SliceImage& image, Random& r) {
    blur(image, r.chance(0.7) ? r.uniform(0.3, 2) : 0);
    if (r.chance(0.4)) {
        const SliceImage bias = smoothField(image.width, image.height, 60, r);
        for (std::size_t i = 0; i < image.values.size(); ++i)
            image.values[i] += 0.15F * bias.values[i];
    }
    if (r.chance(0.25)) { // speckle
        const SliceImage field = smoothField(image.width, image.height, r.uniform(1, 2.5), r);
        for (std::size_t i = 0; i < image.values.size(); ++i)
            image.values[i] *= std::max(0.1F, 1 + 0.4F * field.values[i]);
    }
    addNoise(image, r.chance(0.7) ? r.logUniform(0.005, 0.12) : 0, r);
}

} // namespace tandem
