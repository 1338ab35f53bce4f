#pragma once

#include "inference/kernels/buffer.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>

namespace tandem::kernels {

/// A few threads that share out numbered tasks; the calling thread works too. Tasks are handed out one at a
/// time, so that a thread that the machine takes away for a while costs little.
/// Thread: one caller at a time; run() must not be called from inside a task.
class Workers {
public:
    /// @param threads  1 or more, the caller included; 1 starts no thread
    explicit Workers(int threads);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    int count() const; ///< threads, the caller included

    /// Calls body(task, worker) once for every task in 0..tasks-1, worker in 0..count()-1; returns when all
    /// are done. An exception of a task (out of memory) reaches the caller after the others have ended.
    /// @param multiplications  in all tasks together, about; few are done by the caller alone, which is
    /// quicker
    template <class Body>
    void run(std::size_t tasks, Body&& body, std::size_t multiplications = kWorthSharing) {
        using Plain = std::remove_reference_t<Body>;
        start(
            tasks, const_cast<void*>(static_cast<const void*>(&body)),
            [](void* b, std::size_t task, int worker) { (*static_cast<Plain*>(b))(task, worker); },
            multiplications < kWorthSharing);
    }
    static constexpr std::size_t kWorthSharing = 300'000; ///< some 10 us of one thread

    /// Called on the thread that calls run(), between tasks and at most every 5 ms; what it throws drops the
    /// tasks that are left and leaves run(): to cancel within milliseconds. Empty: nothing is called.
    void setPulse(std::function<void()> pulse);

    /// A worker's own scratch memory of at least `floats` floats, kept for the next call.
    float* scratch(int worker, std::size_t floats);
    /// Gives all scratch memory back.
    void releaseScratch();

private:
    struct State;
    using Call = void (*)(void*, std::size_t, int);
    void start(std::size_t tasks, void* body, Call call, bool alone);
    std::unique_ptr<State> state_;
};

} // namespace tandem::kernels
