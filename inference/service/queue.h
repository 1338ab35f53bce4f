#pragma once

#include "core/usecases/segmenter.h"
#include "inference/predict/predictor.h"

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

/// Keeps the sketch of a request before its answer: what is done through ifOpen never happens after close.
/// Thread: any.
class AnswerGate {
public:
    void close() {
        const std::lock_guard lock(mutex_);
        open_ = false;
    }
    bool open() const {
        const std::lock_guard lock(mutex_);
        return open_;
    }
    template <class Action>
    void ifOpen(const Action& action) {
        const std::lock_guard lock(mutex_);
        if (open_)
            action();
    }

private:
    mutable std::mutex mutex_;
    bool open_ = true;
};

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
    std::shared_ptr<AnswerGate> gate;
};
/// An embedding that may be wanted soon; nobody waits for it.
struct PrefetchTask {
    SegmentRequest request;
    std::uint64_t wish = 0; ///< which list of wishes it is from
};
using Task = std::variant<LoadTask, SegmentTask, PrefetchTask>;

/// What the inference thread is encoding.
struct Running {
    std::string key;         ///< of its embedding; empty: no one else can use it
    bool background = false; ///< gives way to requests that are not
    bool orphan = false;     ///< nobody waits for its answer: a prefetch, or its request was cancelled
    std::uint64_t wish = 0;  ///< of a prefetch
};

/// What waits for the inference thread. Every load and request that goes in comes out exactly once; wishes
/// may be dropped. Thread: any.
class TaskQueue {
public:
    static constexpr std::size_t kMostWishes = 64;

    void push(LoadTask);
    void push(SegmentTask);
    /// Puts a request back that gave way, where it was.
    void putBack(SegmentTask);
    /// Replaces the wishes: the request's slice, then those of `then`.
    void wish(const SegmentRequest&);

    /// The next task, waiting for one: a load, the newest request, the oldest one of the background, the
    /// first wish. Nothing once stopping is asked for.
    std::optional<Task> pop(const std::stop_token& stop);

    /// Whether something more urgent than a wish waits.
    bool urgent() const;
    /// Whether what runs must make way. A load always overtakes. A request overtakes what nobody waits for
    /// and (unless it is of the background itself) what runs in the background; but never what makes the
    /// embedding it needs. What nobody waits for goes on only while it is wished.
    bool overtaken(const Running&, const predict::SliceKeys&) const;
    /// The progress of the waiting requests that need this embedding.
    std::vector<Progress> watchersOf(const std::string& key, const predict::SliceKeys&) const;

    /// Takes out the requests whose stop token has been set.
    std::vector<SegmentTask> takeCancelled();
    /// Takes out everything, for the end.
    std::vector<Task> takeAll();

private:
    std::deque<SegmentTask>::const_iterator nextRequest(bool withBackground) const;
    bool wished(const std::string& key, const predict::SliceKeys&) const;

    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<LoadTask> loads_;
    std::deque<SegmentTask> requests_; ///< oldest first
    std::deque<SegmentRequest> wishes_;
    std::uint64_t wishNumber_ = 1; ///< 0 is no list
};

} // namespace tandem::service
