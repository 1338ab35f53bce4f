#pragma once

#include "core/usecases/segmenter.h"

#include <optional>

namespace tandem {

/// Smallest and largest pixel that is in; nothing for an empty mask.
std::optional<SliceBox> boundingBox(const SliceMask&);

/// The same of the mask's part inside a box.
std::optional<SliceBox> boundingBox(const SliceMask&, const SliceBox& within);

} // namespace tandem
