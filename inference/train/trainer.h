#pragma once
// Private to inference/: this header shows LibTorch's tensor.

#include "inference/checkpoint/model.h"
#include "inference/predict/predictor.h"
#include "inference/train/loader.h"
#include "inference/train/optimiser.h"
#include "inference/train/random.h"
#include "inference/train/sample.h"
#include "inference/train/stem_cache.h"
#include "inference/train/task_source.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace tandem::train {

/// Where the time of a trainer's steps went, seconds in all.
struct StepSeconds {
    double wait = 0; ///< for batches
    double forward = 0, backward = 0, optimiser = 0;
    double average = 0; ///< the moving average of the weights
};

/// Trains one network on a stream of tasks, whose batches threads of its own prepare meanwhile. Everything
/// that decides the next step is part of its state or follows from the seed and the step, so that a run that
/// was interrupted goes on as if it had not been. Thread: one at a time; LibTorch's threads are the caller's.
/// Weights and batches lie on the GPU, where there is one and the recipe does not rule it out.
class Trainer {
public:
    Trainer(net::NetworkConfig, net::Weights start, const Recipe&, TaskSource);

    /// Draws a batch, and moves the weights once. @return the loss. Error: a pack that cannot be read;
    /// Internal if the loss is not finite; FileUnwritable of a batch that is to be kept.
    Result<double> step();

    /// From now on every batch is written to the folder as batch-NNNNNN.safetensors (input, target, boxes,
    /// and prior where there is one; loss and learning rate as metadata), for a comparison with other
    /// programs.
    void keepBatches(std::filesystem::path folder) { batchFolder_ = std::move(folder); }

    const StepSeconds& seconds() const { return seconds_; }

    /// From now on the targets are this model's probabilities from the same boxes (distillation).
    void learnFrom(checkpoint::Model teacher);

    std::int64_t samplesDone() const { return optimiser_.steps() * recipe_.batch; }
    bool finished() const { return samplesDone() >= recipe_.samples; }
    double learningRate() const { return learningRateAt(optimiser_.steps(), recipe_); }
    /// Moving average of the weights, on the CPU: what is kept as the model.
    net::Weights averageWeights() const;

    /// Writes weights, moments, average, position and random state to one file. Error: FileUnwritable.
    Result<void> saveState(const std::filesystem::path&) const;
    /// Takes them back. Errors: those of SafetensorsFile::open; FormatInvalid if the state is of another
    /// network.
    Result<void> loadState(const std::filesystem::path&);

private:
    struct Batch {
        at::Tensor input, prior, target, boxes; ///< prior is undefined for whole slices
        at::Tensor stem; ///< what the frozen beginning gives for the input; undefined if it is trained
        std::vector<TrainingSample> samples;
    };
    Loader<Batch>::Make batchMaker() const;
    Result<Batch> nextBatch();
    at::Tensor stemOf(const Batch&);
    net::Forward forwardOf(const Batch&) const;
    Result<void> writeBatch(const Batch&, double loss) const;
    at::Tensor lossOf(const Batch&);
    at::Tensor networkLoss(const Batch&, Random&, at::Tensor& boxLogits);
    at::Tensor roundLoss(const net::Decoded&, const at::Tensor& target) const;
    static void addClicks(const Batch&, const at::Tensor& logits, net::PromptTensors&,
                          const net::NetworkConfig&, Random&);

    net::NetworkConfig config_;
    at::Device device_;
    net::Weights weights_;
    Recipe recipe_;
    std::shared_ptr<const TaskSource> source_;
    Optimiser optimiser_;
    MovingAverage average_;
    StemCache stems_;
    bool trainsNetwork_, trainsRefiner_; ///< everything but the refiner, or some of it; the refiner
    StepSeconds seconds_;
    std::filesystem::path batchFolder_;
    std::shared_ptr<predict::Predictor> teacher_;
    std::unique_ptr<Loader<Batch>> loader_; ///< from the first step on
};

} // namespace tandem::train
