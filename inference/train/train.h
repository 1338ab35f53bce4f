#pragma once

#include "core/result.h"
#include "core/usecases/job.h"
#include "inference/library.h"

#include <stop_token>

namespace tandem::train {

/// Trains as a configuration says ("network", "recipe", "focus", "card"): see resources/training. Writes into
/// the request's folder: model.safetensors (float16, moving average of the weights; every
/// recipe.saveEverySamples samples and at the end), state.safetensors (to go on from) and log.csv (samples,
/// loss, learning rate, seconds). With `resume` that folder's state is taken and the run goes on as if it had
/// not been interrupted. Errors: a configuration that makes no sense, a pack that cannot be read or may not
/// be trained on, FileUnwritable; Cancelled, after the state has been saved. Thread: a worker that does
/// nothing else meanwhile.
Result<TrainReport> runTraining(const TrainRequest&, const Progress&, std::stop_token);

} // namespace tandem::train
