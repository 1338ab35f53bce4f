#pragma once

#include "core/image/volume.h"

#include <string>

namespace tandem::imaging {

/// XXH3 with 128 bits over the value type, the components, the grid and every voxel; 32 hex digits. Two
/// volumes have one hash exactly when values, type and affine are the same bits. Thread: any; pure.
std::string contentHash(const Volume&);

} // namespace tandem::imaging
