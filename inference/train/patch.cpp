#include "inference/train/patch.h"

#include "core/measure/gaussian_blur.h"
#include "core/measure/grey_crop.h"
#include "inference/train/filter.h"
#include "inference/train/repaint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace tandem {
namespace {

using Matrix = std::array<double, 4>; // slice vector from patch vector, row major

Matrix times(const Matrix& a, const Matrix& b) {
    return {a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2],
            a[2] * b[1] + a[3] * b[3]};
}

// Rotation, mirror and aspect, of determinant +-1.
Matrix turn(Random& r) {
    constexpr double quarter = std::numbers::pi / 2;
    double angle = quarter * r.integer(0, 3);
    if (r.chance(0.5))
        angle += r.uniform(-0.5, 0.5);
    const Matrix rotation{std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle)};
    const double aspect = std::exp(r.uniform(-0.2, 0.2));
    return times(rotation, {(r.chance(0.5) ? -1 : 1) * aspect, 0, 0, 1 / aspect});
}

struct Extent {
    double cx = 0, cy = 0, side = 0; // middle in the slice, longer side in the turned frame (slice px)
};

// Where the object lies once the slice is turned.
Extent extentOf(const SliceMask& mask, const Matrix& m) {
    const double det = m[0] * m[3] - m[1] * m[2];
    const Matrix inverse{m[3] / det, -m[1] / det, -m[2] / det, m[0] / det};
    double u0 = 1e9, u1 = -1e9, v0 = 1e9, v1 = -1e9;
    for (std::int64_t y = 0; y < mask.height; ++y)
        for (std::int64_t x = 0; x < mask.width; ++x)
            if (mask.at(x, y)) {
                const double u = inverse[0] * static_cast<double>(x) + inverse[1] * static_cast<double>(y);
                const double v = inverse[2] * static_cast<double>(x) + inverse[3] * static_cast<double>(y);
                u0 = std::min(u0, u);
                u1 = std::max(u1, u);
                v0 = std::min(v0, v);
                v1 = std::max(v1, v);
            }
    const double u = (u0 + u1) / 2, v = (v0 + v1) / 2;
    return {m[0] * u + m[1] * v, m[2] * u + m[3] * v, std::max(u1 - u0, v1 - v0) + 1};
}

// Value at a continuous place, bilinear; `outside` beyond the slice.
template <class At>
float sampleAt(At&& at, std::int64_t width, std::int64_t height, double x, double y, float outside) {
    if (x < -0.5 || y < -0.5 || x > static_cast<double>(width) - 0.5 || y > static_cast<double>(height) - 0.5)
        return outside;
    x = std::clamp(x, 0.0, static_cast<double>(width - 1));
    y = std::clamp(y, 0.0, static_cast<double>(height - 1));
    const auto x0 = static_cast<std::int64_t>(x), y0 = static_cast<std::int64_t>(y);
    const std::int64_t x1 = std::min(x0 + 1, width - 1), y1 = std::min(y0 + 1, height - 1);
    const auto fx = static_cast<float>(x - static_cast<double>(x0)),
               fy = static_cast<float>(y - static_cast<double>(y0));
    const float upper = at(x0, y0) * (1 - fx) + at(x1, y0) * fx,
                lower = at(x0, y1) * (1 - fx) + at(x1, y1) * fx;
    return upper * (1 - fy) + lower * fy;
}

// Shifts of the places that a patch's pixels are taken from, patch pixels; empty for none.
struct Bend {
    std::vector<float> u, v;
    Bend(int side, double object, bool any, Random& r) {
        if (!any)
            return;
        const double cells = object * r.uniform(0.25, 0.7);
        const auto amplitude = static_cast<float>(object * r.logUniform(0.01, 0.05));
        u = smoothField(side, side, cells, r).values;
        v = smoothField(side, side, cells, r).values;
        for (std::vector<float>* field : {&u, &v})
            for (float& x : *field)
                x *= amplitude;
    }
    double du(std::size_t at) const { return u.empty() ? 0 : u[at]; }
    double dv(std::size_t at) const { return v.empty() ? 0 : v[at]; }
};

void scaleToUnit(SliceImage& s) {
    const float low = quantileOf(s.values, 0.005), high = quantileOf(s.values, 0.995);
    for (float& v : s.values)
        v = std::clamp((v - low) / std::max(high - low, 1e-6F), -0.5F, 1.5F);
}

// A smooth curve through random values at 0, 1/4 .. 1 (cosine between them).
void remap(SliceImage& s, Random& r) {
    std::array<double, 5> knots{};
    for (double& k : knots)
        k = r.uniform();
    for (float& v : s.values) {
        const double at = 4 * std::clamp(static_cast<double>(v), 0.0, 0.9999);
        const auto n = static_cast<std::size_t>(at);
        const double share = 0.5 - 0.5 * std::cos(std::numbers::pi * (at - static_cast<double>(n)));
        v = static_cast<float>(knots[n] + share * (knots[n + 1] - knots[n]));
    }
}

} // namespace

Patch renderPatch(const TrainingTask& task, int side, double stretch, double bendShare, Random& r) {
    const Matrix m = turn(r);
    const Extent e = extentOf(task.mask, m);
    const double object = r.uniform(0.36, 0.48) / stretch * side; // its longer side on the patch
    const double step = e.side / object;                          // slice px per patch px
    const double moved = 0.04 * object;
    const double du = r.uniform(-moved, moved), dv = r.uniform(-moved, moved);
    const Bend bend(side, object, r.chance(bendShare), r);
    Patch p{{side, side, 1, {}}, SliceMask(side, side), 1 / step, task.imageSide / step};
    p.image.values.resize(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
    const float ground =
        task.image.values.empty() ? 0 : *std::min_element(task.image.values.begin(), task.image.values.end());
    const auto grey = [&](std::int64_t x, std::int64_t y) {
        return task.image.values[static_cast<std::size_t>(y * task.image.width + x)];
    };
    const auto inside = [&](std::int64_t x, std::int64_t y) {
        return static_cast<float>(task.mask.at(x, y));
    };
    for (std::int64_t j = 0; j < side; ++j)
        for (std::int64_t i = 0; i < side; ++i) {
            const auto at = static_cast<std::size_t>(j * side + i);
            const double u = (static_cast<double>(i) + 0.5 - side / 2.0 + du + bend.du(at)) * step;
            const double v = (static_cast<double>(j) + 0.5 - side / 2.0 + dv + bend.dv(at)) * step;
            const double x = e.cx + m[0] * u + m[1] * v, y = e.cy + m[2] * u + m[3] * v;
            p.image.values[at] = sampleAt(grey, task.image.width, task.image.height, x, y, ground);
            p.mask.at(i, j) = sampleAt(inside, task.mask.width, task.mask.height, x, y, 0) > 0.5F;
        }
    return p;
}

void changeGrey(SliceImage& s, const SliceMask& object, const Recipe& recipe, Random& r) {
    scaleToUnit(s);
    if (r.chance(recipe.repaintShare))
        repaint(s, object, r);
    if (r.chance(recipe.remapShare))
        remap(s, r);
    if (r.chance(recipe.invertShare))
        for (float& v : s.values)
            v = 1 - v;
    if (r.chance(0.5)) {
        const auto gamma = static_cast<float>(std::exp(r.uniform(-0.5, 0.5)));
        for (float& v : s.values)
            v = v > 0 ? std::pow(v, gamma) : v;
    }
    if (r.chance(0.2)) {
        const SliceImage bias = smoothField(s.width, s.height, static_cast<double>(s.width) / 2, r);
        const auto amplitude = static_cast<float>(r.uniform(0.05, 0.2));
        for (std::size_t i = 0; i < s.values.size(); ++i)
            s.values[i] += amplitude * bias.values[i];
    }
    if (r.chance(0.2))
        blur(s, r.uniform(0.3, 1.5));
    if (r.chance(recipe.speckleShare)) {
        const SliceImage grain = smoothField(s.width, s.height, r.logUniform(1.5, 6), r);
        const auto amplitude = static_cast<float>(r.uniform(0.1, 0.5));
        for (std::size_t i = 0; i < s.values.size(); ++i)
            s.values[i] *= std::max(0.05F, 1 + amplitude * grain.values[i]);
    }
    if (r.chance(0.3))
        addNoise(s, r.uniform(0, 0.1), r);
}

} // namespace tandem
