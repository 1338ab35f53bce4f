#include "inference/service/sketch_lane.h"

#include <ATen/Parallel.h>

namespace tandem::service {

SketchLane::~SketchLane() {
    thread_.request_stop();
    if (thread_.joinable())
        thread_.join();
    for (LoadTask& task : loads_)
        callGuarded(task.done, Result<ModelInfo>(cancelled()));
}

void SketchLane::load(LoadTask task) {
    const std::lock_guard lock(mutex_);
    loads_.push_back(std::move(task));
    if (!thread_.joinable())
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    wake_.notify_one();
}

void SketchLane::push(SketchTask task) {
    const std::lock_guard lock(mutex_);
    std::erase_if(sketches_, [](const SketchTask& t) { return t.stop.stop_requested() || !t.gate->open(); });
    sketches_.push_back(std::move(task));
    wake_.notify_one();
}

std::optional<ModelInfo> SketchLane::model() const {
    const std::lock_guard lock(mutex_);
    return model_;
}

void SketchLane::run(const std::stop_token& stop) {
    at::set_num_threads(threads_);
    std::unique_lock lock(mutex_);
    while (wake_.wait(lock, stop, [&] { return !loads_.empty() || !sketches_.empty(); }) &&
           !stop.stop_requested()) {
        if (!loads_.empty()) {
            LoadTask task = std::move(loads_.front());
            loads_.pop_front();
            lock.unlock();
            serve(task);
        } else {
            SketchTask task = std::move(sketches_.back());
            sketches_.pop_back();
            lock.unlock();
            serve(task, stop);
        }
        lock.lock();
    }
    lock.unlock();
    predictor_.reset();
}

void SketchLane::serve(LoadTask& task) {
    auto loaded = openPredictor(task.file, store_);
    if (!loaded)
        return callGuarded(task.done, Result<ModelInfo>(loaded.error()));
    predictor_ = std::move(loaded->predictor);
    {
        const std::lock_guard lock(mutex_);
        model_ = loaded->info;
    }
    callGuarded(task.done, Result<ModelInfo>(std::move(loaded->info)));
}

void SketchLane::serve(SketchTask& task, const std::stop_token& stop) {
    const auto on = [&] {
        return !stop.stop_requested() && !task.stop.stop_requested() && task.gate->open();
    };
    if (!predictor_ || !on())
        return;
    auto sketch = predictor_->predict(task.request, {{}, on, on});
    if (!sketch)
        return; // the answer will say what is wrong
    for (Proposal& p : *sketch)
        p.sketch = true;
    task.gate->ifOpen([&] {
        if (!task.stop.stop_requested())
            callGuarded(task.request.sketch, task.id, std::move(*sketch));
    });
}

} // namespace tandem::service
