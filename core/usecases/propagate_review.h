#pragma once

#include "core/usecases/propagate.h"

#include <string>
#include <vector>

namespace tandem {

/// What makes a slice of a propagated mask worth a look.
enum class FindingKind {
    Stopped, ///< the label ends here because a rule was broken
    Missing, ///< nothing between two slices that have the label
    Jump,    ///< the outline moves far more here than elsewhere
    Island,  ///< a part that hangs together with nothing else, in 3-D
    Hole,    ///< background enclosed on all sides, in 3-D
    Unsure   ///< the network expects little of its answer
};

struct SliceFinding {
    SliceKey slice;
    LabelId label;
    FindingKind kind = FindingKind::Unsure;
    std::string sentence; ///< for a person; slices are counted from 0
};

/// Looks at a propagated mask in 3-D, one label at a time, and names the slices worth a look, ascending by
/// label and slice. Thread: any; pure.
/// - Jump: neighbouring slices whose Dice overlap is under 0.6 of the label's median and under 0.7.
/// - Island, Hole: components (6 neighbours, holes 26) of at least 8 voxels; the slice with most of it.
/// - Unsure: predicted IoU under 0.6 of the label's median.
std::vector<SliceFinding> reviewPropagation(const Propagation&);

} // namespace tandem
