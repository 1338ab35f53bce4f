#include "app/gui/document/hand_stroke.h"

#include "core/tools/brush.h"
#include "core/tools/lasso.h"
#include "core/tools/similar_region.h"

#include <cmath>

namespace tandem {

HandStroke::HandStroke(const Geometry& g, SliceKey slice, StrokeTip tip, StrokeRule rule)
    : slice_(slice), tip_(std::move(tip)), rule_(std::move(rule)), spacingMm_(sliceSpacing(g, slice.plane)),
      mask_(sliceSize(g, slice.plane)[0], sliceSize(g, slice.plane)[1]) {}

void HandStroke::moveTo(const Point<SlicePx>& at) {
    way_.push_back(at);
    if (begun_)
        drawFrom(way_.size() - 1);
}

void HandStroke::setTolerance(double tolerance) {
    auto* grow = std::get_if<GrowTip>(&tip_);
    if (!grow)
        return;
    grow->tolerance = tolerance;
    if (begun_)
        takeRegion(*grow);
}

void HandStroke::begin() {
    begun_ = true;
    drawFrom(0);
}

void HandStroke::drawFrom(std::size_t leg) {
    if (const auto* brush = std::get_if<BrushTip>(&tip_))
        for (; leg < way_.size(); ++leg)
            paintLeg(*brush, leg);
    else if (const auto* grow = std::get_if<GrowTip>(&tip_)) {
        if (leg == 0)
            takeRegion(*grow);
    } else
        takeOutline();
}

void HandStroke::paintLeg(const BrushTip& brush, std::size_t leg) {
    const Point<SlicePx>& from = way_[leg == 0 ? 0 : leg - 1];
    touched_.include(brushLeg(mask_, from, way_[leg], brush.radiusMm, spacingMm_));
    touched_.include(brushVoxelUnder(mask_, way_[leg]));
}

void HandStroke::takeOutline() {
    mask_ = SliceMask(mask_.width, mask_.height);
    touched_ = fillOutline(mask_, way_);
}

void HandStroke::takeRegion(const GrowTip& grow) {
    const auto voxel = [](double c) { return static_cast<std::int64_t>(std::floor(c + 0.5)); };
    const std::array<std::int64_t, 2> seed{voxel(way_.front()[0]), voxel(way_.front()[1])};
    mask_ = similarRegion(grow.slice, seed, grow.tolerance, grow.passable);
    touched_ = {0, 0, mask_.width - 1, mask_.height - 1};
}

Edit HandStroke::edit(const LabelMap& map) const {
    const LabelId* onlyOver = rule_.onlyOver ? &*rule_.onlyOver : nullptr;
    return editFromMask(map, slice_, mask_, rule_.label, rule_.source, rule_.locked, onlyOver);
}

} // namespace tandem
