#pragma once

#include "core/usecases/segmenter.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tandem::predict {

/// Makes every click and every pixel of a scribble win where it stands: at a foreground click's voxel the
/// logit becomes at least +1, at a background click's at most -1, and its surroundings follow smoothly (a
/// bell of 1.5 px). Where two stand on one voxel, the later one wins. What lies outside the slice is passed
/// over. Logits that agree already stay as they are.
/// @param logits  height * width on the slice's grid
void letClicksWin(std::vector<float>& logits, std::int64_t width, std::int64_t height,
                  std::span<const PointPrompt>);

} // namespace tandem::predict
