#pragma once
// Private to inference/.

#include "core/image/volume.h"
#include "core/usecases/segmenter.h"

#include <vector>

namespace tandem {

/// The masks that an object's prompts may mean, the likeliest first. Thread: any; pure, as everything here.
/// @param otherSizes  masks of other sizes that the model draws of these prompts
/// @param otherBox    whether the model reads the object's box in two ways
/// @param parts       whether its box seems to take in many parts
std::vector<CandidateKind> candidatesOf(const Prompts&, int otherSizes, bool otherBox, bool parts = false);

/// Logits on the slice's grid for all that looks like the places clicked on, inside the object's box; without
/// one, anywhere on the slice. -10 outside. See LookAlikes.
std::vector<float> lookAlikeLogits(const SliceImage&, const Prompts&);

} // namespace tandem
