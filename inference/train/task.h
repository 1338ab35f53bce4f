#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"

#include <string>

namespace tandem {

/// One thing to be segmented: a grey slice and the mask of one object in it (same size, not empty).
struct TrainingTask {
    SliceImage image; ///< one component
    SliceMask mask;
    double imageSide =
        0; ///< longer side of the picture that a person would see, px: how far off a hand-drawn box is
    std::string source;     ///< data set, "scene", "superpixels" or "pattern"
    std::string imageKey{}; ///< names the slice if it is a whole one of a pack, unchanged; else empty
};

} // namespace tandem
