#pragma once
// Private to inference/.

#include "inference/library.h"

namespace tandem::bench {

/// See InferenceLibrary::measureSpeed. What is timed is the way of a person's box: the service with its own
/// inference thread, preprocessing, network, and logits on the slice's grid.
Result<ModelSpeed> measureSpeed(const SpeedRequest&, const Progress&, const std::stop_token&);

} // namespace tandem::bench
