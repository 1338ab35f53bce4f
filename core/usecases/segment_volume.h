#pragma once

#include "core/image/label_map.h"
#include "core/usecases/segmenter.h"

#include <optional>
#include <stop_token>
#include <vector>

namespace tandem {

/// The prompts of one object on one slice, and the label that its mask becomes.
struct SlicePrompts {
    SliceKey slice;
    LabelId label{1};
    Prompts prompts;
};

/// Whether a prompt lies inside the image. Error: InvalidArgument with the slice, the box, the point or
/// the scribble.
Result<void> checkPrompt(const Geometry&, const SlicePrompts&);

/// For every slice of a plane and every label on it (or the one given) the tight box of its voxels, each edge
/// moved outward by `growPx` and kept inside the slice.
std::vector<SlicePrompts> promptsFromMask(const LabelMap&, Plane, std::optional<LabelId> only, double growPx);

/// What is known of whoever drew the boxes that promptsFromMask found without growing them: they lie exactly
/// round what the mask shows. Nothing where the mask itself is nothing but filled rectangles: then it holds
/// boxes that somebody drew. The same arguments.
std::optional<DrawingHabit> habitOfMask(const LabelMap&, const std::vector<SlicePrompts>&);

/// Asks the segmenter for one slice and waits. Errors as Segmenter::submit; Cancelled when `stop` is set.
Result<std::vector<Proposal>> segmentSlice(const SegmentRequest&, Segmenter&, const Progress&,
                                           std::stop_token stop);

struct SegmentVolumeOptions {
    int candidate = 0; ///< see SegmentRequest
    /// Of whoever drew the boxes. Not given: all are taken to be by one hand, and some of them are asked
    /// about first to find out whose (of a `focus` model: others read boxes in one way).
    std::optional<DrawingHabit> habit;
};

/// Segments every prompted slice of a volume, one request a slice. A model that looks at each object anew
/// (the `focus` convention) lets the likeliest masks of a label agree with their neighbours'
/// (slice_neighbours.h). Where the masks of several objects overlap, the largest logit wins. The result lies
/// on the volume's grid. Errors: InvalidArgument for a slice or box outside the image; those of segmentSlice.
Result<LabelMap> segmentVolume(const LoadedImage&, const std::string& imageHash,
                               const std::vector<SlicePrompts>&, Segmenter&, const Progress&,
                               std::stop_token stop, const SegmentVolumeOptions& = {});

/// Loads a model and waits. Errors as Segmenter::loadModel.
Result<ModelInfo> loadModelNow(Segmenter&, const std::filesystem::path&);

} // namespace tandem
