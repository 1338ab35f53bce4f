#pragma once

#include "core/usecases/segmenter.h"

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <variant>
#include <vector>

namespace tandem::service {

/// A model file to open.
struct LoadTask {
    std::filesystem::path file;
    std::function<void(Result<ModelInfo>)> done;
};
/// A request and who waits for it.
struct SegmentTask {
    RequestId id;
    SegmentRequest request;
    std::stop_token stop;
    Progress progress;
    Segmenter::Answer answer;
};
/// An embedding that may be wanted soon; nobody waits for it.
struct PrefetchTask {
    SegmentRequest request;
};
using Task = std::variant<LoadTask, SegmentTask, PrefetchTask>;

/// What waits for the inference thread. Every task that goes in comes out exactly once (prefetches may be
/// dropped). Thread: any.
class TaskQueue {
public:
    static constexpr std::size_t kMostPrefetches = 8;

    void push(LoadTask task) {
        const std::lock_guard lock(mutex_);
        loads_.push_back(std::move(task));
        wake_.notify_one();
    }
    void push(SegmentTask task) {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(task));
        wake_.notify_one();
    }
    void push(PrefetchTask task) {
        const std::lock_guard lock(mutex_);
        prefetches_.push_back(std::move(task));
        if (prefetches_.size() > kMostPrefetches)
            prefetches_.pop_front();
        wake_.notify_one();
    }

    /// The next task, waiting for one; nothing once stopping is asked for.
    std::optional<Task> pop(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, stop, [&] { return !loads_.empty() || !requests_.empty() || !prefetches_.empty(); });
        if (stop.stop_requested())
            return std::nullopt;
        if (!loads_.empty())
            return takeFirst(loads_);
        return !requests_.empty() ? takeLast(requests_) : takeLast(prefetches_);
    }

    /// Whether something more urgent than a prefetch waits.
    bool urgent() const {
        const std::lock_guard lock(mutex_);
        return !loads_.empty() || !requests_.empty();
    }

    /// Takes out the requests whose stop token has been set.
    std::vector<SegmentTask> takeCancelled() {
        const std::lock_guard lock(mutex_);
        std::vector<SegmentTask> out;
        std::deque<SegmentTask> kept;
        for (SegmentTask& task : requests_) {
            if (task.stop.stop_requested())
                out.push_back(std::move(task));
            else
                kept.push_back(std::move(task));
        }
        requests_ = std::move(kept);
        return out;
    }

    /// Takes out everything, for the end.
    std::vector<Task> takeAll() {
        const std::lock_guard lock(mutex_);
        std::vector<Task> out;
        while (!loads_.empty())
            out.push_back(takeFirst(loads_));
        while (!requests_.empty())
            out.push_back(takeLast(requests_));
        prefetches_.clear();
        return out;
    }

private:
    template <class T>
    static Task takeFirst(std::deque<T>& from) {
        Task task(std::move(from.front()));
        from.pop_front();
        return task;
    }
    template <class T>
    static Task takeLast(std::deque<T>& from) {
        Task task(std::move(from.back()));
        from.pop_back();
        return task;
    }

    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<LoadTask> loads_;
    std::deque<SegmentTask> requests_;
    std::deque<PrefetchTask> prefetches_;
};

} // namespace tandem::service
