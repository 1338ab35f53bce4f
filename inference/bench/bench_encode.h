#pragma once

#include "core/result.h"
#include "inference/library.h"

#include <string>

namespace tandem::bench {

/// Times the image encoder of a configuration (random weights from the seed) or of a model on one image.
/// @return a JSON object; its keys are explained in DESIGN.md ("bench encode"). reference_ms is the same
/// network with
///         the published chain of operators, timed in the same run. Errors: those of opening the file.
Result<std::string> benchEncode(const BenchRequest&, const Progress&);

} // namespace tandem::bench
