#include "inference/service/queue.h"

#include <algorithm>

namespace tandem::service {

void TaskQueue::push(LoadTask task) {
    const std::lock_guard lock(mutex_);
    loads_.push_back(std::move(task));
    wake_.notify_one();
}

void TaskQueue::push(SegmentTask task) {
    putBack(std::move(task));
}

void TaskQueue::putBack(SegmentTask task) {
    const std::lock_guard lock(mutex_);
    const auto later = std::find_if(requests_.begin(), requests_.end(),
                                    [&](const SegmentTask& t) { return t.id > task.id; });
    requests_.insert(later, std::move(task));
    wake_.notify_one();
}

void TaskQueue::wish(const SegmentRequest& request) {
    const std::lock_guard lock(mutex_);
    ++wishNumber_;
    wishes_.clear();
    SegmentRequest one = request;
    one.then.clear();
    wishes_.push_back(one);
    for (std::size_t i = 0; i < request.then.size() && wishes_.size() < kMostWishes; ++i) {
        one.slice = request.then[i];
        wishes_.push_back(one);
    }
    wake_.notify_one();
}

std::deque<SegmentTask>::const_iterator TaskQueue::nextRequest(bool withBackground) const {
    const auto newest = std::find_if(requests_.rbegin(), requests_.rend(),
                                     [](const SegmentTask& t) { return !t.request.background; });
    if (newest != requests_.rend())
        return std::prev(newest.base());
    return withBackground ? requests_.begin() : requests_.end();
}

std::optional<Task> TaskQueue::pop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, stop, [&] { return !loads_.empty() || !requests_.empty() || !wishes_.empty(); });
    if (stop.stop_requested())
        return std::nullopt;
    if (!loads_.empty()) {
        Task task(std::move(loads_.front()));
        loads_.pop_front();
        return task;
    }
    if (const auto next = nextRequest(true); next != requests_.end()) {
        const auto at = requests_.begin() + (next - requests_.cbegin());
        Task task(std::move(*at));
        requests_.erase(at);
        return task;
    }
    Task task(PrefetchTask{std::move(wishes_.front()), wishNumber_});
    wishes_.pop_front();
    return task;
}

bool TaskQueue::urgent() const {
    const std::lock_guard lock(mutex_);
    return !loads_.empty() || !requests_.empty();
}

bool TaskQueue::wished(const std::string& key, const predict::SliceKeys& keys) const {
    return std::any_of(wishes_.begin(), wishes_.end(),
                       [&](const SegmentRequest& r) { return keys.of(r) == key; });
}

bool TaskQueue::overtaken(const Running& now, const predict::SliceKeys& keys) const {
    const std::lock_guard lock(mutex_);
    if (!loads_.empty())
        return true;
    if (!now.orphan && !now.background)
        return false;
    if (const auto next = nextRequest(now.orphan); next != requests_.end())
        return now.key.empty() || keys.of(next->request) != now.key;
    if (!now.orphan)
        return false;
    return now.key.empty() || (now.wish != wishNumber_ && !wished(now.key, keys));
}

std::vector<Progress> TaskQueue::watchersOf(const std::string& key, const predict::SliceKeys& keys) const {
    const std::lock_guard lock(mutex_);
    std::vector<Progress> out;
    for (const SegmentTask& task : requests_)
        if (!key.empty() && task.progress && keys.of(task.request) == key)
            out.push_back(task.progress);
    return out;
}

std::vector<SegmentTask> TaskQueue::takeCancelled() {
    const std::lock_guard lock(mutex_);
    std::vector<SegmentTask> out;
    std::deque<SegmentTask> kept;
    for (SegmentTask& task : requests_)
        (task.stop.stop_requested() ? out.emplace_back() : kept.emplace_back()) = std::move(task);
    requests_ = std::move(kept);
    return out;
}

std::vector<Task> TaskQueue::takeAll() {
    const std::lock_guard lock(mutex_);
    std::vector<Task> out;
    for (LoadTask& task : loads_)
        out.emplace_back(std::move(task));
    for (SegmentTask& task : requests_)
        out.emplace_back(std::move(task));
    loads_.clear();
    requests_.clear();
    wishes_.clear();
    return out;
}

} // namespace tandem::service
