#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/usecases/segmenter.h"

namespace tandem {

/// What a box alone gives, without any training: the yardsticks of `tandem evaluate`. Each returns a mask of
/// the slice's size that is empty outside the box. Thread: any; pure.

/// Pixels whose centre lies in the ellipse inscribed in the box's outer edges.
SliceMask ellipseMask(const SliceImage&, const SliceBox&);

/// Otsu's threshold of the grey values inside the box; the class that fills more of the box's inner ellipse
/// (half its axes) is the object.
SliceMask otsuMask(const SliceImage&, const SliceBox&);

/// Random walker on the box and 60 % of it on each side (at most 160 cells): foreground seeds inside elliptic
/// radius 0.35, background seeds outside the box, beta 400 on grey 0..1 (percentiles 1..99 of the crop); its
/// probability averaged with a logistic of the elliptic radius, cut at 0.5 inside the box.
SliceMask walkerMask(const SliceImage&, const SliceBox&);

/// Distance from the box's centre in units of the inscribed ellipse: 1 on the ellipse.
double ellipticRadius(const SliceBox&, double x, double y);

/// Otsu's threshold: values above it are the upper class. Of equal values: that value.
float otsuThreshold(const std::vector<float>& values);

} // namespace tandem
