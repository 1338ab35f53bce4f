#pragma once

#include "inference/train/random.h"
#include "inference/train/task.h"

namespace tandem {

/// A synthetic scene, 96..160 px square: textured ground with 2..8 objects (blobs with a wavy outline, tubes
/// along a random walk, shells with or without a core, groups of islands), each with contrast and texture of
/// its own, then blur, a bias field, speckle and noise. The task is one of its objects (as far as later ones
/// do not cover it).
TrainingTask makeScene(Random&);

} // namespace tandem
