#include "core/measure/baselines.h"

#include "core/measure/grey_crop.h"
#include "core/measure/logistic.h"
#include "core/measure/random_walker.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem {
namespace {

struct PixelRange {
    std::int64_t x0, y0, x1, y1; // inclusive, inside the slice; empty if x1 < x0 or y1 < y0
};

PixelRange pixelsOf(const SliceBox& b, std::int64_t width, std::int64_t height) {
    const auto low = [](double v, std::int64_t n) {
        return std::clamp(static_cast<std::int64_t>(std::ceil(std::clamp(v, -1e9, 1e9) - 1e-9)),
                          std::int64_t{0}, n);
    };
    const auto high = [](double v, std::int64_t n) {
        return std::clamp(static_cast<std::int64_t>(std::floor(std::clamp(v, -1e9, 1e9) + 1e-9)),
                          std::int64_t{-1}, n - 1);
    };
    return {low(b.x0, width), low(b.y0, height), high(b.x1, width), high(b.y1, height)};
}

template <class Inside>
SliceMask maskInBox(const SliceImage& slice, const SliceBox& box, Inside&& inside) {
    SliceMask mask(slice.width, slice.height);
    const PixelRange r = pixelsOf(box, slice.width, slice.height);
    for (std::int64_t y = r.y0; y <= r.y1; ++y)
        for (std::int64_t x = r.x0; x <= r.x1; ++x)
            mask.at(x, y) = inside(x, y) ? 1 : 0;
    return mask;
}

CropGrid walkerGrid(const SliceBox& b) {
    const double w = b.x1 - b.x0 + 1, h = b.y1 - b.y0 + 1;
    const double step = std::max(1.0, 2.2 * std::max(w, h) / 160);
    const auto cells = [&](double side) {
        return std::max<std::int64_t>(1, std::llround(2.2 * side / step));
    };
    CropGrid g;
    g.stepX = g.stepY = step;
    g.width = cells(w);
    g.height = cells(h);
    g.left = (b.x0 + b.x1) / 2 - static_cast<double>(g.width) * step / 2;
    g.top = (b.y0 + b.y1) / 2 - static_cast<double>(g.height) * step / 2;
    return g;
}

} // namespace

double ellipticRadius(const SliceBox& b, double x, double y) {
    const double dx = (x - (b.x0 + b.x1) / 2) / ((b.x1 - b.x0 + 1) / 2);
    const double dy = (y - (b.y0 + b.y1) / 2) / ((b.y1 - b.y0 + 1) / 2);
    return std::hypot(dx, dy);
}

float otsuThreshold(const std::vector<float>& values) {
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    if (values.empty() || *lowest == *highest)
        return values.empty() ? 0 : *lowest;
    constexpr int bins = 256;
    const float low = *lowest, width = (*highest - *lowest) / bins;
    std::array<double, bins> count{};
    double total = 0;
    for (float v : values) {
        const int bin = std::min(bins - 1, static_cast<int>((v - low) / width));
        count[static_cast<std::size_t>(bin)] += 1;
        total += bin;
    }
    double below = 0, belowSum = 0, best = -1;
    int cut = 0;
    for (int i = 0; i + 1 < bins; ++i) {
        below += count[static_cast<std::size_t>(i)];
        belowSum += i * count[static_cast<std::size_t>(i)];
        const double above = static_cast<double>(values.size()) - below;
        if (below == 0 || above == 0)
            continue;
        const double gap = belowSum / below - (total - belowSum) / above;
        if (const double between = below * above * gap * gap; between > best) {
            best = between;
            cut = i;
        }
    }
    return low + static_cast<float>(cut + 1) * width;
}

SliceMask ellipseMask(const SliceImage& slice, const SliceBox& box) {
    return maskInBox(slice, box, [&](std::int64_t x, std::int64_t y) {
        return ellipticRadius(box, static_cast<double>(x), static_cast<double>(y)) <= 1;
    });
}

SliceMask otsuMask(const SliceImage& slice, const SliceBox& box) {
    const SliceImage grey = luminance(slice);
    const auto at = [&](std::int64_t x, std::int64_t y) {
        return grey.values[static_cast<std::size_t>(y * grey.width + x)];
    };
    std::vector<float> values;
    maskInBox(grey, box, [&](std::int64_t x, std::int64_t y) {
        values.push_back(at(x, y));
        return false;
    });
    const float threshold = otsuThreshold(values);
    int upper = 0, inner = 0;
    maskInBox(grey, box, [&](std::int64_t x, std::int64_t y) {
        const bool in = ellipticRadius(box, static_cast<double>(x), static_cast<double>(y)) <= 0.5;
        inner += in;
        upper += in && at(x, y) > threshold;
        return false;
    });
    const bool objectIsUpper = 2 * upper >= inner;
    return maskInBox(grey, box,
                     [&](std::int64_t x, std::int64_t y) { return (at(x, y) > threshold) == objectIsUpper; });
}

SliceMask walkerMask(const SliceImage& slice, const SliceBox& box) {
    const CropGrid g = walkerGrid(box);
    const std::vector<float> grey = unitGrey(luminance(slice), g);
    std::vector<std::uint8_t> seeds(grey.size());
    std::vector<float> shape(grey.size());
    for (std::int64_t j = 0; j < g.height; ++j)
        for (std::int64_t i = 0; i < g.width; ++i) {
            const double x = g.centreX(i), y = g.centreY(j), r = ellipticRadius(box, x, y);
            const bool inBox =
                x >= box.x0 - 0.5 && x <= box.x1 + 0.5 && y >= box.y0 - 0.5 && y <= box.y1 + 0.5;
            const auto at = static_cast<std::size_t>(j * g.width + i);
            seeds[at] = !inBox ? 2 : r < 0.35 ? 1 : 0;
            shape[at] = static_cast<float>(logistic(6 * (1 - r)));
        }
    std::vector<float> p = randomWalker({g.width, g.height, grey, seeds, 400, {}, {}});
    for (std::size_t i = 0; i < p.size(); ++i)
        p[i] = (p[i] + shape[i]) / 2;
    const std::vector<float> back = unsampleGrid(p, g, slice.width, slice.height, 0);
    return maskInBox(slice, box, [&](std::int64_t x, std::int64_t y) {
        return back[static_cast<std::size_t>(y * slice.width + x)] > 0.5F;
    });
}

} // namespace tandem
