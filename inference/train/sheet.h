#pragma once
// Private to inference/.

#include "inference/train/plan.h"
#include "inference/train/task_source.h"

#include <string>

namespace tandem::train {

/// What the trainer sees: the first samples of a run as a PNG picture. Of each the network's grey channel,
/// the object's outline (green) and the box (yellow); under it the data set. Error: the source's.
Result<std::string> sheetOfSamples(const Plan&, const TaskSource&, int columns, int rows);

} // namespace tandem::train
