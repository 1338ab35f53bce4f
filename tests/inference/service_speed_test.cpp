// What makes waiting short: who comes first, what is given up, what is kept, and sketches.
#include "inference/service/queue.h"
#include "tests/inference/service_support.h"

using namespace tandem;
using test::ask;
using test::comesTrue;
using test::kGolden;
using test::kMicro;
using test::load;
using test::loadSketch;
using test::requestOn;

namespace {

const std::filesystem::path kLarge = kGolden / "paper" / "model.safetensors"; // 14 times the micro model

// Runs `then` in the progress call of a request's second step, in the middle of its encode.
Progress inTheMiddle(const std::function<void()>& then) {
    auto steps = std::make_shared<std::atomic<int>>(0);
    return [steps, then](double, std::string_view) {
        if (++*steps == 2)
            then();
    };
}

// Collects answers in the order in which they come.
struct Answers {
    struct One {
        std::string name;
        Result<std::vector<Proposal>> result;
    };
    std::mutex mutex;
    std::vector<One> all;

    Segmenter::Answer named(std::string name) {
        return [this, name](RequestId, Result<std::vector<Proposal>> r) {
            const std::lock_guard lock(mutex);
            all.push_back({name, std::move(r)});
        };
    }
    std::size_t count() {
        const std::lock_guard lock(mutex);
        return all.size();
    }
    std::string order() {
        std::string out;
        for (const One& one : all)
            out += one.name + (one.result                                        ? "+"
                               : one.result.error().code == ErrorCode::Cancelled ? "-"
                                                                                 : "!");
        return out;
    }
};

service::SegmentTask taskOn(std::uint64_t id, std::int64_t slice, const std::shared_ptr<const Volume>& volume,
                            bool background = false) {
    service::SegmentTask task;
    task.id = {id};
    task.request = requestOn(slice, volume);
    task.request.background = background;
    return task;
}

std::string popped(service::TaskQueue& queue) {
    const auto task = queue.pop({});
    if (const auto* request = std::get_if<service::SegmentTask>(&*task))
        return "request " + std::to_string(request->id.value);
    return "wish " + std::to_string(std::get<service::PrefetchTask>(*task).request.slice.index);
}

} // namespace

TEST(TaskQueue, NewestThenBackgroundThenWishesInTheirOrder) {
    const auto volume = test::greyVolume(8, 8, 9);
    service::TaskQueue queue;
    SegmentRequest old = requestOn(8, volume), wishes = requestOn(4, volume);
    wishes.then = {{Plane::Axial, 5}, {Plane::Axial, 3}};
    queue.wish(old);
    queue.wish(wishes); // replaces it
    queue.push(taskOn(1, 0, volume, true));
    queue.push(taskOn(2, 1, volume));
    queue.push(taskOn(3, 1, volume, true));
    queue.push(taskOn(4, 1, volume));
    for (const std::string expected :
         {"request 4", "request 2", "request 1", "request 3", "wish 4", "wish 5", "wish 3"})
        EXPECT_EQ(popped(queue), expected);
}

TEST(TaskQueue, Overtaken_OnlyByWhatNeedsAnotherEmbedding) {
    const auto volume = test::greyVolume(8, 8, 9);
    const predict::SliceKeys keys{"model", true};
    const std::string here = keys.of(requestOn(1, volume));
    const service::Running asked{here, false, false, 0}, inBackground{here, true, false, 0},
        orphan{here, false, true, 0}, nameless{"", false, true, 0};
    service::TaskQueue queue;
    EXPECT_FALSE(queue.overtaken(asked, keys));
    EXPECT_TRUE(queue.overtaken(orphan, keys)); // nobody wants it
    queue.wish(requestOn(1, volume));
    EXPECT_FALSE(queue.overtaken(orphan, keys));
    EXPECT_TRUE(queue.overtaken(nameless, keys));
    queue.push(taskOn(1, 2, volume, true)); // of the background, elsewhere
    EXPECT_TRUE(queue.overtaken(orphan, keys));
    EXPECT_FALSE(queue.overtaken(inBackground, keys));
    queue.push(taskOn(2, 1, volume)); // the same slice
    EXPECT_FALSE(queue.overtaken(orphan, keys));
    EXPECT_FALSE(queue.overtaken(inBackground, keys));
    queue.push(taskOn(3, 2, volume)); // elsewhere
    EXPECT_TRUE(queue.overtaken(orphan, keys));
    EXPECT_TRUE(queue.overtaken(inBackground, keys));
    EXPECT_FALSE(queue.overtaken(asked, keys));
    queue.push(service::LoadTask{});
    EXPECT_TRUE(queue.overtaken(asked, keys));
}

TEST(ServiceSpeed, ARequest_OvertakesTheBackgroundWhichIsBegunAgain) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kLarge).has_value());
    const auto volume = test::greyVolume(30, 30, 3);
    Answers answers;
    SegmentRequest slow = requestOn(0, volume);
    slow.background = true;
    service->submit(slow, {}, inTheMiddle([&] {
                        service->submit(requestOn(1, volume), {}, {}, answers.named("urgent"));
                    }),
                    answers.named("background"));
    ASSERT_TRUE(comesTrue([&] { return answers.count() == 2; }));
    EXPECT_EQ(answers.order(), "urgent+background+");
}

TEST(ServiceSpeed, AnotherModel_OvertakesAndAnswersTheRequest) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kLarge).has_value());
    Answers answers;
    std::atomic<bool> loaded{false}, loadedFirst{false};
    service->submit(requestOn(0, test::greyVolume(30, 30, 1)), {}, inTheMiddle([&] {
                        service->loadModel(kMicro, [&](const Result<ModelInfo>& r) {
                            loaded = r.has_value();
                            loadedFirst = answers.count() == 0;
                        });
                    }),
                    answers.named("request"));
    ASSERT_TRUE(comesTrue([&] { return answers.count() == 1; }));
    EXPECT_TRUE(loaded && loadedFirst);
    ASSERT_EQ(answers.order(), "request+");
    EXPECT_EQ((*answers.all[0].result)[0].modelId, service->model()->id);
}

TEST(ServiceSpeed, ANewQuestionOnTheSlice_TakesOverTheRunningEncode) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kLarge).has_value());
    const auto volume = test::greyVolume(30, 30, 1);
    Answers answers;
    std::stop_source stop;
    std::vector<double> progress; // on the inference thread alone
    service->submit(requestOn(0, volume), stop.get_token(), inTheMiddle([&] {
                        service->submit(
                            requestOn(0, volume), {},
                            [&](double done, std::string_view) { progress.push_back(done); },
                            answers.named("new"));
                        stop.request_stop();
                    }),
                    answers.named("old"));
    ASSERT_TRUE(comesTrue([&] { return answers.count() == 2; }));
    ASSERT_EQ(answers.order(), "old-new+");
    EXPECT_EQ((*answers.all[1].result)[0].encodeMs, 0.0); // it had no encode of its own
    ASSERT_GT(progress.size(), 2U);
    EXPECT_GT(progress.front(), 0.0); // it joined in the middle
    EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
}

TEST(ServiceSpeed, ACancelledRequest_IsEncodedOnIfTheSliceIsWished) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kLarge).has_value());
    const auto volume = test::greyVolume(30, 30, 2);
    Answers answers;
    std::stop_source stop;
    service->submit(requestOn(1, volume), stop.get_token(), inTheMiddle([&] {
                        service->prefetch(requestOn(1, volume));
                        stop.request_stop();
                    }),
                    answers.named("accepted"));
    EXPECT_TRUE(comesTrue([&]() -> bool { return service->readySlices(requestOn(0, volume), 2)[1]; }));
    EXPECT_EQ(answers.order(), "accepted-");
}

TEST(ServiceSpeed, ReadySlices_AreThoseThatWereEncoded) {
    const auto service = service::makeService();
    EXPECT_TRUE(service->readySlices(requestOn(0, test::greyVolume(8, 8, 3)), 3).empty());
    ASSERT_TRUE(load(*service, kMicro).has_value());
    const auto volume = test::greyVolume(20, 20, 5);
    EXPECT_TRUE(service->readySlices(requestOn(0, volume), 5) == std::vector<bool>(5, false));
    ASSERT_TRUE(ask(*service, requestOn(3, volume)).has_value());
    SegmentRequest wish = requestOn(1, volume);
    wish.then = {{Plane::Axial, 0}};
    service->prefetch(wish);
    const std::vector<bool> expected{true, true, false, true, false};
    EXPECT_TRUE(comesTrue([&] { return service->readySlices(requestOn(0, volume), 5) == expected; }));
    SegmentRequest otherWindow = requestOn(0, volume);
    otherWindow.window = {0, 100};
    EXPECT_TRUE(service->readySlices(otherWindow, 5) == std::vector<bool>(5, false));
}

TEST(ServiceSpeed, DiskCache_ServesTheNextProgram) {
    const test::TemporaryFolder folder;
    service::ServiceOptions options;
    options.embeddings.diskFolder = folder / "embeddings";
    options.embeddings.diskFromMs = 0; // a micro model is not slow
    const auto volume = test::greyVolume(40, 30, 2);
    std::vector<Proposal> first, second;
    for (std::vector<Proposal>* answer : {&first, &second}) {
        const auto service = service::makeService(options);
        ASSERT_TRUE(load(*service, kLarge).has_value());
        *answer = *ask(*service, requestOn(1, volume));
        EXPECT_TRUE(comesTrue([&] { // written after the answer
            std::error_code none;
            return std::filesystem::exists(options.embeddings.diskFolder, none) &&
                   !std::filesystem::is_empty(options.embeddings.diskFolder, none);
        }));
        service->submit(requestOn(0, volume), {}, {}, {}); // the end comes while it works
    }
    EXPECT_GT(first[0].encodeMs, 0.0);
    EXPECT_EQ(second[0].encodeMs, 0.0);
    double largest = 0;
    for (std::size_t i = 0; i < first[0].logits.size(); ++i)
        largest = std::max(largest, std::abs(double{first[0].logits[i]} - second[0].logits[i]));
    EXPECT_LT(largest, 0.05); // float16: 11 bits of an embedding of about 1
    EXPECT_GT(largest, 0.0);
}

TEST(ServiceSpeed, QuickModels_LeaveNothingOnDisk) {
    const test::TemporaryFolder folder;
    service::ServiceOptions options;
    options.embeddings.diskFolder = folder / "embeddings";
    options.embeddings.diskFromMs = 1e9;
    {
        const auto service = service::makeService(options);
        ASSERT_TRUE(load(*service, kMicro).has_value());
        ASSERT_TRUE(ask(*service, requestOn(0, test::greyVolume(20, 20, 1))).has_value());
    }
    EXPECT_FALSE(std::filesystem::exists(options.embeddings.diskFolder));
}

TEST(ServiceSpeed, Sketch_ComesWhileTheLargeModelWorksAndIsMarked) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kLarge).has_value());
    const auto small = loadSketch(*service, kMicro);
    ASSERT_TRUE(small.has_value());
    const auto volume = test::greyVolume(30, 30, 1);
    std::promise<std::vector<Proposal>> sketched;
    auto sketch = sketched.get_future().share();
    SegmentRequest request = requestOn(0, volume);
    request.sketch = [&](RequestId, std::vector<Proposal> p) { sketched.set_value(std::move(p)); };
    std::promise<Result<std::vector<Proposal>>> answered;
    service->submit(
        request, {}, [sketch](double, std::string_view) { sketch.wait(); }, // works until the sketch is there
        [&](RequestId, Result<std::vector<Proposal>> r) { answered.set_value(std::move(r)); });
    const auto answer = answered.get_future().get();
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(sketch.get().size(), 1U);
    EXPECT_TRUE(sketch.get()[0].sketch);
    EXPECT_EQ(sketch.get()[0].modelId, small->id);
    EXPECT_EQ(sketch.get()[0].logits.size(), 900U);
    EXPECT_FALSE((*answer)[0].sketch);
    EXPECT_EQ((*answer)[0].modelId, service->model()->id);
}

TEST(ServiceSpeed, NoSketch_WhereItWouldNotHelp) {
    const auto service = service::makeService();
    ASSERT_TRUE(load(*service, kLarge).has_value());
    const auto volume = test::greyVolume(30, 30, 2);
    std::atomic<int> sketches{0};
    const auto askFor = [&](std::int64_t slice) {
        SegmentRequest request = requestOn(slice, volume);
        request.sketch = [&](RequestId, const std::vector<Proposal>&) { ++sketches; };
        EXPECT_TRUE(ask(*service, request).has_value());
    };
    askFor(0); // no sketch model
    ASSERT_TRUE(loadSketch(*service, kMicro).has_value());
    askFor(0); // the embedding is there
    ASSERT_TRUE(load(*service, kMicro).has_value());
    askFor(1); // the model in use is the sketch model
    EXPECT_FALSE(loadSketch(*service, "no such file.pth").has_value());
    EXPECT_EQ(sketches.load(), 0);
}
