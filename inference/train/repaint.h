#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "inference/train/random.h"

namespace tandem {

/// Gives the regions of a real image new grey values, so that a network learns outlines and not what an organ
/// looks like in one modality: the surroundings, cut into regions of similar grey, take a few levels, the
/// object a level of its own that differs, often by little, from all of theirs; a share of the old texture
/// stays and a new one comes on top.
/// @param image   one component, about 0..1; in place
/// @param object  of the same size
/// Source of the idea: Billot et al., SynthSeg, 2023.
void repaint(SliceImage& image, const SliceMask& object, Random&);

} // namespace tandem
