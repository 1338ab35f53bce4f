#pragma once

#include "core/files/json.h"
#include "core/result.h"
#include "core/usecases/job.h"
#include "core/usecases/segmenter.h"
#include "inference/arithmetic.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// One tensor of a verification.
struct TensorCheck {
    std::string golden;           ///< file that the expected tensor lies in
    std::string name;             ///< the tensor's name
    double largestDifference = 0; ///< relative to the expected tensor's largest magnitude
    bool passed = false;
    std::string problem; ///< for a tensor that could not be computed or has another shape
};

/// What `tandem model verify` found in one folder.
struct VerifyReport {
    std::filesystem::path folder;
    std::vector<TensorCheck> tensors;
    std::vector<std::string> ignored; ///< expected tensors whose name is not known
    bool passed() const {
        for (const TensorCheck& t : tensors)
            if (!t.passed)
                return false;
        return !tensors.empty();
    }
};

/// `tandem train`: a configuration file, packs, and where state and result go.
struct TrainRequest {
    std::filesystem::path config;             ///< JSON: network and recipe
    std::vector<std::filesystem::path> packs; ///< folders written by `tandem pack`
    std::filesystem::path startFrom;          ///< a model to start from, or empty
    std::filesystem::path resume;             ///< folder of an interrupted run, or empty
    std::filesystem::path out;                ///< folder: model.safetensors, state.safetensors, log.csv
    std::filesystem::path keepBatches{};      ///< folder for every batch with its loss, or empty
    std::filesystem::path
        teacher{};                 ///< a model whose probabilities are the targets instead of masks, or empty
    std::filesystem::path sheet{}; ///< a PNG of the first samples to be written instead of training, or empty
};
struct TrainReport {
    std::filesystem::path model; ///< the model written
    std::int64_t samples = 0;
    double seconds = 0;
    double finalLoss = 0;
};

/// `tandem bench encode|decode`: medians in milliseconds; see DESIGN.md for each figure.
struct BenchRequest {
    std::filesystem::path configOrModel;
    int runs = 3;
    std::uint64_t seed = 1;
    int threads = 0;                               ///< 0: the machine's
    Arithmetic arithmetic = Arithmetic::Automatic; ///< of the network
};

/// A measurement of the trainer.
struct TrainBenchRequest {
    std::filesystem::path config;             ///< a training configuration with a network
    std::vector<std::filesystem::path> packs; ///< none: synthetic scenes alone
    int steps = 20;
    int threads = 0;                   ///< 0: those of the recipe
    std::filesystem::path keepBatches; ///< if not empty, what every step saw is written there
};

/// How a checkpoint is written anew.
struct ConvertOptions {
    bool float16 = false;   ///< halves the file
    JsonValue::Object more; ///< put into its configuration, in place of members of the same name
};

/// A measurement of how long a person waits for a model on this machine.
struct SpeedRequest {
    std::filesystem::path model;
    int runs = 3; ///< slices, of which the median counts; fewer where one takes very long
    Arithmetic arithmetic = Arithmetic::Automatic;
};
struct ModelSpeed {
    double encodeMs = 0;     ///< the network's image encoder, for the first box on a slice
    double firstBoxMs = 0;   ///< from asking to the answer for the first box on a slice of 512 x 512
    double furtherBoxMs = 0; ///< the same for another box on that slice
    double clickMs = 0;      ///< the same for a first click on that box; 0: was not measured
    int runs = 0;            ///< slices that the medians are of
    int threads = 0;
    std::string computedBy; ///< "own kernels, AVX2", "LibTorch operators", "CUDA"
    std::string arithmetic; ///< of the network: "float32", "bfloat16"
};

/// What a Segmenter may keep.
struct SegmenterOptions {
    std::int64_t embeddingBytes = std::int64_t{512} << 20; ///< embeddings in memory
    std::filesystem::path cacheFolder;                     ///< embeddings of slow models on disk; empty: none
    std::int64_t cacheBytes = std::int64_t{4} << 30;       ///< what that folder may take
    Arithmetic arithmetic = Arithmetic::Automatic;         ///< of the network on the CPU
};

/// The door to everything that needs LibTorch. No type of LibTorch shows here; the program opens the shared
/// library when it first needs it (see openInferenceLibrary in the app), so that the window never waits for
/// it.
class InferenceLibrary {
public:
    virtual ~InferenceLibrary() = default;

    /// Starts an inference thread without a model.
    virtual std::unique_ptr<Segmenter> createSegmenter(const SegmenterOptions&) = 0;
    std::unique_ptr<Segmenter> createSegmenter(Arithmetic arithmetic = Arithmetic::Automatic) {
        SegmenterOptions options;
        options.arithmetic = arithmetic;
        return createSegmenter(options);
    }

    /// Reads what a model file is, checking every key and shape. Errors as Segmenter::loadModel.
    virtual Result<ModelInfo> modelInfo(const std::filesystem::path&) = 0;
    /// The same from names, shapes and metadata alone, without reading the weights: at once even for
    /// gigabytes. `id` stays empty.
    virtual Result<ModelInfo> inspectModel(const std::filesystem::path&) = 0;
    /// Writes any readable checkpoint as .safetensors with its configuration. Errors: as modelInfo;
    /// FileUnwritable; InvalidArgument (weights beyond float16).
    virtual Result<void> convertModel(const std::filesystem::path& from, const std::filesystem::path& to,
                                      const ConvertOptions&) = 0;
    /// Writes the mean of the weights of several runs of one network; what not all have is the first one's.
    /// @param shares  of each; empty: equal ones
    /// Errors: as modelInfo; FileUnwritable; InvalidArgument (other sizes, shares that do not fit).
    virtual Result<void> averageModels(const std::vector<std::filesystem::path>& from,
                                       const std::vector<double>& shares, const std::filesystem::path& to,
                                       const ConvertOptions&) = 0;
    /// Times a model in an inference thread of its own, beside whatever else runs. Errors: as
    /// Segmenter::loadModel; Cancelled. Thread: any; waits.
    virtual Result<ModelSpeed> measureSpeed(const SpeedRequest&, const Progress&, std::stop_token) = 0;
    /// Recomputes every tensor of a folder as in tests/data/golden. Error: FileNotFound, ModelInvalid.
    virtual Result<VerifyReport> verifyModel(const std::filesystem::path& folder) = 0;

    virtual Result<TrainReport> train(const TrainRequest&, const Progress&, std::stop_token) = 0;

    /// A JSON object (text) with the figures of `bench encode`.
    virtual Result<std::string> benchEncode(const BenchRequest&, const Progress&) = 0;
    /// The same of `bench decode`.
    virtual Result<std::string> benchDecode(const BenchRequest&, const Progress&) = 0;

    /// The same of `bench train`.
    virtual Result<std::string> benchTrain(const TrainBenchRequest&, const Progress&) = 0;

    /// Sentences for `tandem doctor`: LibTorch version, BLAS in use and whether it is a fast one, threads,
    /// devices.
    virtual std::vector<std::string> describeMachine() = 0;
};

} // namespace tandem

/// The one symbol of libtandem_inference that the program looks up. The object lives as long as the process.
extern "C" tandem::InferenceLibrary* tandemInferenceLibrary();
