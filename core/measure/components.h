#pragma once

#include "core/image/label_map.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// Connected components of a mask.
struct Components {
    std::vector<std::int32_t> label;  ///< 0 outside, 1..count inside, numbered in scan order
    std::vector<std::int64_t> voxels; ///< voxels[n] = size of component n; voxels[0] is 0
    std::int32_t count() const { return static_cast<std::int32_t>(voxels.size()) - 1; }
    /// The number of the largest component (the first of equals); 0 if there is none.
    std::int32_t largest() const;
};

/// @param size voxels along x (fastest), y, z; a slice has z = 1
/// @param full neighbours that share a corner count too (8 or 26); else only those that share a face (4 or 6)
/// Thread: any; pure.
Components connectedComponents(std::span<const std::uint8_t> mask, std::array<std::int64_t, 3> size,
                               bool full = false);

/// Turns the logits of what is in (> 0) and hangs together in fewer than `smallest` voxels to out, but not
/// where a voxel of it was pointed at. @return the components before
/// @param pointedAt  1 for those voxels; empty for none
Components dropSpecks(std::span<float> logits, std::array<std::int64_t, 3> size, std::int64_t smallest,
                      bool full = false, std::span<const std::uint8_t> pointedAt = {});

/// The cell of a component that lies deepest inside it: largest Euclidean distance to the rest, the image's
/// edge counting as rest; the first in scan order of equals. For a mask without that component: (0, 0).
std::array<std::int64_t, 2> innermost(const Components&, std::int32_t component, std::int64_t width,
                                      std::int64_t height);

} // namespace tandem
