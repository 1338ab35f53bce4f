#pragma once

#include "core/geometry/geometry.h"
#include "core/image/label_map.h"
#include "core/image/volume.h"

#include <cstdint>
#include <vector>

namespace tandem {

/// A synthetic CT of an abdomen with its labels: the demo case, and the test image whose truth is known
/// everywhere. It is defined in the patient (LPS mm, centre at the origin) and sampled on any grid. Left and
/// right differ: liver, gall bladder and the lower kidney on the patient's right; spleen, stomach and the
/// larger kidney on the left.
struct Phantom {
    Volume image; ///< int16 Hounsfield units with noise and partial volume
    LabelMap labels;
    std::vector<LabelInfo> names; ///< 1 liver .. 8 liver lesion
};

/// Labels of the phantom.
namespace phantom_label {
inline constexpr LabelId liver{1}, spleen{2}, rightKidney{3}, leftKidney{4}, spine{5}, aorta{6}, stomach{7},
    lesion{8};
}

/// Names and colours of the phantom's labels.
std::vector<LabelInfo> phantomNames();

/// The grid of the demo case: 192 x 160 x 72 voxels of 1.8 x 1.8 x 4 mm, axial; oblique: the same, tilted by
/// 12 degrees about the left-right axis and 8 degrees about the feet-head axis.
Geometry phantomGrid(bool oblique);

/// @param seed noise and the small individual differences of the shapes; the same seed gives the same phantom
Phantom makePhantom(const Geometry& grid, std::uint64_t seed);

} // namespace tandem
