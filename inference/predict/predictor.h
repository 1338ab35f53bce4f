#pragma once
// Private to inference/.

#include "core/usecases/segmenter.h"
#include "inference/arithmetic.h"
#include "inference/checkpoint/model.h"
#include "inference/predict/accelerator.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tandem::predict {

class EmbeddingStore;

/// What the owner of some work says to it while it runs, on the thread that runs it. Empty functions:
/// nothing, and go on.
struct Watch {
    /// The share done (0..1) and a sentence, between the parts of long work.
    Progress progress;
    /// Asked between the network's parts and, where the own kernels run, every few milliseconds; false ends
    /// the encode and the work (Cancelled).
    std::function<bool()> encodeOn;
    /// The same between decodes, once the embedding is there and kept.
    std::function<bool()> decodeOn;
};

/// Names the embeddings of whole slices. Thread: any; a value.
struct SliceKeys {
    std::string modelId;
    bool wholeSlices = false; ///< false: every object has an embedding of its own (focus)

    /// The name of a request's embedding; empty if it has none or the image has no hash. Two requests of one
    /// name share their encode.
    std::string of(const SegmentRequest&) const;
};

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
/// Thread: one at a time; predictors that share a store may run at once. The GPU computes if LibTorch has
/// one, and the CPU from then on when its memory ends; the sentence of Watch::progress says so.
class Predictor {
public:
    /// @param store  where embeddings are kept; may be shared with other predictors
    /// @param arithmetic  of the network on the CPU
    Predictor(checkpoint::Model, std::string modelId, std::shared_ptr<EmbeddingStore> store,
              Arithmetic arithmetic = Arithmetic::Automatic);
    /// On the given accelerator, or on the CPU.
    Predictor(checkpoint::Model, std::string modelId, std::shared_ptr<EmbeddingStore> store, Arithmetic,
              std::optional<Accelerator>);
    /// With a store of its own, in memory alone.
    Predictor(checkpoint::Model, std::string modelId, std::int64_t cacheBytes,
              Arithmetic arithmetic = Arithmetic::Automatic);
    ~Predictor();

    /// Answers all objects of a request in their order; Proposal::encodeMs is 0 where the embedding was
    /// there. Errors: InvalidArgument (no such slice, an object without prompt, a box inside out), Cancelled,
    /// OutOfMemory, FormatUnsupported (a network of other than 3 channels).
    Result<std::vector<Proposal>> predict(const SegmentRequest&, const Watch&);

    /// Encodes what predict would need, as far as it can be known without prompts. Errors as predict.
    Result<void> prepare(const SegmentRequest&, const Watch&);

    /// What embeddings of whole slices depend on, for keys that can be made without the predictor.
    SliceKeys sliceKeys() const;

private:
    class Work;
    std::unique_ptr<Work> work_;
};

} // namespace tandem::predict
