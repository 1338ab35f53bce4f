#include "inference/service/service.h"

#include "inference/predict/embedding_store.h"
#include "inference/process.h"
#include "inference/service/loading.h"
#include "inference/service/queue.h"
#include "inference/service/sketch_lane.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace tandem::service {
namespace {

constexpr std::int64_t kSketchRatio = 4; // the model in use has so many times the sketch model's parameters

int threadsOf(const ServiceOptions& options) {
    return options.threads > 0 ? options.threads : defaultThreads();
}

class Service final : public Segmenter {
public:
    explicit Service(const ServiceOptions& options)
        : options_(options), store_(std::make_shared<predict::EmbeddingStore>(options.embeddings)),
          sketches_(threadsOf(options), store_) {
        keepLargePieces();
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    ~Service() override {
        thread_.request_stop();
        thread_.join();
    }

    void loadModel(std::filesystem::path file, std::function<void(Result<ModelInfo>)> done) override {
        queue_.push(LoadTask{std::move(file), std::move(done)});
    }
    void loadSketchModel(std::filesystem::path file, std::function<void(Result<ModelInfo>)> done) override {
        sketches_.load({std::move(file), std::move(done)});
    }

    std::optional<ModelInfo> model() const override {
        const std::lock_guard lock(modelMutex_);
        return model_;
    }

    std::optional<ModelInfo> sketchModel() const override { return sketches_.model(); }

    RequestId submit(SegmentRequest request, std::stop_token stop, Progress progress,
                     Answer answer) override {
        const RequestId id{++lastId_};
        const auto gate = std::make_shared<AnswerGate>();
        std::optional<SketchTask> sketch;
        if (request.sketch && sketchHelps(request))
            sketch = SketchTask{id, request, stop, gate};
        queue_.push(SegmentTask{id, std::move(request), std::move(stop), std::move(progress),
                                std::move(answer), gate});
        if (sketch)
            sketches_.push(std::move(*sketch));
        return id;
    }

    void prefetch(SegmentRequest request) override { queue_.wish(request); }

    std::vector<bool> readySlices(const SegmentRequest& request, std::int64_t count) const override {
        const predict::SliceKeys keys = sharedKeys();
        if (!keys.wholeSlices)
            return {};
        std::vector<bool> ready(static_cast<std::size_t>(std::max<std::int64_t>(0, count)));
        SegmentRequest one{request.volume, request.imageHash, request.slice, request.window, {}};
        for (std::size_t i = 0; i < ready.size(); ++i) {
            one.slice.index = static_cast<std::int64_t>(i);
            const std::string key = keys.of(one);
            ready[i] = !key.empty() && store_->contains(key);
        }
        return ready;
    }

private:
    predict::SliceKeys sharedKeys() const {
        const std::lock_guard lock(modelMutex_);
        return keys_;
    }

    bool sketchHelps(const SegmentRequest& request) const {
        const auto small = sketches_.model(), large = model();
        if (!small || !large || small->id == large->id ||
            large->parameters < kSketchRatio * small->parameters)
            return false;
        const std::string key = sharedKeys().of(request);
        return key.empty() || !store_->contains(key);
    }

    // ---- everything below runs on the inference thread
    void run(const std::stop_token& stop) {
        at::set_num_threads(threadsOf(options_));
        stop_ = stop;
        while (auto task = queue_.pop(stop)) {
            std::visit([this](auto& t) { serve(t); }, *task);
            if (!queue_.urgent())
                malloc_trim(std::size_t{64} << 20);
            while (!stop.stop_requested() && !queue_.urgent() && store_->writeWaiting()) {
            }
        }
        for (Task& task : queue_.takeAll())
            std::visit([](auto& t) { dismiss(t); }, task);
        predictor_.reset();
    }

    static void dismiss(LoadTask& task) { callGuarded(task.done, Result<ModelInfo>(cancelled())); }
    static void dismiss(SegmentTask& task) { answer(task, cancelled()); }
    static void dismiss(PrefetchTask&) {}

    static void answer(SegmentTask& task, Result<std::vector<Proposal>> result) {
        task.gate->close();
        callGuarded(task.answer, task.id, std::move(result));
    }

    void serve(LoadTask& task) { callGuarded(task.done, load(task.file)); }

    Result<ModelInfo> load(const std::filesystem::path& file) {
        auto loaded = openPredictor(file, store_, options_.arithmetic);
        if (!loaded)
            return loaded.error();
        predictor_ = std::move(loaded->predictor);
        const std::lock_guard lock(modelMutex_);
        keys_ = predictor_->sliceKeys();
        model_ = loaded->info;
        return std::move(loaded->info);
    }

    void serve(SegmentTask& task) {
        if (task.stop.stop_requested())
            return dismiss(task);
        if (!predictor_)
            return answer(
                task, Error{ErrorCode::Unavailable, "No model has been opened yet. Choose a model first."});
        Running now{keys_.of(task.request), task.request.background, false, 0};
        const auto noteStop = [&] { // answered at once; the encode may go on for somebody else
            if (!now.orphan && task.stop.stop_requested()) {
                dismiss(task);
                now.orphan = true;
            }
        };
        predict::Watch watch;
        watch.progress = [&](double done, std::string_view sentence) {
            if (!now.orphan)
                callGuarded(task.progress, done, sentence);
            tellWatchers(now, done, sentence);
        };
        watch.encodeOn = [&] {
            noteStop();
            return encodeOn(now);
        };
        watch.decodeOn = [&] {
            noteStop();
            return !now.orphan && !stop_.stop_requested();
        };
        auto result = predictor_->predict(task.request, watch);
        if (now.orphan)
            return;
        const bool gaveWay = !result && result.error().code == ErrorCode::Cancelled &&
                             !task.stop.stop_requested() && !stop_.stop_requested();
        gaveWay ? queue_.putBack(std::move(task)) : answer(task, std::move(result));
    }

    void serve(PrefetchTask& task) {
        if (!predictor_ || !keys_.wholeSlices)
            return;
        const Running now{keys_.of(task.request), false, true, task.wish};
        predict::Watch watch;
        watch.progress = [&](double done, std::string_view sentence) { tellWatchers(now, done, sentence); };
        watch.encodeOn = [&] { return encodeOn(now); };
        (void)predictor_->prepare(task.request, watch); // nobody waits; a request will meet the same error
    }

    bool encodeOn(const Running& now) {
        for (SegmentTask& task : queue_.takeCancelled())
            dismiss(task);
        return !stop_.stop_requested() && !queue_.overtaken(now, keys_);
    }

    // Requests that wait for the embedding that is being made see how far it is.
    void tellWatchers(const Running& now, double done, std::string_view sentence) {
        for (const Progress& progress : queue_.watchersOf(now.key, keys_))
            callGuarded(progress, done, sentence);
    }

    ServiceOptions options_;
    std::shared_ptr<predict::EmbeddingStore> store_;
    TaskQueue queue_;
    std::atomic<std::uint64_t> lastId_{0};
    mutable std::mutex modelMutex_; // of the next two; keys_ is read without it on the thread that writes it
    std::optional<ModelInfo> model_;
    predict::SliceKeys keys_;
    std::unique_ptr<predict::Predictor> predictor_; // of the inference thread
    std::stop_token stop_;                          // of the inference thread
    SketchLane sketches_;
    std::jthread thread_; // last: starts when all else is ready
};

} // namespace

std::unique_ptr<Segmenter> makeService(const ServiceOptions& options) {
    return std::make_unique<Service>(options);
}

} // namespace tandem::service
