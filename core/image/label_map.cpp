#include "core/image/label_map.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem {

Rgb labelColour(LabelId id) {
    // Twelve colours that stay apart on dark grey, for the common case; later ones walk the hue circle by the
    // golden angle.
    static constexpr std::array<Rgb, 12> first{{{255, 107, 107},
                                                {77, 208, 225},
                                                {255, 213, 79},
                                                {129, 199, 132},
                                                {186, 104, 200},
                                                {255, 167, 38},
                                                {100, 149, 237},
                                                {240, 98, 146},
                                                {174, 213, 129},
                                                {38, 166, 154},
                                                {215, 164, 120},
                                                {158, 158, 255}}};
    if (id.value == 0)
        return {};
    if (id.value <= first.size())
        return first[id.value - 1u];
    const double hue = std::fmod(id.value * 137.508, 360.0) / 60.0;
    const auto channel = [hue](double shift) {
        const double k = std::fmod(hue + shift, 6.0);
        const double x = 0.92 - 0.55 * 0.92 * std::max(0.0, std::min({k, 4.0 - k, 1.0}));
        return static_cast<std::uint8_t>(std::lround(255 * x));
    };
    return {channel(5), channel(3), channel(1)};
}

Result<LabelMap> LabelMap::make(Geometry grid, std::vector<std::uint16_t> labels) {
    if (labels.size() != static_cast<std::size_t>(grid.voxelCount()))
        return Error{ErrorCode::InvalidArgument, "The mask has " + std::to_string(labels.size()) +
                                                     " voxels, its grid has " +
                                                     std::to_string(grid.voxelCount()) + "."};
    LabelMap map(Geometry::axisAligned({1, 1, 1}, {1, 1, 1}));
    map.grid_ = grid;
    map.labels_ = std::move(labels);
    return map;
}

std::vector<LabelId> LabelMap::present() const {
    std::vector<bool> seen(65536);
    for (std::uint16_t v : labels_)
        seen[v] = true;
    std::vector<LabelId> out;
    for (std::uint32_t v = 1; v < seen.size(); ++v)
        if (seen[v])
            out.push_back({static_cast<std::uint16_t>(v)});
    return out;
}

std::int64_t LabelMap::count(LabelId id) const {
    return std::count(labels_.begin(), labels_.end(), id.value);
}

SliceMask sliceMask(const LabelMap& map, SliceKey key, LabelId label) {
    const auto size = sliceSize(map.grid(), key.plane);
    SliceMask mask(size[0], size[1]);
    for (std::int64_t y = 0; y < mask.height; ++y)
        for (std::int64_t x = 0; x < mask.width; ++x)
            mask.at(x, y) = map.at(voxelAt(map.grid(), key, x, y)) == label;
    return mask;
}

} // namespace tandem
