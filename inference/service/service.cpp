#include "inference/service/service.h"

#include "inference/predict/predictor.h"
#include "inference/service/queue.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <thread>

namespace tandem::service {
namespace {

Error cancelled() {
    return {ErrorCode::Cancelled, "Cancelled."};
}

// A callback that throws is a mistake of its owner; it must not end the inference thread.
template <class Callback, class... Arguments>
void callGuarded(const Callback& callback, Arguments&&... arguments) noexcept {
    try {
        if (callback)
            callback(std::forward<Arguments>(arguments)...);
    } catch (...) {
    }
}

class Service final : public Segmenter {
public:
    explicit Service(const ServiceOptions& options) : options_(options) {
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

    std::optional<ModelInfo> model() const override {
        const std::lock_guard lock(modelMutex_);
        return model_;
    }

    RequestId submit(SegmentRequest request, std::stop_token stop, Progress progress,
                     Answer answer) override {
        const RequestId id{++lastId_};
        queue_.push(
            SegmentTask{id, std::move(request), std::move(stop), std::move(progress), std::move(answer)});
        return id;
    }

    void prefetch(SegmentRequest request) override { queue_.push(PrefetchTask{std::move(request)}); }

private:
    // ---- everything below runs on the inference thread
    void run(const std::stop_token& stop) {
        at::set_num_threads(options_.threads > 0 ? options_.threads : defaultThreads());
        stop_ = stop;
        while (auto task = queue_.pop(stop)) {
            std::visit([this](auto& t) { serve(t); }, *task);
            if (!queue_.urgent())
                malloc_trim(std::size_t{64} << 20);
        }
        for (Task& task : queue_.takeAll())
            std::visit([](auto& t) { dismiss(t); }, task);
        predictor_.reset();
    }

    static void dismiss(LoadTask& task) { callGuarded(task.done, Result<ModelInfo>(cancelled())); }
    static void dismiss(SegmentTask& task) {
        callGuarded(task.answer, task.id, Result<std::vector<Proposal>>(cancelled()));
    }
    static void dismiss(PrefetchTask&) {}

    void serve(LoadTask& task) { callGuarded(task.done, load(task.file)); }

    Result<ModelInfo> load(const std::filesystem::path& file) {
        try {
            auto model = checkpoint::openModel(file);
            if (!model)
                return model.error();
            auto info = checkpoint::describeModel(file, *model);
            if (!info)
                return info.error();
            predictor_ = std::make_unique<predict::Predictor>(std::move(*model), info->id,
                                                              options_.embeddingBytes, options_.arithmetic);
            const std::lock_guard lock(modelMutex_);
            model_ = *info;
            return *info;
        } catch (const std::exception&) {
            return Error{ErrorCode::OutOfMemory,
                         "There is not enough memory for the model " + file.string() + "."};
        }
    }

    void serve(SegmentTask& task) {
        if (task.stop.stop_requested())
            return dismiss(task);
        if (!predictor_)
            return callGuarded(
                task.answer, task.id,
                Result<std::vector<Proposal>>(
                    Error{ErrorCode::Unavailable, "No model has been opened yet. Choose a model first."}));
        const auto keepGoing = [&](double done, std::string_view sentence) {
            callGuarded(task.progress, done, sentence);
            answerCancelled();
            return !task.stop.stop_requested() && !stop_.stop_requested();
        };
        callGuarded(task.answer, task.id, predictor_->predict(task.request, keepGoing));
    }

    void serve(PrefetchTask& task) {
        if (!predictor_)
            return;
        const auto keepGoing = [&](double, std::string_view) {
            return !queue_.urgent() && !stop_.stop_requested();
        };
        (void)predictor_->prepare(task.request,
                                  keepGoing); // nobody waits; a request will meet the same error
    }

    void answerCancelled() {
        for (SegmentTask& task : queue_.takeCancelled())
            dismiss(task);
    }

    ServiceOptions options_;
    TaskQueue queue_;
    std::atomic<std::uint64_t> lastId_{0};
    mutable std::mutex modelMutex_;
    std::optional<ModelInfo> model_;
    std::unique_ptr<predict::Predictor> predictor_; // of the inference thread
    std::stop_token stop_;                          // of the inference thread
    std::jthread thread_;                           // last: starts when all else is ready
};

} // namespace

void keepLargePieces() {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_MAX, 0); // a high M_MMAP_THRESHOLD is refused beyond 32 MB
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 64 << 20);
}

int defaultThreads() {
    if (const char* asked = std::getenv("OMP_NUM_THREADS"))
        if (const int n = std::atoi(asked); n > 0)
            return n;
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

std::unique_ptr<Segmenter> makeService(const ServiceOptions& options) {
    return std::make_unique<Service>(options);
}

} // namespace tandem::service
