#include "inference/predict/focus_box.h"

#include "core/measure/components.h"
#include "core/measure/grey_crop.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int cells = 96;

struct Region {
    std::int64_t area = 0;
    std::int64_t x0 = cells, y0 = cells, x1 = -1, y1 = -1; // cells, inclusive
};

// The connected region around the middle cell whose grey differs by at most `tolerance`.
Region regionAt(const std::vector<float>& grey, float centre, float tolerance) {
    std::vector<std::uint8_t> similar(grey.size());
    for (std::size_t i = 0; i < grey.size(); ++i)
        similar[i] = std::abs(grey[i] - centre) <= tolerance;
    constexpr std::size_t middle = static_cast<std::size_t>(cells) / 2 * cells + cells / 2;
    similar[middle] = 1;
    const Components c = connectedComponents(similar, {cells, cells, 1});
    Region r;
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

// The most stable region between 12 cells and a third of the grid; area 0 if there is none.
Region mostStable(const std::vector<float>& grey) {
    constexpr int steps = 14;
    const float centre = grey[static_cast<std::size_t>(cells) / 2 * cells + cells / 2];
    Region best;
    double slowest = 1e9;
    Region previous = regionAt(grey, centre, 0.03F);
    for (int n = 1; n < steps; ++n) {
        const Region next = regionAt(grey, centre, 0.03F * std::pow(1.2F, static_cast<float>(n)));
        const double growth = std::log(static_cast<double>(next.area) / static_cast<double>(previous.area));
        const bool sizeFits = previous.area >= 12 && previous.area * 3 < cells * cells;
        if (sizeFits && growth < slowest) {
            slowest = growth;
            best = previous;
        }
        previous = next;
    }
    return best;
}

} // namespace

std::optional<SliceBox> estimateBox(const SliceImage& slice, const std::vector<PointPrompt>& points) {
    const auto first =
        std::find_if(points.begin(), points.end(), [](const PointPrompt& p) { return p.foreground; });
    if (first == points.end())
        return std::nullopt;
    const double longest = static_cast<double>(std::max(slice.width, slice.height));
    const double step = std::max(0.5, 0.6 * longest / cells);
    const double x = first->at[0], y = first->at[1];
    // The first point stands on the centre of the middle cell.
    const CropGrid g{x - (cells / 2 + 0.5) * step, y - (cells / 2 + 0.5) * step, step, step, cells, cells};
    const Region r = mostStable(smoothGrey(slice, g));
    const double half = 0.075 * longest;
    SliceBox box{x - half, y - half, x + half, y + half};
    if (r.area > 0) {
        const double marginX = 0.1 * static_cast<double>(r.x1 - r.x0 + 1) * step;
        const double marginY = 0.1 * static_cast<double>(r.y1 - r.y0 + 1) * step;
        box = {g.centreX(r.x0) - marginX, g.centreY(r.y0) - marginY, g.centreX(r.x1) + marginX,
               g.centreY(r.y1) + marginY};
    }
    for (const PointPrompt& p : points)
        if (p.foreground)
            box = {std::min(box.x0, p.at[0]), std::min(box.y0, p.at[1]), std::max(box.x1, p.at[0]),
                   std::max(box.y1, p.at[1])};
    return box;
}

} // namespace tandem
