#pragma once

#include "core/image/label_map.h"
#include "core/result.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace tandem {

/// Labels from a text like "1=liver;2=left kidney", coloured by number.
/// Error: FormatInvalid for anything else, or a number outside 1..65535. Pure.
Result<std::vector<LabelInfo>> parseLabelNames(std::string_view text);

/// The labels that a PAIRS.csv names in its column "labels", by number; a number that two rows name
/// differently keeps the first name. Errors: FileNotFound, FormatInvalid. Thread: any.
Result<std::vector<LabelInfo>> labelNamesOfPairs(const std::filesystem::path&);

} // namespace tandem
