#pragma once

#include "core/edit/edit.h"
#include "core/image/volume.h"
#include "core/tools/slice_rect.h"

#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace tandem {

/// What a stroke does to the voxels under it.
struct StrokeRule {
    EditSource source = EditSource::Brush;
    LabelId label;                   ///< what is written; 0 erases
    std::optional<LabelId> onlyOver; ///< only voxels of this label change
    LockedLabels locked;

    /// What a voxel of label `before` becomes.
    LabelId after(LabelId before) const {
        const bool keep = locked.contains(before) || (onlyOver && before != *onlyOver);
        return keep ? before : label;
    }
};

/// Paints what the mouse passes over.
struct BrushTip {
    double radiusMm = 0;
};
/// Takes what the mouse goes round.
struct LassoTip {};
/// Takes what is like the voxel under the first point, however the mouse goes on.
struct GrowTip {
    SliceImage slice; ///< as readyToGrow() leaves it
    SliceMask passable;
    double tolerance = 0; ///< in the image's unit
};
using StrokeTip = std::variant<BrushTip, LassoTip, GrowTip>;

/// A stroke in the hand, on one slice. The mouse's way is remembered from the first event, joined between
/// events; nothing is drawn until begin(), which waits for the stroke before to be on disk.
class HandStroke {
public:
    HandStroke(const Geometry&, SliceKey, StrokeTip, StrokeRule);

    /// The mouse is at a point of the slice.
    void moveTo(const Point<SlicePx>&);
    /// Of a growing region; other strokes ignore it.
    void setTolerance(double);
    void begin();
    bool begun() const { return begun_; }

    SliceKey slice() const { return slice_; }
    const StrokeRule& rule() const { return rule_; }
    const StrokeTip& tip() const { return tip_; }
    std::span<const Point<SlicePx>> way() const { return way_; }
    const SliceMask& mask() const { return mask_; }
    const SliceRect& touched() const { return touched_; }
    /// The finished stroke as an edit of a label map.
    Edit edit(const LabelMap&) const;

private:
    void drawFrom(std::size_t leg);
    void paintLeg(const BrushTip&, std::size_t leg);
    void takeOutline();
    void takeRegion(const GrowTip&);

    SliceKey slice_;
    StrokeTip tip_;
    StrokeRule rule_;
    std::array<double, 2> spacingMm_;
    SliceMask mask_;
    SliceRect touched_;
    std::vector<Point<SlicePx>> way_;
    bool begun_ = false;
};

} // namespace tandem
