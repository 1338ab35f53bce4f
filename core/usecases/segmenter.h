#pragma once

#include "core/geometry/slice_plane.h"
#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/result.h"
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
    friend bool operator==(const SliceBox&, const SliceBox&) = default;
};

struct PointPrompt {
    Point<SlicePx> at;
    bool foreground = true;
    friend bool operator==(const PointPrompt&, const PointPrompt&) = default;
};

/// The prompts of one object on one slice.
struct Prompts {
    std::optional<SliceBox> box;
    std::vector<PointPrompt> points;
    friend bool operator==(const Prompts&, const Prompts&) = default;
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
};

/// Runs a segmentation network in its own thread. All methods may be called from any thread and return at
/// once; answers and progress come on the inference thread. Every request is answered exactly once: a result,
/// Cancelled, or another error. The newest request is served first.
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

    /// Asks for the masks of all objects of a request, in their order.
    virtual RequestId submit(SegmentRequest request, std::stop_token stop, Progress progress,
                             Answer answer) = 0;
    /// Prepares a slice's embedding when nothing else is waiting.
    virtual void prefetch(SegmentRequest request) = 0;
};

} // namespace tandem
