#pragma once

#include "core/image/volume.h"
#include "core/measure/grey_crop.h"
#include "core/usecases/segmenter.h"

#include <optional>
#include <vector>

namespace tandem {

/// A picture full of parts of about one size, as nuclei in stained or fluorescent tissue, that one box takes
/// in.
struct PartsField {
    CropGrid grid;             ///< over the box
    std::vector<float> logits; ///< the grid's cells row by row; > 0 belongs to a part
};

/// Finds the parts of a box that takes in (nearly) all of a slice: what is brighter or darker than its
/// surroundings, whichever is the rarer. On 256 cells along the box's longer side the differences of
/// Gaussians of 0.7, 1.4, 2.8, 5.6, 11.2 and 22.4 cells say how large details are; parts of one size make
/// those at 2.8 to 11.2 cells the largest, where noise, texture and single objects do not. Nothing where that
/// is not so, where what stands out has fewer than 30 parts of 12 cells, leaves much of the box empty or is
/// one piece, or in a box of less than 154 pixels, whose grain would be large. Thread: any; pure. Colour
/// slices are seen through detailGrey.
std::optional<PartsField> findParts(const SliceImage&, const SliceBox&);

} // namespace tandem
