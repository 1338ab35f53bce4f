#include "inference/kernels/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

using namespace tandem;

namespace {

struct Enough {};

const auto sleepABit = [](std::size_t, int) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };

} // namespace

TEST(Workers, PulseThatThrows_DropsTheTasksThatAreLeft) {
    constexpr std::size_t kTasks = 100000; // minutes of sleep
    for (const int threads : {1, 3}) {
        kernels::Workers workers(threads);
        int beats = 0;
        workers.setPulse([&] {
            if (++beats == 3)
                throw Enough{};
        });
        std::atomic<std::size_t> done = 0;
        bool left = false;
        try {
            workers.run(kTasks, [&](std::size_t t, int w) {
                sleepABit(t, w);
                ++done;
            });
        } catch (const Enough&) {
            left = true;
        }
        EXPECT_TRUE(left);
        EXPECT_EQ(beats, 3);
        EXPECT_LT(done.load(), kTasks);
    }
}

TEST(Workers, PulseComesOnTheCallingThreadAlone_AndEndsWithAnEmptyOne) {
    kernels::Workers workers(2);
    const auto caller = std::this_thread::get_id();
    std::atomic<int> beats = 0, elsewhere = 0;
    workers.setPulse([&] {
        ++beats;
        elsewhere += std::this_thread::get_id() != caller;
    });
    workers.run(60, sleepABit);
    EXPECT_GT(beats.load(), 0);
    EXPECT_EQ(elsewhere.load(), 0);
    workers.setPulse({});
    const int before = beats;
    workers.run(20, sleepABit);
    EXPECT_EQ(beats.load(), before);
}
