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

namespace {

// How long a thread looks for work, or for the others' end, before it sleeps. Waking a sleeper costs some 50
// us, more than many a product of the mask decoder; looking longer would take the core from others.
constexpr std::chrono::microseconds kLook(60);

// Whether the condition came true while looking.
template <class Condition>
bool look(const Condition& condition) {
    const auto start = std::chrono::steady_clock::now();
    do {
        for (int i = 0; i < 32; ++i) {
            if (condition())
                return true;
#ifdef __x86_64__
            __builtin_ia32_pause();
#endif
        }
    } while (std::chrono::steady_clock::now() - start < kLook);
    return false;
}

} // namespace

struct Workers::State {
    std::vector<FloatBuffer> scratch;
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::condition_variable begin, end;
    std::atomic<std::size_t> round = 0; ///< counts shared runs; written under the mutex, as the next three
    std::atomic<bool> quit = false;
    std::atomic<std::size_t> active = 0; ///< threads beside the caller's that work in this round
    bool open = false;                   ///< a thread that wakes may still join
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

    // Whether the thread is in the round that it has seen begin: too late, and it is not waited for.
    bool join(std::size_t& seen) {
        std::unique_lock lock(mutex);
        begin.wait(lock, [&] { return quit || round != seen; });
        seen = round;
        if (quit || !open)
            return false;
        ++active;
        return true;
    }
    void leave() {
        const std::lock_guard lock(mutex);
        if (--active == 0)
            end.notify_one();
    }
    void serve(int worker) {
        for (std::size_t seen = 0; !quit;) {
            look([&] { return quit || round != seen; });
            if (join(seen)) {
                work(worker);
                leave();
            }
        }
    }

    void openRound() {
        {
            const std::lock_guard lock(mutex);
            open = true;
            ++round;
        }
        begin.notify_all();
    }
    void closeRound() {
        {
            const std::lock_guard lock(mutex);
            open = false;
        }
        look([&] { return active == 0; });
        std::unique_lock lock(mutex);
        end.wait(lock, [&] { return active == 0; });
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

void Workers::start(std::size_t tasks, void* body, Call call, bool alone) {
    State& s = *state_;
    alone = alone || tasks < 2 || s.threads.empty();
    s.body = body; // nobody else is in a round now
    s.call = call;
    s.tasks = tasks;
    s.next = 0;
    s.failure = nullptr;
    if (!alone)
        s.openRound();
    s.work(0);
    if (!alone)
        s.closeRound();
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
