#include "core/measure/contrast_grey.h"

#include "core/geometry/matrix3.h"
#include "core/measure/baselines.h"
#include "core/measure/grey_crop.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem {
namespace {

using Colour = std::array<double, 3>;

// Sums over the pixels of one class.
struct Class {
    double pixels = 0;
    Colour sum{};
    Matrix3 products{};

    void add(const Colour& c) {
        pixels += 1;
        for (std::size_t i = 0; i < 3; ++i) {
            sum[i] += c[i];
            for (std::size_t j = 0; j < 3; ++j)
                products[i][j] += c[i] * c[j];
        }
    }
    double mean(std::size_t i) const { return sum[i] / pixels; }
    double covariance(std::size_t i, std::size_t j) const {
        return products[i][j] / pixels - mean(i) * mean(j);
    }
};

std::array<Class, 2> classesOf(const SliceImage& s, const SliceBox& b) {
    std::array<Class, 2> classes; // surroundings, object
    const double cx = (b.x0 + b.x1) / 2, cy = (b.y0 + b.y1) / 2;
    const double halfW = 0.75 * (b.x1 - b.x0 + 1), halfH = 0.75 * (b.y1 - b.y0 + 1);
    const auto from = [](double v) { return std::max<std::int64_t>(0, std::llround(v)); };
    const auto to = [](double v, std::int64_t n) { return std::min<std::int64_t>(n - 1, std::llround(v)); };
    for (std::int64_t y = from(cy - halfH); y <= to(cy + halfH, s.height); ++y)
        for (std::int64_t x = from(cx - halfW); x <= to(cx + halfW, s.width); ++x) {
            const double r = ellipticRadius(b, static_cast<double>(x), static_cast<double>(y));
            if (r >= 0.7 && r <= 1.1)
                continue;
            const float* p = s.values.data() + 3 * (y * s.width + x);
            classes[r < 0.7 ? 1 : 0].add({p[0], p[1], p[2]});
        }
    return classes;
}

// The weights of red, green and blue.
std::array<float, 3> discriminant(const std::array<Class, 2>& classes) {
    const Class& outside = classes[0];
    const Class& inside = classes[1];
    if (outside.pixels < 8 || inside.pixels < 8)
        return luminanceWeights;
    Matrix3 within{};
    double variance = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j)
            within[i][j] = inside.covariance(i, j) + outside.covariance(i, j);
        variance += within[i][i] / 3;
    }
    Colour difference{};
    for (std::size_t i = 0; i < 3; ++i) {
        within[i][i] += 0.1 * variance + 1e-3;
        difference[i] = inside.mean(i) - outside.mean(i);
    }
    const Matrix3 whitened = inverse(within);
    Colour w{};
    double size = 0, towardsBright = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j)
            w[i] += whitened[i][j] * difference[j];
        size += std::abs(w[i]);
        towardsBright += w[i] * luminanceWeights[i];
    }
    if (size < 1e-9)
        return luminanceWeights;
    std::array<float, 3> weights{};
    for (std::size_t i = 0; i < 3; ++i)
        weights[i] = static_cast<float>(w[i] / (towardsBright < 0 ? -size : size));
    return weights;
}

} // namespace

SliceImage contrastGrey(const SliceImage& s, const SliceBox& box) {
    return s.components == 3 ? mixed(s, discriminant(classesOf(s, box))) : s;
}

} // namespace tandem
