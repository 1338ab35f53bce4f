#pragma once

#include "core/edit/edit.h"
#include "core/tools/brush.h"

#include <optional>
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

/// A stroke in the hand: dabs on one slice, joined between mouse events. Its way is remembered from the first
/// event; nothing is drawn until begin(), which waits for the stroke before to be on disk.
class BrushStroke {
public:
    BrushStroke(const Geometry&, SliceKey, double radiusMm, StrokeRule);

    /// The mouse is at a point of the slice.
    void moveTo(const Point<SlicePx>&);
    void begin();
    bool begun() const { return begun_; }

    SliceKey slice() const { return slice_; }
    const StrokeRule& rule() const { return rule_; }
    const SliceMask& mask() const { return mask_; }
    const SliceRect& touched() const { return touched_; }
    /// The finished stroke as an edit of a label map.
    Edit edit(const LabelMap&) const;

private:
    void draw(std::size_t leg);

    SliceKey slice_;
    double radiusMm_;
    StrokeRule rule_;
    std::array<double, 2> spacingMm_;
    SliceMask mask_;
    SliceRect touched_;
    std::vector<Point<SlicePx>> way_;
    bool begun_ = false;
};

} // namespace tandem
