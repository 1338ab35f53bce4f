#pragma once

#include "core/result.h"
#include "inference/train/random.h"
#include "inference/train/sample.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tandem::train {

/// Makes batches ahead of the trainer, in a thread of its own. The batch of a step depends on the seed and
/// the step alone, so that a run that goes on sees what an uninterrupted one would have seen.
/// Thread: next() one at a time; `make` runs in the loader's thread, never twice at once.
class Loader {
public:
    using Batch = std::vector<TrainingSample>;
    using Make = std::function<Result<Batch>(Random&)>;

    /// @param firstStep  the step whose batch next() gives first
    Loader(Make make, std::uint64_t seed, std::int64_t firstStep);
    /// Stops after the batch in hand.
    ~Loader();
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;

    /// The next step's batch; waits for it. Errors: those of `make`, whose exceptions are thrown on here.
    Result<Batch> next();

private:
    struct Made {
        Result<Batch> batch;
        std::exception_ptr problem;
    };
    void run(const std::stop_token&, std::int64_t step);

    Make make_;
    std::uint64_t seed_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Made> ready_;
    std::jthread thread_; // last: it uses the rest
};

} // namespace tandem::train
