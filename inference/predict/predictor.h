#pragma once
// Private to inference/.

#include "core/usecases/segmenter.h"
#include "inference/arithmetic.h"
#include "inference/checkpoint/model.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::predict {

/// Called between the parts of long work with the share done (0..1) and a sentence; false ends the work
/// (Cancelled).
using KeepGoing = std::function<bool(double done, std::string_view sentence)>;

/// One model, its embeddings, and the way from a slice and prompts to logits on the slice's grid.
///
/// Conventions by the model's `preprocess`:
/// - sam: longest side resized as Pillow does, mean and deviation, padded; prompts scaled with the image.
/// With clicks
///   and a box the network is asked twice: for the box, then for all prompts with its first logits as mask
///   prompt. A lone foreground click takes the best of the three masks by predicted IoU.
/// - medsam: square spline resize, 0..1; boxes alone.
/// - focus: a crop around each object, see focus.h.
/// Models that were not trained for points get a box around the clicks where none is given. In all of them a
/// click wins where it stands. Grey values become 0..255 through the request's window; colour stays as it is.
///
/// Thread: one at a time. Weights lie on the GPU if LibTorch has one, and move to the CPU for good when its
/// memory ends.
class Predictor {
public:
    /// @param cacheBytes  budget for embeddings
    /// @param arithmetic  of the encoder on the CPU
    Predictor(checkpoint::Model, std::string modelId, std::int64_t cacheBytes,
              Arithmetic arithmetic = Arithmetic::Automatic);
    ~Predictor();

    /// Answers all objects of a request in their order; Proposal::encodeMs is 0 where the embedding was
    /// there. Errors: InvalidArgument (no such slice, an object without prompt, a box inside out), Cancelled,
    /// OutOfMemory, FormatUnsupported (a network of other than 3 channels).
    Result<std::vector<Proposal>> predict(const SegmentRequest&, const KeepGoing&);

    /// Encodes what predict would need, as far as it can be known without prompts. Errors as predict.
    Result<void> prepare(const SegmentRequest&, const KeepGoing&);

private:
    class Work;
    std::unique_ptr<Work> work_;
};

} // namespace tandem::predict
