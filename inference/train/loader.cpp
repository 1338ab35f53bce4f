#include "inference/train/loader.h"

#include <utility>

namespace tandem::train {
namespace {

constexpr std::size_t ahead = 3; // batches

} // namespace

Loader::Loader(Make make, std::uint64_t seed, std::int64_t firstStep)
    : make_(std::move(make)), seed_(seed),
      thread_([this, firstStep](const std::stop_token& stop) { run(stop, firstStep); }) {}

Loader::~Loader() = default;

void Loader::run(const std::stop_token& stop, std::int64_t step) {
    for (; !stop.stop_requested(); ++step) {
        Made made{Batch{}, nullptr};
        try {
            Random random = randomOfStep(seed_, step, 0);
            made.batch = make_(random);
        } catch (...) {
            made.problem = std::current_exception();
        }
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [this] { return ready_.size() < ahead; }))
            return;
        ready_.push_back(std::move(made));
        changed_.notify_all();
    }
}

Result<Loader::Batch> Loader::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty(); });
    Made made = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    if (made.problem)
        std::rethrow_exception(made.problem);
    return std::move(made.batch);
}

} // namespace tandem::train
