#pragma once

#include "database/project_file.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

namespace tandem {

/// A grid whose numbers do not survive a text of few digits.
inline Geometry obliqueGrid() {
    Affine<Patient, Voxel> affine;
    affine.linear = {{{0.7 / 3, -1.0 / 3, 0.1}, {1.0 / 3, 0.7000000000000001, -0.2}, {0.05, 0.3, 2.5}}};
    affine.offset = {-103.33333333333333, 1e-17, 1234567.8901234567};
    return Geometry::make({12, 10, 8}, affine).value();
}

inline ImageRecord imageAt(const std::filesystem::path& path) {
    return {path, "1.2.3#axial", 2, "0123456789abcdef", obliqueGrid(), "CT"};
}

/// Paints a few random runs that fit the map.
inline Edit randomEdit(std::mt19937& random, const LabelMap& map) {
    SliceMask mask(12, 10);
    for (auto& in : mask.inside)
        in = random() % 4 == 0;
    const SliceKey slice{Plane::Axial, static_cast<std::int64_t>(random() % 8)};
    Edit edit = editFromMask(map, slice, mask, LabelId{static_cast<std::uint16_t>(random() % 4)},
                             EditSource::Brush, {});
    edit.title = "Brush, liver, axial " + std::to_string(slice.index);
    return edit;
}

} // namespace tandem
