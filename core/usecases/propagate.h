#pragma once

#include "core/edit/edit.h"
#include "core/image/label_map.h"
#include "core/usecases/propagate_step.h"
#include "core/usecases/segmenter.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// A slice on which an object is known: by its mask, or by prompts that the network turns into one.
struct PropagationSeed {
    SliceKey slice;
    LabelId label{1};
    Prompts prompts;
    std::optional<SliceMask> mask; ///< of the slice's size; wins over prompts
};

/// How an object is carried from slice to slice. The defaults did best from one box on the middle slice, on
/// volumes that may be trained on (see the README of core). An outline usually moves by half a slice step and
/// half a pixel.
struct PropagateOptions {
    /// The box asked for is that of the outline expected, moved outward by marginPx + marginShare of its
    /// longer side.
    double marginPx = 1, marginShare = 0;
    bool corePoint = false; ///< with a point where the outline expected is deepest
    int rounds = 1;         ///< times that a slice is asked, each with the box of the answer before
    double reach = 4;       ///< how far an outline may move in one step, in units of the way it usually does
    double tongueWidth = 0.2; ///< what is thinner than this share of the outline expected is cut off,
    double leastPart = 0.2;   ///< and so are parts under this share of the largest one
    /// The surest pixels are kept, up to so many times those on the slice before and those on the key slice.
    double mostStepArea = 1.05, mostKeyArea = 1.15;
    /// At most so many slices beyond the outermost seeds; 0: to the volume's end.
    std::int64_t mostSlices = 0;
    VoiceWeights weights;
    StopRules stop;
};

struct PropagateRequest {
    std::shared_ptr<const Volume> volume;
    std::string imageHash;
    GreyWindow window;
    std::vector<PropagationSeed> seeds; ///< all on one plane
    PropagateOptions options;
};

/// One label on one slice.
struct PropagatedSlice {
    SliceKey slice;
    LabelId label;
    SlicePatch mask; ///< above 0 is in
    StepFigures figures;
    bool seed = false;
};

/// Why a label ends where it ends.
struct PropagationEnd {
    SliceKey lastSlice; ///< the last one that has the label
    LabelId label;
    StopReason reason = StopReason::None;
};

struct Propagation {
    std::vector<PropagatedSlice> slices; ///< ascending by label, then slice
    std::vector<PropagationEnd> ends;    ///< two a label
};

/// Carries objects from the slices where they are known through the volume, one request a slice: between two
/// such slices with the box and the outline interpolated, beyond them in both directions with those of the
/// slice before until a stop rule is broken. Errors: InvalidArgument for seeds that are empty, on several
/// planes or outside the image; those of segmentSlice; Cancelled. Thread: a worker.
Result<Propagation> propagate(const PropagateRequest&, Segmenter&, const Progress&, std::stop_token);

/// Every slice of a plane that has a label, as a seed with its mask.
std::vector<PropagationSeed> seedsFromLabel(const LabelMap&, Plane, LabelId);

/// The labels of a propagation on the volume's grid; where two overlap, the larger value wins.
LabelMap labelsOf(const Propagation&, const Geometry&);

/// The edit that writes one label of a propagation where nothing is labelled yet: other labels stay as they
/// are. Empty if the label is locked.
Edit editFromPropagation(const LabelMap&, const Propagation&, LabelId, const LockedLabels&);

} // namespace tandem
