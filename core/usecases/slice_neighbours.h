#pragma once

#include "core/measure/grey_crop.h"
#include "core/usecases/segment_volume.h"

#include <optional>
#include <vector>

namespace tandem {

/// What a network said of the objects of one slice.
struct SliceAnswer {
    std::vector<SlicePrompts> objects; ///< of one slice
    std::vector<Proposal> proposals;   ///< one for each
};

/// One object's logits in the frame of its box (leanFrame), within -6..6: what its neighbours hear of it.
struct BoxVote {
    SlicePrompts object;
    std::vector<float> cells;
};
/// The votes of all objects with a box.
std::vector<BoxVote> votesOf(const SliceAnswer&);

/// Lets every object with a box and no clicks agree with the same label on the slices before and behind it:
/// 0.4 of its logits (within -6..6) become the mean of theirs, brought from the frames of their boxes to that
/// of its own. A label with several boxes on a slice has no say there.
/// @param before, behind  of the neighbouring slices; null, or a slice farther away, says nothing
void agreeWithNeighbours(SliceAnswer&, const std::vector<BoxVote>* before,
                         const std::vector<BoxVote>* behind);

} // namespace tandem
