#include "core/measure/parts_field.h"

#include "core/measure/components.h"
#include "core/measure/detail_grey.h"
#include "core/measure/gaussian_blur.h"
#include "core/measure/prompt_grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace tandem {
namespace {

constexpr std::int64_t cellsAlong = 256;
constexpr std::array<double, 6> sigmas{0.7, 1.4, 2.8, 5.6, 11.2, 22.4}; // cells
using Scales = std::array<SliceImage, sigmas.size()>;                   // blurred by each

Scales scalesOf(const SliceImage& grey, const CropGrid& g) {
    Scales scales;
    scales.fill({g.width, g.height, 1, unitGrey(grey, g)});
    for (std::size_t i = 0; i < sigmas.size(); ++i)
        blur(scales[i], sigmas[i]);
    return scales;
}

std::vector<float> difference(const SliceImage& a, const SliceImage& b) {
    std::vector<float> out = a.values;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] -= b.values[i];
    return out;
}

// Of values' distance from their mean: the mean square and the mean cube.
struct Moments {
    double square = 0, cube = 0;
};
Moments momentsOf(const std::vector<float>& values) {
    const auto n = static_cast<double>(values.size());
    double mean = 0;
    for (const float v : values)
        mean += static_cast<double>(v) / n;
    Moments m;
    for (const float v : values) {
        const double d = static_cast<double>(v) - mean;
        m.square += d * d / n;
        m.cube += d * d * d / n;
    }
    return m;
}

// Deviation of what lies between two scales; its extremes count as the 2nd and the 98th percentile.
double spread(const SliceImage& fine, const SliceImage& coarse) {
    std::vector<float> band = difference(fine, coarse);
    const float low = quantileOf(band, 0.02), high = quantileOf(band, 0.98);
    for (float& v : band)
        v = std::clamp(v, low, high);
    return std::sqrt(momentsOf(band).square);
}

bool hasPartsOfOneSize(const Scales& scales) {
    std::array<double, sigmas.size() - 1> bands{};
    double all = 1e-9;
    for (std::size_t i = 0; i < bands.size(); ++i)
        all += bands[i] = spread(scales[i], scales[i + 1]);
    const double parts = std::max(bands[2], bands[3]);
    return parts > bands[1] && parts > 1.05 * bands[4] && bands[0] < 0.15 * all;
}

// How far each cell stands out from its surroundings in the rarer direction, in deviations of those.
std::vector<float> standingOut(const Scales& scales) {
    std::vector<float> out = difference(scales[1], scales.back());
    SliceImage around{scales[1].width, scales[1].height, 1, out};
    for (float& v : around.values)
        v *= v;
    blur(around, sigmas.back());
    const Moments moments = momentsOf(out);
    const auto least = static_cast<float>(0.25 * std::sqrt(moments.square) + 1e-9);
    const float sign = moments.cube < 0 ? -1.0F : 1.0F;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] *= sign / (std::sqrt(around.values[i]) + least);
    return out;
}

constexpr std::int64_t smallest = 12; // cells

// Whether there are many parts that lie all over the grid.
bool areAllOver(const Components& parts, const CropGrid& g) {
    constexpr std::size_t fewest = 30, squares = 5;
    std::vector<double> x(parts.voxels.size()), y(parts.voxels.size()); // sums, for their middles
    for (std::size_t i = 0; i < parts.label.size(); ++i) {
        const auto part = static_cast<std::size_t>(parts.label[i]);
        x[part] += static_cast<double>(i % static_cast<std::size_t>(g.width));
        y[part] += static_cast<double>(i / static_cast<std::size_t>(g.width));
    }
    const auto square = [](double middle, std::int64_t length) {
        return std::min(squares - 1,
                        static_cast<std::size_t>((middle + 0.5) * squares / static_cast<double>(length)));
    };
    std::size_t many = 0;
    std::int64_t largest = 0, all = 0;
    std::array<bool, squares * squares> taken{};
    for (std::size_t n = 1; n < parts.voxels.size(); ++n) {
        if (parts.voxels[n] < smallest)
            continue;
        const auto cells = static_cast<double>(parts.voxels[n]);
        taken[square(y[n] / cells, g.height) * squares + square(x[n] / cells, g.width)] = true;
        largest = std::max(largest, parts.voxels[n]);
        all += parts.voxels[n];
        ++many;
    }
    const auto covered = std::count(taken.begin(), taken.end(), true);
    return many >= fewest && covered * 100 >= 80 * static_cast<std::int64_t>(taken.size()) &&
           4 * largest <= all;
}

} // namespace

std::optional<PartsField> findParts(const SliceImage& slice, const SliceBox& box) {
    constexpr double smallestCell = 0.6; // pixels: the grain of a small picture would be large
    PartsField field{gridOver(box, cellsAlong), {}};
    if (!spansPicture(slice, box) || field.grid.stepX < smallestCell)
        return std::nullopt;
    const Scales scales = scalesOf(slice.components == 3 ? detailGrey(slice, box) : slice, field.grid);
    if (!hasPartsOfOneSize(scales))
        return std::nullopt;
    constexpr float cut = 0.3F, steepness = 2;
    field.logits = standingOut(scales);
    for (float& v : field.logits)
        v = steepness * (v - cut);
    const Components parts = dropSpecks(field.logits, {field.grid.width, field.grid.height, 1}, smallest);
    if (!areAllOver(parts, field.grid))
        return std::nullopt;
    return field;
}

} // namespace tandem
