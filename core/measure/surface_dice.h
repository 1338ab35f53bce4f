#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tandem {

/// Normalised surface Dice at a tolerance: the share of both surfaces that lies within `tolerance` of the
/// other one. Surface points are the corners of the voxel lattice whose 8 voxels (0 outside) are mixed; each
/// carries the area of its pattern's class at unit spacing. With unequal spacing the distances are true, the
/// areas keep the unit classes.
/// @param size     voxels along x (fastest), y, z; a slice has z = 1
/// @param spacing  voxel size along x, y, z, in the unit of `tolerance`
/// @return 0..1; NaN if both masks are empty, 0 if one is. Thread: any; pure.
/// Source: Nikolov et al., Deep learning to achieve clinically applicable segmentation, 2018 (definition).
double surfaceDice(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> predicted,
                   std::array<std::int64_t, 3> size, double tolerance,
                   std::array<double, 3> spacing = {1, 1, 1});

/// Area of a corner by the pattern of its voxels: bit i = voxel z = i>>2, y = (i>>1)&1, x = i&1.
const std::array<double, 256>& cornerAreas();

} // namespace tandem
