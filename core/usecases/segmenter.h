#pragma once

#include "core/geometry/slice_plane.h"
#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/result.h"
#include "core/tools/point_prompt.h"
#include "core/usecases/drawing_habit.h"
#include "core/usecases/job.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// Smallest and largest covered voxel index of a slice, both inclusive (SlicePx).
struct SliceBox {
    double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
    /// Whether a place lies inside the outer edges of the pixels that the box covers.
    bool holds(double x, double y) const {
        return x > x0 - 0.5 && x < x1 + 0.5 && y > y0 - 0.5 && y < y1 + 0.5;
    }
    friend bool operator==(const SliceBox&, const SliceBox&) = default;
};

/// The prompts of one object on one slice.
struct Prompts {
    std::optional<SliceBox> box;
    std::vector<PointPrompt> points; ///< clicks and scribbles; a later one wins where they cross
    friend bool operator==(const Prompts&, const Prompts&) = default;
};

/// What a mask is among those that the same prompts may mean.
enum class CandidateKind {
    Likeliest,
    OtherSize,  ///< another of the masks of three sizes that SAM draws: part, whole, more
    OtherBox,   ///< the box read the other way: as drawn tightly instead of with slack, or the reverse
    LookAlikes, ///< all that looks like the places that were clicked on (core/measure/look_alikes.h)
    Parts, ///< all parts of a picture that is full of them (core/measure/parts_field.h): then the likeliest
    OneObject, ///< one object, where that would be the parts
};

/// What the network answers for one object: logits on the slice's own grid (> 0 is in).
struct Proposal {
    SliceKey slice;
    std::int64_t width = 0, height = 0; ///< of the slice, SlicePx
    std::vector<float> logits;          ///< height * width, rows y
    float predictedIou = 0;             ///< the network's own guess, 0..1
    std::string modelId;                ///< SHA-256 of the model file
    double encodeMs = 0;                ///< 0 when the embedding was in the cache
    double decodeMs = 0;
    bool sketch = false; ///< by the quick model: the answer of the model in use follows
    CandidateKind kind = CandidateKind::Likeliest;
    int candidates = 1;                       ///< how many masks these prompts may mean
    std::optional<double> looseEvidence = {}; ///< of the box, where it was read both ways: log of how much
                                              ///< likelier what the network makes of it is if a hand has
                                              ///< drawn it with slack than if it lies tightly

    SliceMask mask() const {
        SliceMask m(width, height);
        for (std::size_t i = 0; i < logits.size(); ++i)
            m.inside[i] = logits[i] > 0;
        return m;
    }
};

/// What a model file is, for people and for the program.
struct ModelInfo {
    std::filesystem::path path;
    std::string id;          ///< SHA-256 of the file, hex
    std::string name;        ///< from the card, or the file's name
    std::string variant;     ///< sam, paper, two_branch, four_branch
    std::string preprocess;  ///< sam, medsam, focus
    std::string description; ///< one line: "DB-SAM (paper), 2.2 M parameters, 256 px, boxes and points"
    std::int64_t parameters = 0;
    std::int64_t fileBytes = 0;
    int imageSize = 0;
    bool trainedForPoints = false; ///< false: points are passed on, but the model may ignore them
    bool isSketch = false;         ///< a small model, quick on a CPU
    std::string configJson;
    std::string cardText;
};

struct BoxLean;

/// Which request an answer belongs to.
struct RequestId {
    std::uint64_t value = 0;
    friend auto operator<=>(const RequestId&, const RequestId&) = default;
};

/// One question to the network: several objects on one slice share its embedding.
struct SegmentRequest {
    std::shared_ptr<const Volume> volume;
    std::string imageHash; ///< content hash of the image: key of the embedding cache
    SliceKey slice;
    GreyWindow window; ///< how grey values become 0..255 for models that were trained on windows
    std::vector<Prompts> objects;
    /// Work that nobody looks at yet (propagation, batches): gives way to other requests, also while it is
    /// encoded, and is then begun again.
    bool background = false;
    /// Wants a sketch: called at most once, before the answer, with the masks of the sketch model where there
    /// is one and the model in use needs long. Comes on a thread of the segmenter.
    std::function<void(RequestId, std::vector<Proposal>)> sketch = {};
    /// For prefetch alone: the slices to prepare after `slice`, in this order.
    std::vector<SliceKey> then = {};
    /// How whoever drew the boxes draws, as far as that is known; for models that read boxes in two ways.
    DrawingHabit habit = {};
    /// What masks of this label have in common: is added to the logits in the frame of each object's box.
    /// Null: nothing is known.
    std::shared_ptr<const BoxLean> lean = {};
    /// Which of the masks that the prompts may mean is wanted, 0 the likeliest; counted round.
    int candidate = 0;
};

/// Runs a segmentation network in its own thread. All methods may be called from any thread and return at
/// once; answers and progress come on the inference thread. Every request is answered exactly once: a result,
/// Cancelled, or another error. The newest request is served first, background requests in their order after
/// all others. A request whose stop token is set ends where it stands; whoever asks anew about the same slice
/// submits first and stops the old request then, so that an encode that serves both goes on.
class Segmenter {
public:
    using Answer = std::function<void(RequestId, Result<std::vector<Proposal>>)>;

    virtual ~Segmenter() = default;

    /// Opens a model file (.safetensors, .pth) and makes it the one that later requests use.
    /// Errors: FileNotFound, FormatInvalid, ModelInvalid (lists the keys), OutOfMemory. The old model stays
    /// then.
    virtual void loadModel(std::filesystem::path file, std::function<void(Result<ModelInfo>)> done) = 0;
    /// The model in use; empty before the first one is loaded.
    virtual std::optional<ModelInfo> model() const = 0;
    /// Opens a small model, see SegmentRequest::sketch. Errors as loadModel; Unavailable: no sketches here.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): overriders keep both
    virtual void loadSketchModel(std::filesystem::path, std::function<void(Result<ModelInfo>)> done) {
        done(Error{ErrorCode::Unavailable, "This network draws no sketches."});
    }

    /// The model that draws sketches; empty before one is loaded.
    virtual std::optional<ModelInfo> sketchModel() const { return std::nullopt; }

    /// Asks for the masks of all objects of a request, in their order.
    virtual RequestId submit(SegmentRequest request, std::stop_token stop, Progress progress,
                             Answer answer) = 0;
    /// Prepares the embedding of a slice, then those of `request.then`, while nothing else is waiting.
    /// Replaces what was wished before.
    virtual void prefetch(SegmentRequest request) = 0;
    /// Which of the slices 0..count-1 of the request's plane can be answered without an encode; empty where
    /// the model has no embedding for a whole slice.
    virtual std::vector<bool> readySlices(const SegmentRequest&, std::int64_t /*count*/) const { return {}; }
};

} // namespace tandem
