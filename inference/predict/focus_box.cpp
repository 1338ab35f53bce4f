#include "inference/predict/focus_box.h"

#include "core/measure/components.h"
#include "core/measure/grey_crop.h"
#include "inference/predict/focus.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int cells = 96;

struct Region {
    std::int64_t area = 0;
    std::size_t held = 0;                                  // of the cells that belong
    std::int64_t x0 = cells, y0 = cells, x1 = -1, y1 = -1; // cells, inclusive
};

constexpr std::size_t middle = static_cast<std::size_t>(cells) / 2 * cells + cells / 2;

// What the object is known to look like, and how its region is grown from the middle cell.
struct Growth {
    float centre = 0;              // grey
    float first = 0.03F;           // tolerance to begin with
    float factor = 1.2F;           // from one tolerance to the next
    std::vector<std::size_t> held; // cells that belong
    std::int64_t most = cells * cells / 3;
};

// The connected region around the middle cell whose grey differs by at most `tolerance`.
Region regionAt(const std::vector<float>& grey, const Growth& growth, float tolerance) {
    std::vector<std::uint8_t> similar(grey.size());
    for (std::size_t i = 0; i < grey.size(); ++i)
        similar[i] = std::abs(grey[i] - growth.centre) <= tolerance;
    similar[middle] = 1;
    const Components c = connectedComponents(similar, {cells, cells, 1});
    Region r;
    for (const std::size_t cell : growth.held)
        r.held += c.label[cell] == c.label[middle];
    for (std::int64_t j = 0; j < cells; ++j)
        for (std::int64_t i = 0; i < cells; ++i)
            if (c.label[static_cast<std::size_t>(j * cells + i)] == c.label[middle]) {
                ++r.area;
                r.x0 = std::min(r.x0, i);
                r.y0 = std::min(r.y0, j);
                r.x1 = std::max(r.x1, i);
                r.y1 = std::max(r.y1, j);
            }
    return r;
}

// Grey 0..1 by percentiles, averaged over 3 x 3 cells.
std::vector<float> smoothGrey(const SliceImage& slice, const CropGrid& g) {
    std::vector<float> v = sampleGrid(luminance(slice), g, 0);
    const float low = quantileOf(v, 0.01), high = quantileOf(v, 0.99);
    std::vector<float> out(v.size());
    for (int j = 0; j < cells; ++j)
        for (int i = 0; i < cells; ++i) {
            float sum = 0;
            for (int b = -1; b <= 1; ++b)
                for (int a = -1; a <= 1; ++a)
                    sum += v[static_cast<std::size_t>(std::clamp(j + b, 0, cells - 1) * cells +
                                                      std::clamp(i + a, 0, cells - 1))];
            out[static_cast<std::size_t>(j * cells + i)] = (sum / 9 - low) / std::max(high - low, 1e-6F);
        }
    return out;
}

// The most stable region of at least 12 cells that holds most of what belongs; area 0 if there is none.
Region mostStable(const std::vector<float>& grey, const Growth& growth) {
    constexpr int steps = 14;
    Region best;
    double slowest = 1e9;
    Region previous = regionAt(grey, growth, growth.first);
    for (int n = 1; n < steps; ++n) {
        const float tolerance = growth.first * std::pow(growth.factor, static_cast<float>(n));
        const Region next = regionAt(grey, growth, tolerance);
        const double rate = std::log(static_cast<double>(next.area) / static_cast<double>(previous.area));
        const bool fits = previous.area >= 12 && previous.area < growth.most &&
                          10 * previous.held >= 8 * growth.held.size();
        if (fits && rate < slowest) {
            slowest = rate;
            best = previous;
        }
        previous = next;
    }
    return best;
}

// Of a scribble more is known than of a click: the object is not smaller, and how much its grey varies.
Growth growthOf(const PointPrompt& prompt, const std::vector<float>& grey, const CropGrid& g) {
    Growth growth;
    growth.centre = grey[middle];
    if (!prompt.isScribble())
        return growth;
    double sum = 0, squares = 0;
    for (const SlicePixel& c : pixelsUnder(promptOnGrid(prompt, g), cells, cells)) {
        growth.held.push_back(static_cast<std::size_t>(c.y * cells + c.x));
        const double v = static_cast<double>(grey[growth.held.back()]);
        sum += v;
        squares += v * v;
    }
    const double n = std::max(1.0, static_cast<double>(growth.held.size())), mean = sum / n;
    growth.centre = static_cast<float>(mean);
    growth.first =
        static_cast<float>(std::max(0.004, 1.5 * std::sqrt(std::max(0.0, squares / n - mean * mean))));
    growth.factor = 1.15F;
    growth.most = cells * cells / 2;
    return growth;
}

} // namespace

std::optional<SliceBox> estimateBox(const SliceImage& slice, const std::vector<PointPrompt>& points) {
    const auto first =
        std::find_if(points.begin(), points.end(), [](const PointPrompt& p) { return p.foreground; });
    if (first == points.end())
        return std::nullopt;
    const double longest = static_cast<double>(std::max(slice.width, slice.height));
    const double seen = first->isScribble() ? 1.0 : 0.6; // of the longer side
    const double step = std::max(0.5, seen * longest / cells);
    const Point<SlicePx> centre = pointsAlong(*first, 1).front();
    const double x = centre[0], y = centre[1];
    // The first point, or the middle of the first scribble, stands on the centre of the middle cell.
    const CropGrid g{x - (cells / 2 + 0.5) * step, y - (cells / 2 + 0.5) * step, step, step, cells, cells};
    const std::vector<float> grey = smoothGrey(slice, g);
    const Region r = mostStable(grey, growthOf(*first, grey, g));
    const double half = 0.075 * longest;
    SliceBox box{x - half, y - half, x + half, y + half};
    if (r.area > 0) {
        const double marginX = 0.1 * static_cast<double>(r.x1 - r.x0 + 1) * step;
        const double marginY = 0.1 * static_cast<double>(r.y1 - r.y0 + 1) * step;
        box = {g.centreX(r.x0) - marginX, g.centreY(r.y0) - marginY, g.centreX(r.x1) + marginX,
               g.centreY(r.y1) + marginY};
    }
    for (const PointPrompt& p : points)
        for (const Point<SlicePx>& at : verticesOf(p))
            if (p.foreground)
                box = {std::min(box.x0, at[0]), std::min(box.y0, at[1]), std::max(box.x1, at[0]),
                       std::max(box.y1, at[1])};
    return box;
}

} // namespace tandem
