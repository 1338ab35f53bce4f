#pragma once

#include "core/image/volume.h"
#include "inference/train/random.h"
#include "inference/train/task.h"

#include <optional>

namespace tandem {

/// Objects of many parts that a person takes in with one box: nuclei, glands, vessels, membranes.

/// A synthetic pattern, 160..320 px square: a field of alike blobs, a tree of branching tubes or the walls of
/// cells, on textured ground with things that do not belong; sometimes seen through a round opening.
TrainingTask makePatternScene(Random&);

/// A task without a label: what stands out from its surroundings, brighter or darker, in a window of an image
/// or in an ellipse of it (difference of two Gaussians above a threshold, crumbs left out). Nothing where
/// that is less than 3 % or more than 45 % of it or has fewer than four parts.
std::optional<TrainingTask> makePatternTask(const SliceImage&, Random&);

} // namespace tandem
