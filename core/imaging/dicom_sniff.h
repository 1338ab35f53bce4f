#pragma once

#include "core/imaging/file_bytes.h"

namespace tandem::imaging {

/// True if these first bytes are a DICOM file's: "DICM" after the preamble, or, without a preamble, a first
/// element of group 0002 or 0008 that makes sense.
bool isDicom(std::span<const std::uint8_t> head);

} // namespace tandem::imaging
