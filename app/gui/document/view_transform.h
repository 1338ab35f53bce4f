#pragma once

#include "core/geometry/slice_plane.h"

namespace tandem {

/// How one slice lies in a view: turned for the screen, true to millimetres, zoomed and moved.
/// Pixel edges: voxel i covers i-0.5 .. i+0.5, view pixel p covers p .. p+1; the slice's outline, from -0.5
/// to size-0.5, is what the fit brings inside the view. Thread: one at a time; pure data.
class ViewTransform {
public:
    ViewTransform() = default;
    ViewTransform(const Geometry&, Plane);

    /// Size of the view, ViewPx. Zoom and the slice point in the middle stay.
    void resize(double widthPx, double heightPx);
    /// The whole slice in the middle of the view.
    void fit();
    /// Multiplies the zoom, keeping the slice point under `fixed` where it is. Zoom stays within 0.2 .. 64 of
    /// the fit.
    void zoomAbout(const Point<ViewPx>& fixed, double factor);
    /// Moves the slice by a view distance.
    void pan(const Vector<ViewPx>& by);
    /// Puts a slice point into the middle of the view.
    void centreOn(const Point<SlicePx>& at) { centre_ = at; }

    double zoom() const { return zoom_; } ///< 1 = the whole slice fits
    double pixelsPerMm() const;
    const ScreenOrientation& orientation() const { return orientation_; }

    Affine<ViewPx, SlicePx> viewFromSlice() const;
    Affine<SlicePx, ViewPx> sliceFromView() const;

private:
    ScreenOrientation orientation_;
    std::array<std::int64_t, 2> size_{1, 1};
    std::array<double, 2> spacing_{1, 1};
    double width_ = 1, height_ = 1;
    double zoom_ = 1;
    Point<SlicePx> centre_;
};

} // namespace tandem
