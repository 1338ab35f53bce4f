#include "inference/predict/refiner_view.h"

#include "core/measure/baselines.h"
#include "inference/predict/focus_crop_grey.h"

#include <algorithm>
#include <cmath>

namespace tandem {

FocusCrop refinerCrop(FocusCrop crop, const std::vector<PointPrompt>& points, double cropScale) {
    constexpr double smallestBox = 6; // px, as for the network's crop
    const SliceBox& b = crop.box;
    double side = cropScale * std::max({b.x1 - b.x0 + 1, b.y1 - b.y0 + 1, smallestBox});
    for (const PointPrompt& p : points)
        for (const Point<SlicePx>& at : verticesOf(p)) {
            const double far = std::max(std::abs(at[0] - crop.centreX), std::abs(at[1] - crop.centreY));
            if (2 * (far + 1) > side) // with some to spare: whatever lies well inside leaves the square alone
                side = 2 * (1.1 * far + 2);
        }
    crop.side = std::min(side, crop.side);
    return crop;
}

int refinerCells(const FocusCrop& crop, int cells) {
    constexpr double coarsest = 2.5; // slice pixels
    return crop.side / cells > coarsest ? 2 * cells : cells;
}

RefinerView refinerView(const SliceImage& slice, const FocusCrop& crop, int cells) {
    const CropGrid g = crop.grid(cells);
    RefinerView view{cells, cropGrey(slice, g), {}, {}};
    view.box.reserve(view.grey.size());
    view.inBox.reserve(view.grey.size());
    for (int j = 0; j < cells; ++j)
        for (int i = 0; i < cells; ++i) {
            const double x = g.centreX(i), y = g.centreY(j), r = ellipticRadius(crop.box, x, y);
            const bool in = crop.boxHolds(x, y);
            view.box.push_back(in ? static_cast<float>(std::max(-1.0, 1 - r * r)) : -1.0F);
            view.inBox.push_back(in ? 1.0F : 0.0F);
        }
    return view;
}

RefinerClicks::RefinerClicks(int cells)
    : in(static_cast<std::size_t>(cells) * static_cast<std::size_t>(cells)), out(in.size()), cells_(cells) {}

void RefinerClicks::add(const PointPrompt& onGrid) {
    const double sigma = 2.5 / 128 * cells_, reach = 4 * sigma;
    std::vector<float>& map = onGrid.foreground ? in : out;
    const auto stamp = [&](double cx, double cy) {
        const auto first = [=](double v) { return std::max(0, static_cast<int>(std::ceil(v - reach))); };
        const auto last = [=, this](double v) {
            return std::min(cells_ - 1, static_cast<int>(std::floor(v + reach)));
        };
        for (int j = first(cy); j <= last(cy); ++j)
            for (int i = first(cx); i <= last(cx); ++i) {
                const double squared = (i - cx) * (i - cx) + (j - cy) * (j - cy);
                float& v = map[static_cast<std::size_t>(j) * static_cast<std::size_t>(cells_) +
                               static_cast<std::size_t>(i)];
                v = std::max(v, static_cast<float>(std::exp(-squared / (2 * sigma * sigma))));
            }
    };
    if (!onGrid.isScribble())
        return stamp(onGrid.at[0], onGrid.at[1]);
    for (const SlicePixel& c : pixelsUnder(onGrid, cells_, cells_))
        stamp(static_cast<double>(c.x), static_cast<double>(c.y));
}

} // namespace tandem
