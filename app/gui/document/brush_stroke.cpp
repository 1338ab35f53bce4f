#include "app/gui/document/brush_stroke.h"

namespace tandem {

BrushStroke::BrushStroke(const Geometry& g, SliceKey slice, double radiusMm, StrokeRule rule)
    : slice_(slice), radiusMm_(radiusMm), rule_(std::move(rule)), spacingMm_(sliceSpacing(g, slice.plane)),
      mask_(sliceSize(g, slice.plane)[0], sliceSize(g, slice.plane)[1]) {}

void BrushStroke::moveTo(const Point<SlicePx>& at) {
    way_.push_back(at);
    if (begun_)
        draw(way_.size() - 1);
}

void BrushStroke::begin() {
    begun_ = true;
    for (std::size_t leg = 0; leg < way_.size(); ++leg)
        draw(leg);
}

void BrushStroke::draw(std::size_t leg) {
    const Point<SlicePx>& from = way_[leg == 0 ? 0 : leg - 1];
    for (const SliceRect& r :
         {brushLeg(mask_, from, way_[leg], radiusMm_, spacingMm_), brushVoxelUnder(mask_, way_[leg])}) {
        if (r.empty())
            continue;
        touched_.include(r.x0, r.y0);
        touched_.include(r.x1, r.y1);
    }
}

Edit BrushStroke::edit(const LabelMap& map) const {
    const LabelId* onlyOver = rule_.onlyOver ? &*rule_.onlyOver : nullptr;
    return editFromMask(map, slice_, mask_, rule_.label, rule_.source, rule_.locked, onlyOver);
}

} // namespace tandem
