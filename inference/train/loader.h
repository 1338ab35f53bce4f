#pragma once

#include "core/result.h"
#include "inference/train/random.h"

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tandem::train {

/// Makes batches ahead of the trainer, in threads of its own. The batch of a step depends on the seed and the
/// step alone, so that a run that goes on sees what an uninterrupted one would have seen, with however many
/// threads. Thread: next() one at a time; `make` runs in the loader's threads, so many at once.
template <class Batch>
class Loader {
public:
    using Make = std::function<Result<Batch>(Random&)>;

    /// @param firstStep  the step whose batch next() gives first
    Loader(Make make, std::uint64_t seed, std::int64_t firstStep, int threads = 1)
        : make_(std::move(make)), seed_(seed), taken_(firstStep), begun_(firstStep), ahead_(threads + 2) {
        for (int n = 0; n < threads; ++n)
            threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    }
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;
    /// Stops after the batches in hand.
    ~Loader() {
        for (std::jthread& thread : threads_)
            thread.request_stop(); // all of them before the first is waited for
    }

    /// The next step's batch; waits for it. Errors: those of `make`, whose exceptions are thrown on here.
    Result<Batch> next() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ready_.contains(taken_); });
        Made made = std::move(ready_.extract(taken_++).mapped());
        changed_.notify_all();
        if (made.problem)
            std::rethrow_exception(made.problem);
        return std::move(made.batch);
    }

private:
    struct Made {
        Result<Batch> batch;
        std::exception_ptr problem;
    };

    void run(const std::stop_token& stop) {
        for (;;) {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, stop, [this] { return begun_ < taken_ + ahead_; }))
                return;
            const std::int64_t step = begun_++;
            lock.unlock();
            Made made = batchOf(step);
            lock.lock();
            ready_.emplace(step, std::move(made));
            changed_.notify_all();
        }
    }

    Made batchOf(std::int64_t step) {
        try {
            Random random = randomOfStep(seed_, step, 0);
            return {make_(random), nullptr};
        } catch (...) {
            return {Batch{}, std::current_exception()};
        }
    }

    Make make_;
    std::uint64_t seed_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::int64_t, Made> ready_;
    std::int64_t taken_, begun_; ///< the first steps whose batch was not taken, not begun
    std::int64_t ahead_;
    std::vector<std::jthread> threads_; // last: they use the rest
};

} // namespace tandem::train
