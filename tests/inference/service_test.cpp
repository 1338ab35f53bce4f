#include "tests/inference/service_support.h"

#include <random>

using namespace tandem;
using namespace std::chrono_literals;
using test::ask;
using test::Gate;
using test::kMicro;
using test::load;
using test::requestOn;

TEST(Service, WithoutModel_SaysSo) {
    const auto service = service::makeService();
    EXPECT_FALSE(service->model().has_value());
    const auto answer = ask(*service, requestOn(0, test::greyVolume(20, 20, 1)));
    ASSERT_FALSE(answer.has_value());
    EXPECT_TRUE(answer.error().code == ErrorCode::Unavailable);
}

TEST(Service, ModelThatCannotBeOpened_LeavesTheOldOne) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kMicro).has_value());
    const std::string id = service->model()->id;
    EXPECT_TRUE(load(*service, "no such file.pth").error().code == ErrorCode::FileNotFound);
    EXPECT_FALSE(load(*service, std::filesystem::path(TANDEM_TEST_DATA) / "checkpoints" / "os_system.pth")
                     .has_value());
    EXPECT_EQ(service->model()->id, id);
    const auto answer = ask(*service, requestOn(0, test::greyVolume(20, 20, 1)));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ((*answer)[0].modelId, id);
}

TEST(Service, NewestRequest_IsServedFirst) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kMicro).has_value());
    const auto volume = test::greyVolume(20, 20, 8);
    Gate gate;
    std::mutex mutex;
    std::vector<std::uint64_t> order;
    std::promise<void> all;
    const auto answer = [&](RequestId id, Result<std::vector<Proposal>> r) {
        EXPECT_TRUE(r.has_value());
        const std::lock_guard lock(mutex);
        order.push_back(id.value);
        if (order.size() == 4)
            all.set_value();
    };
    std::vector<std::uint64_t> ids;
    ids.push_back(service->submit(requestOn(0, volume), {}, gate.progress(), answer).value);
    gate.reached.get_future().wait();
    for (int i = 1; i < 4; ++i)
        ids.push_back(service->submit(requestOn(i, volume), {}, {}, answer).value);
    gate.opened.set_value();
    all.get_future().wait();
    EXPECT_TRUE((order == std::vector<std::uint64_t>{ids[0], ids[3], ids[2], ids[1]}));
}

TEST(Service, CancelledWhileWaiting_IsAnsweredWhileAnotherRuns) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kMicro).has_value());
    const auto volume = test::greyVolume(20, 20, 2);
    Gate gate;
    std::vector<std::string> order;
    std::promise<void> both;
    const auto note = [&](std::string name) {
        order.push_back(std::move(name)); // on the inference thread alone
        if (order.size() == 2)
            both.set_value();
    };
    service->submit(requestOn(0, volume), {}, gate.progress(),
                    [&](RequestId, auto r) { note(r ? "ran" : "failed"); });
    gate.reached.get_future().wait();
    std::stop_source stop;
    service->submit(requestOn(1, volume), stop.get_token(), {}, [&](RequestId, auto r) {
        note(!r && r.error().code == ErrorCode::Cancelled ? "cancelled" : "?");
    });
    stop.request_stop();
    gate.opened.set_value();
    both.get_future().wait();
    EXPECT_TRUE((order == std::vector<std::string>{"cancelled", "ran"}));
}

TEST(Service, EveryRequest_IsAnsweredExactlyOnce) {
    constexpr int kThreads = 4, kEach = 60;
    std::vector<std::atomic<int>> answers(kThreads * kEach + 1);
    std::atomic<int> loads{0}, outcomes[3] = {};
    {
        const auto service = service::makeService();
        ASSERT_TRUE(load(*service, kMicro).has_value());
        const auto volume = test::greyVolume(20, 20, 4);
        std::vector<std::jthread> users;
        for (int t = 0; t < kThreads; ++t)
            users.emplace_back([&, t] {
                std::mt19937 random(static_cast<unsigned>(t));
                std::vector<std::stop_source> stops(kEach);
                for (int i = 0; i < kEach; ++i) {
                    auto request = requestOn(static_cast<std::int64_t>(random() % 5),
                                             volume); // one in five does not exist
                    service->submit(std::move(request), stops[static_cast<std::size_t>(i)].get_token(), {},
                                    [&](RequestId id, Result<std::vector<Proposal>> r) {
                                        ++answers[id.value];
                                        ++outcomes[r ? 0 : r.error().code == ErrorCode::Cancelled ? 1 : 2];
                                    });
                    if (random() % 2)
                        stops[random() % static_cast<unsigned>(i + 1)].request_stop();
                    if (random() % 8 == 0)
                        service->prefetch(requestOn(1, volume));
                    if (random() % 16 == 0)
                        service->loadModel(kMicro, [&](Result<ModelInfo>) { --loads; }), ++loads;
                    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
                }
            });
        users.clear();                                                // joins
        EXPECT_TRUE(ask(*service, requestOn(0, volume)).has_value()); // it serves on; much still waits then
    }
    for (std::size_t i = 1; i < answers.size(); ++i)
        EXPECT_EQ(answers[i].load(), 1) << i;
    EXPECT_EQ(loads.load(), 0);
    EXPECT_EQ(outcomes[0] + outcomes[1] + outcomes[2], kThreads * kEach);
}

// A network whose encode takes long enough to be stopped in the middle.
std::filesystem::path givenSlowModel(const test::TemporaryFolder& folder) {
    net::NetworkConfig config;
    config.imageSize = 512;
    config.embedDim = 256;
    config.numHeads = 4;
    config.depth = 12;
    config.windowSize = 0;
    config.useRelPos = false;
    config.globalAttnIndexes = {};
    const checkpoint::Model model{config, net::configToJson(config), net::randomWeights(config, 1), {}};
    EXPECT_TRUE(checkpoint::saveModel(folder / "slow.safetensors", model, false).has_value());
    return folder / "slow.safetensors";
}

TEST(Service, StopDuringAnEncode_EndsItAtTheNextBlock) {
    const test::TemporaryFolder folder;
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, givenSlowModel(folder)).has_value());
    const auto volume = test::greyVolume(64, 64, 2);
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(ask(*service, requestOn(0, volume)).has_value());
    const auto whole = std::chrono::steady_clock::now() - start;
    std::stop_source stop;
    std::chrono::steady_clock::time_point stopped;
    int later = 0;
    std::promise<Result<std::vector<Proposal>>> answer;
    service->submit(
        requestOn(1, volume), stop.get_token(),
        [&](double done, std::string_view sentence) {
            EXPECT_FALSE(sentence.empty());
            later += stop.stop_requested();
            if (done > 0.2 && !stop.stop_requested()) {
                stopped = std::chrono::steady_clock::now();
                stop.request_stop();
            }
        },
        [&](RequestId, Result<std::vector<Proposal>> r) { answer.set_value(std::move(r)); });
    const auto result = answer.get_future().get();
    const auto took = std::chrono::steady_clock::now() - stopped;
    ASSERT_FALSE(result.has_value());
    EXPECT_TRUE(result.error().code == ErrorCode::Cancelled);
    EXPECT_EQ(later, 0);
    EXPECT_LT(took, whole / 2);
}

TEST(Service, DestroyedDuringAnEncode_AnswersAndEnds) {
    const test::TemporaryFolder folder;
    auto service = service::makeService();
    ASSERT_TRUE(load(*service, givenSlowModel(folder)).has_value());
    std::promise<void> running;
    std::atomic<bool> told{false};
    std::atomic<int> cancelled{0};
    const auto answer = [&](RequestId, Result<std::vector<Proposal>> r) {
        cancelled += !r && r.error().code == ErrorCode::Cancelled;
    };
    const auto volume = test::greyVolume(64, 64, 2);
    service->submit(
        requestOn(0, volume), {},
        [&](double, std::string_view) {
            if (!told.exchange(true))
                running.set_value();
        },
        answer);
    running.get_future().wait();
    service->submit(requestOn(1, volume), {}, {}, answer);
    service.reset();
    EXPECT_EQ(cancelled.load(), 2);
}

TEST(Service, PrefetchedSlice_NeedsNoEncode) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kMicro).has_value());
    const auto volume = test::greyVolume(20, 20, 64);
    bool reused =
        false; // a request takes precedence over a prefetch that has not run yet: try with new slices
    for (std::int64_t slice = 0; slice < 64 && !reused; ++slice) {
        service->prefetch(requestOn(slice, volume));
        std::this_thread::sleep_for(20ms * (slice + 1));
        reused = (*ask(*service, requestOn(slice, volume)))[0].encodeMs == 0;
    }
    EXPECT_TRUE(reused);
}

TEST(Service, CallbackThatThrows_DoesNotEndTheThread) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kMicro).has_value());
    const auto volume = test::greyVolume(20, 20, 1);
    service->submit(
        requestOn(0, volume), {}, [](double, std::string_view) { throw 1; },
        [](RequestId, Result<std::vector<Proposal>>) { throw 2; });
    EXPECT_TRUE(ask(*service, requestOn(0, volume)).has_value());
}
