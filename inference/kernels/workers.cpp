#include "inference/kernels/workers.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tandem::kernels {

struct Workers::State {
    std::vector<FloatBuffer> scratch;
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::condition_variable begin, end;
    std::size_t round = 0; ///< counts calls of run; guarded by mutex, as are the next four
    bool quit = false;
    std::size_t busy = 0;
    void* body = nullptr;
    Call call = nullptr;
    std::exception_ptr failure;
    std::size_t tasks = 0;
    std::atomic<std::size_t> next = 0;

    std::function<void()> pulse; ///< of the calling thread, as is the next
    std::chrono::steady_clock::time_point lastPulse;

    void beat() {
        constexpr std::chrono::milliseconds interval(5);
        if (const auto now = std::chrono::steady_clock::now(); now - lastPulse >= interval) {
            lastPulse = now;
            pulse();
        }
    }

    void work(int worker) {
        const bool beats = worker == 0 && pulse;
        try {
            for (std::size_t t; (t = next.fetch_add(1)) < tasks;) {
                if (beats)
                    beat();
                call(body, t, worker);
            }
        } catch (...) {
            next = tasks;
            const std::lock_guard lock(mutex);
            failure = std::current_exception();
        }
    }

    void serve(int worker) {
        for (std::size_t seen = 0;;) {
            {
                std::unique_lock lock(mutex);
                begin.wait(lock, [&] { return quit || round != seen; });
                if (quit)
                    return;
                seen = round;
            }
            work(worker);
            const std::lock_guard lock(mutex);
            if (--busy == 0)
                end.notify_one();
        }
    }
};

Workers::Workers(int threads) : state_(std::make_unique<State>()) {
    state_->scratch.resize(static_cast<std::size_t>(std::max(1, threads)));
    for (int w = 1; w < threads; ++w)
        state_->threads.emplace_back([s = state_.get(), w] { s->serve(w); });
}

Workers::~Workers() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->quit = true;
    }
    state_->begin.notify_all();
    for (std::thread& t : state_->threads)
        t.join();
}

int Workers::count() const {
    return static_cast<int>(state_->scratch.size());
}

void Workers::start(std::size_t tasks, void* body, Call call) {
    State& s = *state_;
    const bool alone = tasks < 2 || s.threads.empty();
    {
        const std::lock_guard lock(s.mutex);
        s.body = body;
        s.call = call;
        s.tasks = tasks;
        s.next = 0;
        s.failure = nullptr;
        if (!alone) {
            ++s.round;
            s.busy = s.threads.size();
        }
    }
    if (!alone)
        s.begin.notify_all();
    s.work(0);
    std::unique_lock lock(s.mutex);
    s.end.wait(lock, [&] { return alone || s.busy == 0; });
    if (s.failure)
        std::rethrow_exception(std::exchange(s.failure, nullptr));
}

void Workers::setPulse(std::function<void()> pulse) {
    state_->pulse = std::move(pulse);
}

float* Workers::scratch(int worker, std::size_t floats) {
    return state_->scratch[static_cast<std::size_t>(worker)].reserve(floats);
}

void Workers::releaseScratch() {
    for (FloatBuffer& b : state_->scratch)
        b.release();
}

} // namespace tandem::kernels
