#pragma once
// Private to inference/.

#include "inference/network/config.h"
#include "inference/train/sample.h"

namespace tandem::train {

/// A task as a network of the `sam` or `medsam` convention meets it: the whole slice, grey values between
/// their percentiles 0.5 and 99.5 as 0..255, prepared by the functions that predict; a box whose edges stand
/// 0 .. recipe.boxShift pixels of a 256-pixel picture outside the object (whole numbers, each edge for
/// itself, kept inside the slice); no mask prompt. Nothing if the mask is empty. Source of the box: DB-SAM's
/// data set, see inference/README.md.
std::optional<TrainingSample> makeWholeSample(const TrainingTask&, const Recipe&, const net::NetworkConfig&,
                                              Random&, const Teacher& = {});

} // namespace tandem::train
