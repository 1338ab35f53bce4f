#include "core/image/render.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// Screen pixel -> place in the slice's array, through turn and flips.
struct ScreenMap {
    ScreenOrientation turn;
    std::array<std::int64_t, 2> size; // slice columns, rows
    double scaleX = 1, scaleY = 1;    // slice voxels per screen pixel, along the screen's axes

    Point<SlicePx> operator()(std::int64_t column, std::int64_t row) const {
        double across = (static_cast<double>(column) + 0.5) * scaleX - 0.5;
        double down = (static_cast<double>(row) + 0.5) * scaleY - 0.5;
        const auto acrossSize = static_cast<double>(turn.transpose ? size[1] : size[0]);
        const auto downSize = static_cast<double>(turn.transpose ? size[0] : size[1]);
        if (turn.flipHorizontal)
            across = acrossSize - 1 - across;
        if (turn.flipVertical)
            down = downSize - 1 - down;
        return turn.transpose ? Point<SlicePx>{{down, across}} : Point<SlicePx>{{across, down}};
    }
};

double interpolated(const SliceImage& s, const Point<SlicePx>& p, int component) {
    const double x = std::clamp(p[0], 0.0, static_cast<double>(s.width - 1));
    const double y = std::clamp(p[1], 0.0, static_cast<double>(s.height - 1));
    const auto x0 = static_cast<std::int64_t>(x), y0 = static_cast<std::int64_t>(y);
    const std::int64_t x1 = std::min(x0 + 1, s.width - 1), y1 = std::min(y0 + 1, s.height - 1);
    const double fx = x - static_cast<double>(x0), fy = y - static_cast<double>(y0);
    const auto at = [&](std::int64_t i, std::int64_t j) {
        return static_cast<double>(
            s.values[static_cast<std::size_t>((j * s.width + i) * s.components + component)]);
    };
    return (1 - fy) * ((1 - fx) * at(x0, y0) + fx * at(x1, y0)) +
           fy * ((1 - fx) * at(x0, y1) + fx * at(x1, y1));
}

std::uint8_t grey(double value, const GreyWindow& w) {
    const double fraction = (value - (w.level - w.width / 2)) / w.width;
    const double bright = std::clamp(w.inverted ? 1 - fraction : fraction, 0.0, 1.0);
    return static_cast<std::uint8_t>(std::lround(255 * bright));
}

std::uint8_t mixed(std::uint8_t under, std::uint8_t over, double alpha) {
    return static_cast<std::uint8_t>(std::lround(under * (1 - alpha) + over * alpha));
}

void overlay(RgbImage& picture, const std::vector<std::uint16_t>& labels) {
    constexpr double fill = 0.3, outline = 0.95;
    for (std::int64_t y = 0; y < picture.height; ++y)
        for (std::int64_t x = 0; x < picture.width; ++x) {
            const auto at = static_cast<std::size_t>(y * picture.width + x);
            if (labels[at] == 0)
                continue;
            const bool edge = x == 0 || y == 0 || x + 1 == picture.width || y + 1 == picture.height ||
                              labels[at - 1] != labels[at] || labels[at + 1] != labels[at] ||
                              labels[at - static_cast<std::size_t>(picture.width)] != labels[at] ||
                              labels[at + static_cast<std::size_t>(picture.width)] != labels[at];
            const Rgb c = labelColour({labels[at]});
            const double alpha = edge ? outline : fill;
            picture.rgb[3 * at] = mixed(picture.rgb[3 * at], c.r, alpha);
            picture.rgb[3 * at + 1] = mixed(picture.rgb[3 * at + 1], c.g, alpha);
            picture.rgb[3 * at + 2] = mixed(picture.rgb[3 * at + 2], c.b, alpha);
        }
}

} // namespace

Result<RgbImage> renderSlice(const Volume& volume, const LabelMap& map, SliceKey key, GreyWindow window,
                             int longestPx) {
    const Geometry& g = volume.geometry();
    if (Result<void> same = checkSameGrid(map.grid(), "The mask", g, "the image"); !same)
        return same.error();
    const Result<SliceImage> slice = extractSlice(volume, key);
    if (!slice)
        return slice.error();
    const auto mm = sliceSpacing(g, key.plane);
    ScreenMap toSlice{screenOrientation(g, key.plane), sliceSize(g, key.plane)};
    const std::size_t across = toSlice.turn.transpose ? 1 : 0, down = 1 - across;
    const double width = static_cast<double>(toSlice.size[across]) * mm[across];
    const double height = static_cast<double>(toSlice.size[down]) * mm[down];
    const double pxPerMm = longestPx / std::max(width, height);
    RgbImage picture{std::max<std::int64_t>(1, std::llround(width * pxPerMm)),
                     std::max<std::int64_t>(1, std::llround(height * pxPerMm)),
                     {}};
    toSlice.scaleX = static_cast<double>(toSlice.size[across]) / static_cast<double>(picture.width);
    toSlice.scaleY = static_cast<double>(toSlice.size[down]) / static_cast<double>(picture.height);
    std::vector<std::uint16_t> labels;
    for (std::int64_t row = 0; row < picture.height; ++row)
        for (std::int64_t column = 0; column < picture.width; ++column) {
            const Point<SlicePx> p = toSlice(column, row);
            for (int c = 0; c < 3; ++c)
                picture.rgb.push_back(grey(interpolated(*slice, p, slice->components == 3 ? c : 0), window));
            const auto x = std::clamp<std::int64_t>(std::llround(p[0]), 0, slice->width - 1);
            const auto y = std::clamp<std::int64_t>(std::llround(p[1]), 0, slice->height - 1);
            labels.push_back(map.at(voxelAt(g, key, x, y)).value);
        }
    overlay(picture, labels);
    return picture;
}

std::int64_t fullestSlice(const LabelMap& map, Plane plane) {
    const auto axis = static_cast<std::size_t>(sliceAxes(map.grid(), plane).slice);
    const Size3 n = map.grid().size();
    std::vector<std::int64_t> counts(static_cast<std::size_t>(n[axis]));
    std::size_t v = 0;
    for (std::int64_t k = 0; k < n[2]; ++k)
        for (std::int64_t j = 0; j < n[1]; ++j)
            for (std::int64_t i = 0; i < n[0]; ++i, ++v)
                if (map.labels()[v] != 0)
                    ++counts[static_cast<std::size_t>(VoxelIndex{i, j, k}[axis])];
    const auto most = std::max_element(counts.begin(), counts.end());
    return *most == 0 ? n[axis] / 2 : most - counts.begin();
}

} // namespace tandem
