#include "app/gui/document/view_transform.h"

#include <algorithm>

namespace tandem {

ViewTransform::ViewTransform(const Geometry& g, Plane plane)
    : orientation_(screenOrientation(g, plane)), size_(sliceSize(g, plane)),
      spacing_(sliceSpacing(g, plane)) {
    fit();
}

void ViewTransform::resize(double widthPx, double heightPx) {
    width_ = std::max(1.0, widthPx);
    height_ = std::max(1.0, heightPx);
}

void ViewTransform::fit() {
    zoom_ = 1;
    centre_ = {{static_cast<double>(size_[0] - 1) / 2, static_cast<double>(size_[1] - 1) / 2}};
}

double ViewTransform::pixelsPerMm() const {
    const std::size_t across = orientation_.transpose ? 1 : 0;
    const double widthMm = static_cast<double>(size_[across]) * spacing_[across];
    const double heightMm = static_cast<double>(size_[1 - across]) * spacing_[1 - across];
    return zoom_ * std::min(width_ / widthMm, height_ / heightMm);
}

Affine<ViewPx, SlicePx> ViewTransform::viewFromSlice() const {
    const std::size_t across = orientation_.transpose ? 1 : 0;
    const double scale = pixelsPerMm();
    Affine<ViewPx, SlicePx> m;
    m.linear[0][across] = scale * spacing_[across] * (orientation_.flipHorizontal ? -1 : 1);
    m.linear[1][1 - across] = scale * spacing_[1 - across] * (orientation_.flipVertical ? -1 : 1);
    m.offset[0] = width_ / 2 - m.linear[0][across] * centre_[across];
    m.offset[1] = height_ / 2 - m.linear[1][1 - across] * centre_[1 - across];
    return m;
}

Affine<SlicePx, ViewPx> ViewTransform::sliceFromView() const {
    const std::size_t across = orientation_.transpose ? 1 : 0;
    const Affine<ViewPx, SlicePx> forward = viewFromSlice();
    Affine<SlicePx, ViewPx> m;
    m.linear[across][0] = 1 / forward.linear[0][across];
    m.linear[1 - across][1] = 1 / forward.linear[1][1 - across];
    m.offset[across] = -forward.offset[0] * m.linear[across][0];
    m.offset[1 - across] = -forward.offset[1] * m.linear[1 - across][1];
    return m;
}

void ViewTransform::zoomAbout(const Point<ViewPx>& fixed, double factor) {
    const Point<SlicePx> before = sliceFromView()(fixed);
    zoom_ = std::clamp(zoom_ * factor, 0.2, 64.0);
    const Point<SlicePx> after = sliceFromView()(fixed);
    centre_ = centre_ + (before - after);
}

void ViewTransform::pan(const Vector<ViewPx>& by) {
    centre_ = centre_ + -1.0 * sliceFromView()(by);
}

} // namespace tandem
