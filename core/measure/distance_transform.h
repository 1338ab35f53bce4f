#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// Squared Euclidean distance from every cell of a grid to the nearest cell where `feature` is non-zero.
/// @param size     cells along x (fastest), y, z; a 2-D grid has z = 1
/// @param spacing  length of one step along x, y, z
/// @return one value per cell, in the square of spacing's unit; infinity everywhere if there is no feature
/// Exact (in double). Thread: any; pure.
/// Source: Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions, 2012.
std::vector<double> squaredDistance(std::span<const std::uint8_t> feature, std::array<std::int64_t, 3> size,
                                    std::array<double, 3> spacing = {1, 1, 1});

} // namespace tandem
