#include "inference/predict/focus.h"

#include "core/measure/baselines.h"
#include "core/measure/random_walker.h"
#include "inference/predict/focus_box.h"
#include "inference/predict/focus_crop_grey.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double smallestBox = 6; // px

bool soundBox(const SliceBox& b) {
    constexpr double far = 1e6;
    const bool finite =
        std::abs(b.x0) < far && std::abs(b.y0) < far && std::abs(b.x1) < far && std::abs(b.y1) < far;
    return finite && b.x1 >= b.x0 && b.y1 >= b.y0;
}

bool soundPoint(const Point<SlicePx>& p) {
    return std::abs(p[0]) < 1e6 && std::abs(p[1]) < 1e6;
}

// Half the side that a point needs, with a margin, when the crop is centred at c.
double reach(const Point<SlicePx>& p, const FocusCrop& c) {
    return 1.1 * std::max(std::abs(p[0] - c.centreX), std::abs(p[1] - c.centreY)) + 2;
}

// Channel 2: a walker between the box's middle and its outside on a coarse grid, brought to the input's size.
std::vector<float> walkerChannel(const SliceImage& grey, const FocusCrop& crop) {
    constexpr int cells = 64;
    const CropGrid g = crop.grid(cells);
    std::vector<float> v = cropGrey(grey, g);
    std::vector<std::uint8_t> seeds(v.size());
    for (int j = 0; j < cells; ++j)
        for (int i = 0; i < cells; ++i) {
            const double x = g.centreX(i), y = g.centreY(j);
            seeds[static_cast<std::size_t>(j) * cells + static_cast<std::size_t>(i)] =
                !crop.boxHolds(x, y)                    ? 2
                : ellipticRadius(crop.box, x, y) < 0.35 ? 1
                                                        : 0;
        }
    for (float& x : v)
        x = x / 2 + 0.5F;
    const std::vector<float> p = randomWalker({cells, cells, v, seeds, 400, {}, {}}, 1e-2, 120);
    const double step =
        static_cast<double>(crop.size) / cells; // cells in input pixels; the input as a "slice"
    return unsampleGrid(p, {-0.5, -0.5, step, step, cells, cells}, crop.size, crop.size, 0);
}

// Smoothed, normalised histogram of grey -2..2 over the cells that `use` picks.
constexpr int bins = 24;
using Histogram = std::array<double, bins>;

int binOf(float grey) {
    return std::clamp(static_cast<int>((grey + 1) / 2 * bins), 0, bins - 1);
}

template <class Use>
Histogram histogramOf(const std::vector<float>& grey, Use&& use) {
    Histogram h{};
    double total = 1e-9;
    for (std::size_t i = 0; i < grey.size(); ++i)
        if (use(i)) {
            h[static_cast<std::size_t>(binOf(grey[i]))] += 1;
            total += 1;
        }
    for (int pass = 0; pass < 2; ++pass) {
        Histogram s{};
        for (std::size_t b = 0; b < bins; ++b)
            s[b] = (h[b == 0 ? 0 : b - 1] + 2 * h[b] + h[b + 1 == bins ? b : b + 1]) / 4;
        h = s;
    }
    for (double& v : h)
        v /= total;
    return h;
}

} // namespace

std::vector<float> cropGrey(const SliceImage& grey, const CropGrid& g) {
    constexpr float outside = -1e30F;
    std::vector<float> v = sampleGrid(grey, g, outside);
    std::vector<float> seen;
    seen.reserve(v.size());
    for (float x : v)
        if (x != outside)
            seen.push_back(x);
    const float low = quantileOf(seen, 0.01), high = quantileOf(std::move(seen), 0.99);
    const float scale = 2 / std::max(high - low, 1e-6F);
    for (float& x : v)
        x = x == outside ? -1 : std::clamp((x - low) * scale - 1, -2.0F, 2.0F);
    return v;
}

CropGrid FocusCrop::grid(int cells) const {
    CropGrid g;
    g.left = centreX - side / 2;
    g.top = centreY - side / 2;
    g.stepX = g.stepY = side / cells;
    g.width = g.height = cells;
    return g;
}

bool FocusCrop::boxHolds(double x, double y) const {
    return box.holds(x, y);
}

Point<ModelPx> FocusCrop::modelFromSlice(const Point<SlicePx>& p) const {
    return {{((p[0] - centreX) / side + 0.5) * size - 0.5, ((p[1] - centreY) / side + 0.5) * size - 0.5}};
}

SliceBox FocusCrop::modelBox() const {
    const auto edge = [this](double v, double centre) { return ((v - centre) / side + 0.5) * size; };
    return {edge(box.x0 - 0.5, centreX), edge(box.y0 - 0.5, centreY), edge(box.x1 + 0.5, centreX) - 1,
            edge(box.y1 + 0.5, centreY) - 1};
}

Result<FocusCrop> makeFocusCrop(const SliceImage& slice, const Prompts& prompts, int size,
                                const FocusSettings& s) {
    FocusCrop crop;
    crop.size = size;
    for (const PointPrompt& p : prompts.points)
        for (const Point<SlicePx>& at : verticesOf(p))
            if (!soundPoint(at))
                return Error{ErrorCode::InvalidArgument, "A point prompt lies nowhere near the image."};
    if (prompts.box) {
        if (!soundBox(*prompts.box))
            return Error{ErrorCode::InvalidArgument, "The box prompt is empty or inside out; draw it again."};
        crop.box = *prompts.box;
    } else {
        const std::optional<SliceBox> guess = estimateBox(slice, prompts.points);
        if (!guess)
            return Error{ErrorCode::InvalidArgument,
                         "Draw a box or place a foreground point on the object first."};
        crop.box = *guess;
    }
    const SliceBox& b = crop.box;
    crop.centreX = (b.x0 + b.x1) / 2;
    crop.centreY = (b.y0 + b.y1) / 2;
    const double longer = std::max(b.x1 - b.x0, b.y1 - b.y0) + 1;
    crop.side = s.cropScale * std::max(longer, smallestBox);
    if (s.pictureCue)
        crop.pictureShare = longer / static_cast<double>(std::max(slice.width, slice.height));
    for (const PointPrompt& p : prompts.points)
        for (const Point<SlicePx>& at : verticesOf(p))
            crop.side = std::max(crop.side, 2 * reach(at, crop));
    return crop;
}

std::vector<float> focusInput(const SliceImage& grey, const FocusCrop& crop) {
    const CropGrid g = crop.grid(crop.size);
    std::vector<float> input = cropGrey(grey, g);
    input.reserve(input.size() * 3);
    const double cue = crop.pictureShare > 0 ? std::clamp(-std::log2(crop.pictureShare) / 5, 0.0, 1.0) : 0;
    const auto outside = static_cast<float>(cue - 1);
    for (std::int64_t j = 0; j < g.height; ++j)
        for (std::int64_t i = 0; i < g.width; ++i) {
            const double x = g.centreX(i), y = g.centreY(j), r = ellipticRadius(crop.box, x, y);
            input.push_back(crop.boxHolds(x, y) ? static_cast<float>(std::max(-1.0, 1 - r * r)) : outside);
        }
    for (float p : walkerChannel(grey, crop))
        input.push_back(2 * p - 1);
    return input;
}

std::vector<float> priorMask(const SliceImage& slice, const FocusCrop& crop, int maskSize) {
    const CropGrid g = crop.grid(maskSize);
    const std::vector<float> grey = cropGrey(slice, g);
    std::vector<double> radius(grey.size());
    std::vector<std::uint8_t> around(grey.size()); // within 1.5 x the box
    const SliceBox& b = crop.box;
    const double halfW = 0.75 * (b.x1 - b.x0 + 1), halfH = 0.75 * (b.y1 - b.y0 + 1);
    for (std::int64_t j = 0; j < g.height; ++j)
        for (std::int64_t i = 0; i < g.width; ++i) {
            const auto at = static_cast<std::size_t>(j * g.width + i);
            const double x = g.centreX(i), y = g.centreY(j);
            radius[at] = ellipticRadius(b, x, y);
            around[at] = std::abs(x - (b.x0 + b.x1) / 2) < halfW && std::abs(y - (b.y0 + b.y1) / 2) < halfH;
        }
    const Histogram in = histogramOf(grey, [&](std::size_t i) { return radius[i] * radius[i] < 0.6; });
    const Histogram out = histogramOf(grey, [&](std::size_t i) { return radius[i] > 1 && around[i]; });
    std::vector<float> prior(grey.size());
    for (std::size_t i = 0; i < prior.size(); ++i) {
        const auto bin = static_cast<std::size_t>(binOf(grey[i]));
        const double shape = std::clamp(6 * (1 - radius[i]), -6.0, 6.0);
        const double ratio = std::log((in[bin] + 0.01) / (out[bin] + 0.01));
        prior[i] = static_cast<float>(std::clamp(0.6 * shape + 1.5 * ratio, -6.0, 6.0));
    }
    return prior;
}

} // namespace tandem
