#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "inference/train/random.h"

#include <array>

namespace tandem {

/// What synthetic scenes and patterns are painted with; slices have one component, grey of about -1..1.

/// An outline in polar coordinates: an ellipse whose radius waves with a few harmonics.
struct WavyBlob {
    double x, y, a, b, turn;
    std::array<double, 5> amplitude{}, phase{};

    /// @param radius    px, of about its middle half axis
    /// @param waviness  0: an ellipse
    WavyBlob(double cx, double cy, double radius, double waviness, Random&);
    /// Radius in units of the outline: below 1 inside.
    double radiusAt(double px, double py) const;
};

/// Marks the pixels of a blob between `inner` (in units of its outline) and its outline.
void fillBlob(SliceMask&, const WavyBlob&, double inner);
/// Marks the pixels within `radius` of a place.
void fillDisc(SliceMask&, double x, double y, double radius);

/// Textured ground, side x side.
SliceImage paintGround(std::int64_t side, Random&);
/// Adds contrast and a texture of its own to the pixels of a mask.
void shadeObject(SliceImage&, const SliceMask&, Random&);
/// What a scanner adds: blur, a bias field, speckle, noise.
void finishScene(SliceImage&, Random&);

} // namespace tandem
