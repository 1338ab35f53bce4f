#pragma once

#include "core/result.h"
#include "inference/library.h"

#include <string>

namespace tandem::bench {

/// Times steps of the trainer as `tandem train` makes them: from its configuration, random weights, batches
/// from packs (or synthetic scenes without any).
/// @return a JSON object: samples_per_s (of the median step), step_ms (median), step_ms_all, loader_share (of
///         all time, spent waiting for batches), stages (mean ms of a step: wait, forward, backward,
///         optimiser, average), batch, threads, million_parameters.
/// Errors: those of the configuration and of the packs.
Result<std::string> benchTrain(const TrainBenchRequest&, const Progress&);

} // namespace tandem::bench
