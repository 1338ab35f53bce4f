#pragma once

#include "core/imaging/dicom_file.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace tandem::imaging {

/// Values of DICOM elements as plain types; an element that is missing, empty or no number gives nothing.

std::string textOf(DcmItem&, const DcmTagKey&);
/// In UTF-8, from the file's character set; what cannot be converted becomes '?'.
std::string personText(DcmItem&, const DcmTagKey&);
std::optional<double> numberOf(DcmItem&, const DcmTagKey&);
std::vector<double> numbersOf(DcmItem&, const DcmTagKey&);
std::optional<std::int64_t> integerOf(DcmItem&, const DcmTagKey&);
/// The first (or another) item of a sequence, or null.
DcmItem* itemOf(DcmItem&, const DcmTagKey&, long index = 0);
/// The bytes of an element, at most `most`; empty if longer.
std::vector<std::uint8_t> bytesOf(DcmItem&, const DcmTagKey&, std::size_t most);

} // namespace tandem::imaging
