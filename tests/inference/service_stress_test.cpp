// Many threads, random requests, cancellations and model switches: every request is answered exactly once,
// and a sketch never comes twice or after its answer. TANDEM_STRESS_REQUESTS says how many requests (500).
#include "tests/inference/service_support.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <random>

using namespace tandem;
using test::kGolden;
using test::kMicro;
using test::load;
using test::requestOn;

namespace {

constexpr int kThreads = 4;

int requestCount() {
    const char* asked = std::getenv("TANDEM_STRESS_REQUESTS");
    return asked ? std::max(kThreads, std::atoi(asked)) : 500;
}

struct Seen {
    std::atomic<int> answers{0}, sketches{0}, lateSketches{0};
};

class Stress {
public:
    Stress(Segmenter& segmenter, int requests)
        : segmenter_(segmenter), seen_(static_cast<std::size_t>(requests)) {}

    /// A share of the requests, from one thread.
    void user(int first, int last) {
        std::mt19937 random(static_cast<unsigned>(first));
        std::deque<std::stop_source> stops;
        for (int i = first; i < last; ++i) {
            stops.emplace_back();
            submit(i, random, stops.back().get_token());
            if (random() % 2)
                stops[random() % stops.size()].request_stop();
            if (stops.size() > 20)
                stops.pop_front();
            disturb(random);
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
        }
    }

    std::vector<Seen>& seen() { return seen_; }
    std::atomic<int> loads{0}, outcomes[3] = {};

private:
    void submit(int i, std::mt19937& random, std::stop_token stop) {
        Seen& mine = seen_[static_cast<std::size_t>(i)];
        auto request = requestOn(static_cast<std::int64_t>(random() % 7), volume_); // the last does not exist
        request.window.level = static_cast<double>(random() % 20); // else all is in the cache soon
        request.background = random() % 4 == 0;
        if (random() % 2)
            request.sketch = [&mine](RequestId, const std::vector<Proposal>&) {
                ++mine.sketches;
                mine.lateSketches += mine.answers > 0;
            };
        segmenter_.submit(std::move(request), std::move(stop), {},
                          [this, &mine](RequestId, const Result<std::vector<Proposal>>& r) {
                              ++mine.answers;
                              ++outcomes[r ? 0 : r.error().code == ErrorCode::Cancelled ? 1 : 2];
                          });
    }

    void disturb(std::mt19937& random) {
        const std::array models{kMicro, kGolden / "sam" / "model.safetensors",
                                kGolden / "paper" / "model.safetensors",
                                std::filesystem::path("no such model.pth")};
        const auto loaded = [this](const Result<ModelInfo>&) { --loads; };
        switch (random() % 24) {
        case 0:
            ++loads;
            return segmenter_.loadModel(models[random() % models.size()], loaded);
        case 1:
            ++loads;
            return segmenter_.loadSketchModel(models[random() % 2 * 3], loaded);
        case 2: {
            auto wish = requestOn(1, volume_);
            wish.then = {{Plane::Axial, 2}, {Plane::Axial, 3}};
            return segmenter_.prefetch(wish);
        }
        case 3:
            (void)segmenter_.readySlices(requestOn(0, volume_), 6);
            (void)segmenter_.model();
            return;
        default:
            return;
        }
    }

    Segmenter& segmenter_;
    std::shared_ptr<const Volume> volume_ = test::greyVolume(20, 20, 6);
    std::vector<Seen> seen_;
};

} // namespace

TEST(ServiceStress, EveryRequestIsAnsweredExactlyOnce) {
    const int count = requestCount() / kThreads * kThreads;
    const test::TemporaryFolder folder;
    service::ServiceOptions options;
    options.threads = 2;
    options.embeddings.memoryBytes = 1 << 17; // a few embeddings: some go
    options.embeddings.diskFolder = folder.path();
    options.embeddings.diskFromMs = 0;
    options.embeddings.diskBytes = 1 << 18;
    auto service = service::makeService(options);
    ASSERT_TRUE(load(*service, kMicro).has_value());
    Stress stress(*service, count);
    {
        std::vector<std::jthread> users;
        for (int t = 0; t < kThreads; ++t)
            users.emplace_back([&, t] { stress.user(count / kThreads * t, count / kThreads * (t + 1)); });
    }
    service.reset(); // while much still waits
    int once = 0, sketches = 0;
    for (Seen& s : stress.seen()) {
        once += s.answers == 1;
        sketches += s.sketches;
        EXPECT_LE(s.sketches.load(), 1);
        EXPECT_EQ(s.lateSketches.load(), 0);
    }
    EXPECT_EQ(once, count);
    EXPECT_EQ(stress.loads.load(), 0);
    EXPECT_GT(stress.outcomes[0].load(), 0);
    EXPECT_GT(stress.outcomes[1].load(), 0);
    std::printf("%d requests: %d answered, %d cancelled, %d refused; %d sketches\n", count,
                stress.outcomes[0].load(), stress.outcomes[1].load(), stress.outcomes[2].load(), sketches);
}
