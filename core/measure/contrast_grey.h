#pragma once

#include "core/image/volume.h"
#include "core/usecases/segmenter.h"

namespace tandem {

/// A slice with one component in which the object of a box stands out. Grey slices as they are. Of a colour
/// slice the mix of red, green and blue that best tells the middle of the box (elliptic radius below 0.7)
/// from its surroundings (radius above 1.1, within 1.5 times the box): Fisher's linear discriminant with a
/// tenth of the mean variance added to each colour's, turned so that brighter stays brighter, its weights'
/// absolute values adding up to 1. Where there is no such difference: luminance.
/// Thread: any; pure. Source: Fisher, The use of multiple measurements in taxonomic problems, 1936.
SliceImage contrastGrey(const SliceImage&, const SliceBox&);

} // namespace tandem
