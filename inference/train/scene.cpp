#include "inference/train/scene.h"

#include "core/measure/gaussian_blur.h"
#include "inference/train/filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace tandem {
namespace {

constexpr double pi = std::numbers::pi;

// An outline in polar coordinates: an ellipse whose radius waves with a few harmonics.
struct WavyBlob {
    double x, y, a, b, turn;
    std::array<double, 5> amplitude{}, phase{};

    WavyBlob(double cx, double cy, double radius, double waviness, Random& r)
        : x(cx), y(cy), a(radius * r.uniform(0.8, 1.25)), b(radius * r.logUniform(0.4, 1.1)),
          turn(r.uniform(0, pi)) {
        for (std::size_t n = 0; n < amplitude.size(); ++n) {
            amplitude[n] = waviness * r.normal() / (1.5 + static_cast<double>(n));
            phase[n] = r.uniform(0, 2 * pi);
        }
    }
    // Radius in units of the outline: < 1 inside.
    double radiusAt(double px, double py) const {
        const double c = std::cos(turn), s = std::sin(turn);
        const double u = ((px - x) * c + (py - y) * s) / a, v = (-(px - x) * s + (py - y) * c) / b;
        const double angle = std::atan2(v, u);
        double outline = 1;
        for (std::size_t n = 0; n < amplitude.size(); ++n)
            outline += amplitude[n] * std::cos(static_cast<double>(n + 2) * angle + phase[n]);
        return std::hypot(u, v) / std::max(outline, 0.3);
    }
};

class Painter {
public:
    Painter(std::int64_t side, Random& random) : random_(random), side_(side), mask_(side, side) {}

    SliceMask blobs(int count, double radius, double spread, double waviness) {
        const double cx = place(), cy = place();
        for (int n = 0; n < count; ++n)
            fill(WavyBlob(cx + spread * random_.normal(), cy + spread * random_.normal(), radius, waviness,
                          random_),
                 0);
        return std::move(mask_);
    }
    SliceMask shell(double radius, double inner) {
        fill(WavyBlob(place(), place(), radius, 0.12, random_), inner);
        return std::move(mask_);
    }
    SliceMask tube(double length, double thickness) {
        double x = place(), y = place(), angle = random_.uniform(0, 2 * pi), bend = 0;
        for (double done = 0; done < length; done += 1) {
            disc(x, y, thickness * (1 + 0.2 * std::sin(done / 7)));
            bend = 0.9 * bend + 0.05 * random_.normal();
            angle += bend;
            x += std::cos(angle);
            y += std::sin(angle);
        }
        return std::move(mask_);
    }

private:
    double place() { return static_cast<double>(side_) * random_.uniform(0.15, 0.85); }
    void fill(const WavyBlob& blob, double inner) {
        for (std::int64_t j = 0; j < side_; ++j)
            for (std::int64_t i = 0; i < side_; ++i)
                if (const double r = blob.radiusAt(static_cast<double>(i), static_cast<double>(j));
                    r <= 1 && r >= inner)
                    mask_.at(i, j) = 1;
    }
    void disc(double x, double y, double radius) {
        const auto first = [&](double v) { return std::max<std::int64_t>(0, std::llround(v - radius)); };
        const auto last = [&](double v) {
            return std::min(side_ - 1, static_cast<std::int64_t>(std::llround(v + radius)));
        };
        for (std::int64_t j = first(y); j <= last(y); ++j)
            for (std::int64_t i = first(x); i <= last(x); ++i)
                if (std::hypot(static_cast<double>(i) - x, static_cast<double>(j) - y) <= radius)
                    mask_.at(i, j) = 1;
    }

    Random& random_;
    std::int64_t side_;
    SliceMask mask_;
};

SliceMask paintObject(std::int64_t side, Random& r) {
    Painter painter(side, r);
    const double s = static_cast<double>(side), kind = r.uniform();
    if (kind < 0.5)
        return painter.blobs(1, s * r.logUniform(0.05, 0.3), 0, r.uniform(0, 0.3));
    if (kind < 0.65)
        return painter.tube(s * r.uniform(0.2, 1.2), r.logUniform(1.2, 0.06 * s));
    if (kind < 0.85)
        return painter.shell(s * r.logUniform(0.1, 0.32), r.uniform(0.45, 0.9));
    return painter.blobs(r.integer(2, 7), s * r.logUniform(0.02, 0.07), s * r.uniform(0.04, 0.1), 0.25);
}

// Adds contrast and a texture of its own to the pixels of a mask.
void shade(SliceImage& image, const SliceMask& mask, Random& r) {
    const double contrast = r.logUniform(0.08, 0.8) * (r.chance(0.5) ? 1 : -1);
    const double texture = r.logUniform(0.01, 0.15);
    const SliceImage field = smoothField(image.width, image.height, r.logUniform(1.5, 16), r);
    const bool replaces = r.chance(0.6); // hides the ground's texture
    for (std::size_t i = 0; i < image.values.size(); ++i)
        if (mask.inside[i])
            image.values[i] = (replaces ? 0.3F * image.values[i] : image.values[i]) +
                              static_cast<float>(contrast + texture * field.values[i]);
}

SliceImage ground(std::int64_t side, Random& r) {
    SliceImage image{side, side, 1, std::vector<float>(static_cast<std::size_t>(side * side))};
    for (double scale : {r.logUniform(20, 80), r.logUniform(5, 20), r.logUniform(1, 5)}) {
        const double amplitude = r.logUniform(0.01, 0.2);
        const SliceImage field = smoothField(side, side, scale, r);
        for (std::size_t i = 0; i < image.values.size(); ++i)
            image.values[i] += static_cast<float>(amplitude * field.values[i]);
    }
    return image;
}

void finish(SliceImage& image, Random& r) {
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

// The objects as they are seen: later ones cover earlier ones, unless nested inside.
std::vector<SliceMask> paintObjects(SliceImage& image, Random& r) {
    std::vector<SliceMask> seen;
    const int count = r.integer(2, 8);
    for (int n = 0; n < count; ++n) {
        SliceMask mask = paintObject(image.width, r);
        shade(image, mask, r);
        for (SliceMask& earlier : seen)
            if (r.chance(0.85))
                for (std::size_t i = 0; i < mask.inside.size(); ++i)
                    earlier.inside[i] &= static_cast<std::uint8_t>(!mask.inside[i]);
        seen.push_back(std::move(mask));
    }
    return seen;
}

} // namespace

TrainingTask makeScene(Random& r) {
    for (;;) {
        const std::int64_t side = r.integer(96, 160);
        SliceImage image = ground(side, r);
        std::vector<SliceMask> objects = paintObjects(image, r);
        SliceMask& chosen =
            objects[static_cast<std::size_t>(r.below(static_cast<std::int64_t>(objects.size())))];
        const auto area = std::count(chosen.inside.begin(), chosen.inside.end(), 1);
        if (area < 30 || area * 3 > side * side)
            continue;
        finish(image, r);
        return {std::move(image), std::move(chosen), static_cast<double>(side) * r.uniform(1, 3), "scene"};
    }
}

} // namespace tandem
