#pragma once

#include "core/geometry/geometry.h"
#include "core/geometry/slice_plane.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace tandem {

/// The number of a label in a label map; 0 is background. An own type, so that it is not mixed with indices.
struct LabelId {
    std::uint16_t value = 0;
    friend auto operator<=>(const LabelId&, const LabelId&) = default;
};

struct Rgb {
    std::uint8_t r = 0, g = 0, b = 0;
    friend bool operator==(const Rgb&, const Rgb&) = default;
};

/// What a person knows of a label.
struct LabelInfo {
    LabelId id;
    std::string name;
    Rgb colour;
    bool visible = true;
    bool locked = false; ///< no tool and no network writes it or over it
};

/// The palette that new labels take their colour from: distinct on dark grey, stable by number.
Rgb labelColour(LabelId);

class LabelMap;
struct Edit;
Result<void> applyEdit(LabelMap&, const Edit&);

/// A label for every voxel of a grid, i fastest. Read by anyone; written by applyEdit alone.
class LabelMap {
public:
    explicit LabelMap(Geometry grid)
        : grid_(grid), labels_(static_cast<std::size_t>(grid.voxelCount()), std::uint16_t{0}) {}
    /// Takes labels read from a file or the store. Error: InvalidArgument if the number does not fit the
    /// grid.
    static Result<LabelMap> make(Geometry grid, std::vector<std::uint16_t> labels);

    const Geometry& grid() const { return grid_; }
    const std::vector<std::uint16_t>& labels() const { return labels_; }
    LabelId at(const VoxelIndex& v) const { return {labels_[static_cast<std::size_t>(grid_.offsetOf(v))]}; }
    /// Every label other than 0 that occurs, in order.
    std::vector<LabelId> present() const;
    std::int64_t count(LabelId) const;

private:
    friend Result<void> applyEdit(LabelMap&, const Edit&);
    Geometry grid_;
    std::vector<std::uint16_t> labels_;
};

/// A mask of one slice: rows y, columns x of SlicePx; 1 = in.
struct SliceMask {
    std::int64_t width = 0, height = 0;
    std::vector<std::uint8_t> inside;

    SliceMask() = default;
    SliceMask(std::int64_t w, std::int64_t h)
        : width(w), height(h), inside(static_cast<std::size_t>(w * h)) {}
    std::uint8_t& at(std::int64_t x, std::int64_t y) {
        return inside[static_cast<std::size_t>(y * width + x)];
    }
    std::uint8_t at(std::int64_t x, std::int64_t y) const {
        return inside[static_cast<std::size_t>(y * width + x)];
    }
    bool empty() const {
        for (std::uint8_t v : inside)
            if (v)
                return false;
        return true;
    }
    friend bool operator==(const SliceMask&, const SliceMask&) = default;
};

/// Where a label lies on one slice. The slice must exist.
SliceMask sliceMask(const LabelMap&, SliceKey, LabelId);

} // namespace tandem
