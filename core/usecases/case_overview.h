#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem {

/// Voxels of one label: how many, and a box that holds them all (may be larger after erasing).
struct LabelExtent {
    std::int64_t voxels = 0;
    std::array<std::int64_t, 3> first{0, 0, 0}, last{-1, -1, -1};
};

/// What a view wants to know of a case before it shows it, and that takes a walk over every voxel to find
/// out.
struct CaseOverview {
    bool hounsfield = false; ///< grey values are Hounsfield units, by the file's word or by their range
    std::array<double, 2> range{0, 0}; ///< smallest and largest grey value
    GreyWindow automatic;              ///< fits the grey values that occur
    std::vector<LabelExtent> labels;   ///< by label number; as long as the largest label needs
};

/// Walks over the image and its labels. `modality`: as the record of the image has it, or empty.
/// Thread: any; tenths of a second for a large image.
CaseOverview overviewOf(const Volume&, const std::string& modality, const LabelMap&);

/// The extents of all labels, by number.
std::vector<LabelExtent> labelExtents(const LabelMap&);

} // namespace tandem
