#include "core/measure/retinal_vessels.h"

#include "core/measure/bends.h"
#include "core/measure/components.h"
#include "core/measure/gaussian_blur.h"
#include "core/measure/lit_cells.h"
#include "core/measure/prompt_grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace tandem {
namespace {

constexpr std::int64_t cellsAlong = 384;
constexpr double reach = 6; // cells that dark surroundings are kept away

using Lit = std::vector<std::uint8_t>;

SliceImage colourOn(const SliceImage& colours, std::size_t c, const CropGrid& g) {
    std::array<float, 3> one{};
    one[c] = 1;
    return {g.width, g.height, 1, sampleGrid(mixed(colours, one), g, 0)};
}

float median(const SliceImage& s, const Lit& lit) {
    return quantileOf(chosen(s.values, lit), 0.5);
}

bool hasRetinasColours(const SliceImage& slice, const CropGrid& g, const Lit& lit) {
    const float red = median(colourOn(slice, 0, g), lit), green = median(colourOn(slice, 1, g), lit),
                blue = median(colourOn(slice, 2, g), lit);
    return red > 1.5F * green && green > 1.7F * blue;
}

// The logarithm of green; beyond what is lit it goes on smoothly, so that its rim is no line.
SliceImage greenOf(const SliceImage& slice, const CropGrid& g, const Lit& lit) {
    SliceImage green = colourOn(slice, 1, g), sum = green, weight = green;
    for (std::size_t i = 0; i < lit.size(); ++i) {
        green.values[i] = std::log(std::max(green.values[i], 0.0F) + 20);
        weight.values[i] = lit[i] ? 1.0F : 0.0F;
        sum.values[i] = lit[i] ? green.values[i] : 0;
    }
    blur(sum, 2 * reach);
    blur(weight, 2 * reach);
    for (std::size_t i = 0; i < lit.size(); ++i)
        if (!lit[i])
            green.values[i] = sum.values[i] / std::max(weight.values[i], 1e-3F);
    return green;
}

// How strongly each lit cell lies on a dark line, and on a bright one: the bend across less half of that
// along.
struct Lines {
    std::vector<float> dark, bright;
};
Lines linesIn(const SliceImage& green, const Lit& lit) {
    Lines lines{std::vector<float>(lit.size()), std::vector<float>(lit.size())};
    for (const double sigma : {1.5, 2.5}) {
        SliceImage smooth = green;
        blur(smooth, sigma);
        const auto [large, small] = bendsOf(smooth);
        const auto scale = static_cast<float>(std::pow(sigma, 1.5));
        for (std::size_t i = 0; i < lit.size(); ++i) {
            if (!lit[i])
                continue;
            lines.dark[i] = std::max(lines.dark[i], scale * (large[i] - 0.5F * std::abs(small[i])));
            lines.bright[i] = std::max(lines.bright[i], scale * (-small[i] - 0.5F * std::abs(large[i])));
        }
    }
    return lines;
}

// Whether lines hang together as vessels do.
bool isTree(const Components& parts) {
    constexpr std::int64_t longPart = 300; // cells
    std::int64_t all = 0, inLong = 0, largest = 0;
    for (const std::int64_t n : parts.voxels) {
        all += n;
        inLong += n >= longPart ? n : 0;
        largest = std::max(largest, n);
    }
    return 100 * inLong > 62 * all && 4 * largest > all;
}

} // namespace

std::optional<PartsField> findRetinalVessels(const SliceImage& slice, const SliceBox& box) {
    if (slice.components != 3 || !spansPicture(slice, box))
        return std::nullopt;
    const CropGrid grid = gridOver(box, cellsAlong);
    const SliceImage brightness{grid.width, grid.height, 1, sampleGrid(luminance(slice), grid, 0)};
    const Lit lit = litCells(brightness, reach);
    if (5 * std::count(lit.begin(), lit.end(), 1) < static_cast<std::int64_t>(lit.size()) ||
        !hasRetinasColours(slice, grid, lit))
        return std::nullopt;
    const SliceImage green = greenOf(slice, grid, lit);
    const Lines lines = linesIn(green, lit);
    const auto strong = [&](const std::vector<float>& of, double fraction) {
        return quantileOf(chosen(of, lit), fraction);
    };
    const float cut = strong(lines.dark, 0.87);
    if (cut <= 0 || strong(lines.dark, 0.97) < 1.1F * strong(lines.bright, 0.97))
        return std::nullopt;
    constexpr std::int64_t speck = 45; // cells
    constexpr float steepness = 4, certain = 6;
    PartsField field{grid, std::vector<float>(lit.size(), -certain)};
    for (std::size_t i = 0; i < lit.size(); ++i)
        if (lit[i])
            field.logits[i] = std::clamp(steepness * (lines.dark[i] / cut - 1), -certain, certain);
    if (!isTree(dropSpecks(field.logits, {grid.width, grid.height, 1}, speck, true)))
        return std::nullopt;
    return field;
}

} // namespace tandem
