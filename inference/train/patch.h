#pragma once

#include "inference/train/random.h"
#include "inference/train/recipe.h"
#include "inference/train/task.h"

namespace tandem {

/// A task turned, mirrored, stretched and scaled onto a patch.
struct Patch {
    SliceImage image;
    SliceMask mask;
    double pixel = 1;     ///< size of an original pixel, patch pixels
    double imageSide = 0; ///< longer side of the picture, patch pixels
};

/// Renders the surroundings of a task's object on side x side pixels: twice a box `stretch` times as long as
/// the object about fills the patch; flips and quarter turns, up to 29 degrees in half of the cases, aspect
/// exp(+-0.2); in `bendShare` of the cases places are shifted by a smooth field of up to some 5 % of the
/// object.
Patch renderPatch(const TrainingTask&, int side, double stretch, double bendShare, Random&);

/// Changes grey values: repainting, a curve, gain, shift, gamma, inversion, bias field, blur, speckle, noise,
/// each in a share of the cases. Ends with values of about 0..1.
/// @param object  the object's pixels, for repainting
void changeGrey(SliceImage&, const SliceMask& object, const Recipe&, Random&);

} // namespace tandem
