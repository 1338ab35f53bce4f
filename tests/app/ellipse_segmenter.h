#pragma once

#include "core/usecases/segmenter.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace tandem::test {

/// A Segmenter for tests alone: answers each box with the ellipse inscribed in it, on a thread of its own,
/// after a given time. Foreground points without a box are a disc of radius 5. With sketches it first gives
/// the whole box as one, and slices that were prefetched count as ready. Every box has a second candidate:
/// all of it.
class EllipseSegmenter : public Segmenter {
public:
    explicit EllipseSegmenter(std::chrono::milliseconds delay = std::chrono::milliseconds(0),
                              bool sketches = false)
        : delay_(delay), sketches_(sketches), thread_([this](std::stop_token stop) { run(stop); }) {}

    void loadModel(std::filesystem::path, std::function<void(Result<ModelInfo>)> done) override {
        done(Error{ErrorCode::Unavailable, "This network cannot be exchanged."});
    }
    std::optional<ModelInfo> model() const override {
        ModelInfo info;
        info.name = "Ellipse";
        info.id = "ellipse";
        info.trainedForPoints = true;
        return info;
    }
    RequestId submit(SegmentRequest request, std::stop_token stop, Progress progress,
                     Answer answer) override {
        const std::lock_guard lock(mutex_);
        const RequestId id{++last_};
        habit_ = request.habit;
        lean_ = request.lean;
        queue_.push_back({id, std::move(request), std::move(stop), std::move(progress), std::move(answer)});
        wake_.notify_all();
        return id;
    }
    std::optional<ModelInfo> sketchModel() const override {
        ModelInfo info;
        info.name = "Quick";
        return sketches_ ? std::optional(info) : std::nullopt;
    }
    void prefetch(SegmentRequest request) override {
        const std::lock_guard lock(mutex_);
        wished_ = {request.slice};
        wished_.insert(wished_.end(), request.then.begin(), request.then.end());
    }
    std::vector<bool> readySlices(const SegmentRequest& request, std::int64_t count) const override {
        const std::lock_guard lock(mutex_);
        std::vector<bool> ready(static_cast<std::size_t>(count));
        for (const SliceKey& s : wished_)
            if (s.plane == request.slice.plane)
                ready[static_cast<std::size_t>(s.index)] = true;
        return ready;
    }
    /// What the last prefetch named, in its order.
    std::vector<SliceKey> wished() const {
        const std::lock_guard lock(mutex_);
        return wished_;
    }

    /// What came with the last question.
    DrawingHabit habit() const {
        const std::lock_guard lock(mutex_);
        return habit_;
    }
    std::shared_ptr<const BoxLean> lean() const {
        const std::lock_guard lock(mutex_);
        return lean_;
    }
    std::uint64_t asked() const {
        const std::lock_guard lock(mutex_);
        return last_;
    }

    static Proposal ellipse(const SegmentRequest& request, const Prompts& prompts) {
        const auto size = sliceSize(request.volume->geometry(), request.slice.plane);
        Proposal p;
        p.slice = request.slice;
        p.width = size[0];
        p.height = size[1];
        p.predictedIou = 0.87F;
        p.modelId = "ellipse";
        p.logits.assign(static_cast<std::size_t>(size[0] * size[1]), -1.0F);
        SliceBox box = prompts.box.value_or(SliceBox{});
        if (!prompts.box && !prompts.points.empty()) {
            const Point<SlicePx>& at = prompts.points.front().at;
            box = {at[0] - 5, at[1] - 5, at[0] + 5, at[1] + 5};
        }
        for (std::int64_t y = 0; y < size[1]; ++y)
            for (std::int64_t x = 0; x < size[0]; ++x) {
                const double dx =
                    (static_cast<double>(x) - (box.x0 + box.x1) / 2) / ((box.x1 - box.x0 + 1) / 2);
                const double dy =
                    (static_cast<double>(y) - (box.y0 + box.y1) / 2) / ((box.y1 - box.y0 + 1) / 2);
                if (dx * dx + dy * dy <= 1)
                    p.logits[static_cast<std::size_t>(y * size[0] + x)] = 1.0F;
            }
        return p;
    }

private:
    static Proposal boxSketch(const SegmentRequest& request) {
        Proposal p = ellipse(request, request.objects.front());
        const SliceBox& b = *request.objects.front().box;
        for (std::int64_t y = 0; y < p.height; ++y)
            for (std::int64_t x = 0; x < p.width; ++x)
                p.logits[static_cast<std::size_t>(y * p.width + x)] =
                    x >= b.x0 && x <= b.x1 && y >= b.y0 && y <= b.y1 ? 1.0F : -1.0F;
        p.modelId = "quick";
        p.sketch = true;
        return p;
    }

    struct Task {
        RequestId id;
        SegmentRequest request;
        std::stop_token stop;
        Progress progress;
        Answer answer;
    };
    void run(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (wake_.wait(lock, stop, [this] { return !queue_.empty(); })) {
            const Task task = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            serve(task);
            lock.lock();
        }
    }
    void serve(const Task& task) const {
        task.progress(0.5, "Encoding the slice");
        if (sketches_ && task.request.sketch)
            task.request.sketch(task.id, {boxSketch(task.request)});
        std::this_thread::sleep_for(delay_);
        std::vector<Proposal> proposals;
        for (const Prompts& prompts : task.request.objects) {
            const bool whole = prompts.box && task.request.candidate % 2 == 1;
            proposals.push_back(whole ? boxSketch(task.request) : ellipse(task.request, prompts));
            proposals.back().sketch = false;
            proposals.back().kind = whole ? CandidateKind::OtherBox : CandidateKind::Likeliest;
            proposals.back().candidates = prompts.box ? 2 : 1;
        }
        // Answers even what was cancelled: receivers must drop it themselves.
        task.answer(task.id, std::move(proposals));
    }

    std::chrono::milliseconds delay_;
    bool sketches_;
    std::vector<SliceKey> wished_;
    DrawingHabit habit_;
    std::shared_ptr<const BoxLean> lean_;
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<Task> queue_;
    std::uint64_t last_ = 0;
    std::jthread thread_;
};

} // namespace tandem::test
