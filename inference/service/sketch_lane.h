#pragma once
// Private to inference/service/.

#include "inference/service/loading.h"
#include "inference/service/queue.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace tandem::service {

/// A request that wants a sketch before its answer.
struct SketchTask {
    RequestId id;
    SegmentRequest request;
    std::stop_token stop;
    std::shared_ptr<AnswerGate> gate;
};

/// The small model, in a thread of its own, so that it answers whatever the model in use is doing. The newest
/// request comes first; what was cancelled or answered meanwhile is dropped. Without a model it does nothing.
/// Thread: any; sketches and the ends of loads come on the lane's thread.
class SketchLane {
public:
    SketchLane(int threads, std::shared_ptr<predict::EmbeddingStore> store)
        : threads_(threads), store_(std::move(store)) {}
    /// Ends the running work at its next block; loads that wait are answered with Cancelled.
    ~SketchLane();

    void load(LoadTask);
    void push(SketchTask);
    /// The small model; empty before it is loaded.
    std::optional<ModelInfo> model() const;

private:
    void run(const std::stop_token&);
    void serve(LoadTask&);
    void serve(SketchTask&, const std::stop_token&);

    int threads_;
    std::shared_ptr<predict::EmbeddingStore> store_;
    mutable std::mutex mutex_; ///< of the next four
    std::condition_variable_any wake_;
    std::deque<LoadTask> loads_;
    std::deque<SketchTask> sketches_;
    std::optional<ModelInfo> model_;
    std::unique_ptr<predict::Predictor> predictor_; ///< of the lane's thread
    std::jthread thread_;                           ///< started by the first load
};

} // namespace tandem::service
