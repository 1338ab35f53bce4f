#pragma once

#include "core/result.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <new>
#include <thread>

namespace tandem {

/// The one thread that owns a database connection: runs tasks one after the other, in the order they came.
/// The destructor lets every task that was posted finish. Thread: any.
class StoreThread {
public:
    StoreThread();
    ~StoreThread();
    StoreThread(const StoreThread&) = delete;
    StoreThread& operator=(const StoreThread&) = delete;

    void post(std::function<void()> task);

    /// Runs `work` (returning a Result) there and waits for it; at once if this already is the store's
    /// thread. What it throws becomes an Error: OutOfMemory or Internal.
    template <class Work>
    auto call(Work work) -> decltype(work()) {
        using Answer = decltype(work());
        if (std::this_thread::get_id() == thread_.get_id())
            return guarded(work);
        std::promise<Answer> promise;
        std::future<Answer> answer = promise.get_future();
        post([&] { promise.set_value(guarded(work)); });
        return answer.get();
    }

    template <class Work>
    static auto guarded(Work& work) -> decltype(work()) {
        try {
            return work();
        } catch (const std::bad_alloc&) {
            return Error{ErrorCode::OutOfMemory, "There is not enough memory for this project's masks."};
        } catch (const std::exception& e) {
            return Error{ErrorCode::Internal,
                         std::string("The project store met an error of its own: ") + e.what()};
        }
    }

private:
    void loop();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    bool stopping_ = false;
    std::thread thread_; // last: starts when the rest is there
};

} // namespace tandem
