#include "core/measure/grey_crop.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// Bilinear between the four cells around (x, y), clamped at the edge.
float bilinear(std::span<const float> v, std::int64_t width, std::int64_t height, double x, double y) {
    x = std::clamp(x, 0.0, static_cast<double>(width - 1));
    y = std::clamp(y, 0.0, static_cast<double>(height - 1));
    const auto x0 = static_cast<std::int64_t>(x), y0 = static_cast<std::int64_t>(y);
    const std::int64_t x1 = std::min(x0 + 1, width - 1), y1 = std::min(y0 + 1, height - 1);
    const auto fx = static_cast<float>(x - static_cast<double>(x0)),
               fy = static_cast<float>(y - static_cast<double>(y0));
    const auto at = [&](std::int64_t i, std::int64_t j) {
        return v[static_cast<std::size_t>(j * width + i)];
    };
    const float upper = at(x0, y0) + fx * (at(x1, y0) - at(x0, y0));
    const float lower = at(x0, y1) + fx * (at(x1, y1) - at(x0, y1));
    return upper + fy * (lower - upper);
}

int samplesFor(double step) {
    return std::clamp(static_cast<int>(std::ceil(step - 1e-9)), 1, 4);
}

} // namespace

SliceImage mixed(const SliceImage& s, const std::array<float, 3>& w) {
    SliceImage grey{s.width, s.height, 1, std::vector<float>(s.values.size() / 3)};
    for (std::size_t i = 0; i < grey.values.size(); ++i)
        grey.values[i] = w[0] * s.values[3 * i] + w[1] * s.values[3 * i + 1] + w[2] * s.values[3 * i + 2];
    return grey;
}

SliceImage luminance(const SliceImage& s) {
    return s.components == 3 ? mixed(s, luminanceWeights) : s;
}

std::vector<float> sampleGrid(const SliceImage& grey, const CropGrid& g, float outside) {
    std::vector<float> out(static_cast<std::size_t>(g.width * g.height), outside);
    const int nx = samplesFor(g.stepX), ny = samplesFor(g.stepY);
    for (std::int64_t j = 0; j < g.height; ++j)
        for (std::int64_t i = 0; i < g.width; ++i) {
            const double cx = g.centreX(i), cy = g.centreY(j);
            if (cx < -0.5 || cy < -0.5 || cx > static_cast<double>(grey.width) - 0.5 ||
                cy > static_cast<double>(grey.height) - 0.5)
                continue;
            float sum = 0;
            for (int b = 0; b < ny; ++b)
                for (int a = 0; a < nx; ++a)
                    sum +=
                        bilinear(grey.values, grey.width, grey.height, cx + ((a + 0.5) / nx - 0.5) * g.stepX,
                                 cy + ((b + 0.5) / ny - 0.5) * g.stepY);
            out[static_cast<std::size_t>(j * g.width + i)] = sum / static_cast<float>(nx * ny);
        }
    return out;
}

std::vector<float> unitGrey(const SliceImage& grey, const CropGrid& g) {
    std::vector<float> v = sampleGrid(grey, g, 0);
    const float low = quantileOf(v, 0.01), high = quantileOf(v, 0.99);
    for (float& x : v)
        x = std::clamp((x - low) / std::max(high - low, 1e-6F), 0.0F, 1.0F);
    return v;
}

std::vector<float> unsampleGrid(std::span<const float> cells, const CropGrid& g, std::int64_t sliceWidth,
                                std::int64_t sliceHeight, float outside) {
    std::vector<float> out(static_cast<std::size_t>(sliceWidth * sliceHeight), outside);
    for (std::int64_t y = 0; y < sliceHeight; ++y) {
        const double v = (static_cast<double>(y) - g.top) / g.stepY - 0.5;
        if (v < -0.5 || v > static_cast<double>(g.height) - 0.5)
            continue;
        for (std::int64_t x = 0; x < sliceWidth; ++x) {
            const double u = (static_cast<double>(x) - g.left) / g.stepX - 0.5;
            if (u >= -0.5 && u <= static_cast<double>(g.width) - 0.5)
                out[static_cast<std::size_t>(y * sliceWidth + x)] = bilinear(cells, g.width, g.height, u, v);
        }
    }
    return out;
}

float quantileOf(std::vector<float> values, double fraction) {
    if (values.empty())
        return 0;
    const auto rank =
        static_cast<std::ptrdiff_t>(std::llround(fraction * static_cast<double>(values.size() - 1)));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return values[static_cast<std::size_t>(rank)];
}

} // namespace tandem
