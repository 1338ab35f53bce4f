#pragma once

#include "core/result.h"
#include "inference/library.h"

#include <string>

namespace tandem::bench {

/// Times the mask decoder on one embedding: one box, and 16 boxes in one call; prompts encoded each time.
/// @return a JSON object; its keys are explained in DESIGN.md ("bench decode"). reference_ms is one box with
/// LibTorch's operators in the order of the published modules, timed in the same run. Errors: those of
/// opening the file.
Result<std::string> benchDecode(const BenchRequest&, const Progress&);

} // namespace tandem::bench
