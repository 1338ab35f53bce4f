#include "inference/library.h"

#include "inference/bench/bench_decode.h"
#include "inference/bench/bench_encode.h"
#include "inference/bench/bench_speed.h"
#include "inference/bench/bench_train.h"
#include "inference/bench/machine.h"
#include "inference/checkpoint/average.h"
#include "inference/checkpoint/model.h"
#include "inference/service/service.h"
#include "inference/train/train.h"
#include "inference/verify/verify.h"

namespace tandem {
namespace {

// What escapes from LibTorch ends here, in words.
template <class T, class Function>
Result<T> guarded(const Function& function) {
    try {
        return function();
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::OutOfMemory, "There is not enough memory for this."};
    } catch (const std::exception& e) {
        const std::string words = e.what();
        return Error{ErrorCode::Internal,
                     "The inference library failed: " + words.substr(0, words.find('\n'))};
    }
}

Result<void> written(const std::filesystem::path& to, checkpoint::Model model,
                     const ConvertOptions& options) {
    for (const auto& [key, value] : options.more)
        model.configJson.set(key, value);
    return checkpoint::saveModel(to, model, options.float16);
}

class Library final : public InferenceLibrary {
public:
    std::unique_ptr<Segmenter> createSegmenter(const SegmenterOptions& options) override {
        service::ServiceOptions o;
        o.embeddings.memoryBytes = options.embeddingBytes;
        o.embeddings.diskFolder = options.cacheFolder;
        o.embeddings.diskBytes = options.cacheBytes;
        o.arithmetic = options.arithmetic;
        return service::makeService(o);
    }

    Result<ModelInfo> modelInfo(const std::filesystem::path& file) override {
        return guarded<ModelInfo>([&] { return checkpoint::describeModel(file); });
    }

    Result<ModelInfo> inspectModel(const std::filesystem::path& file) override {
        return guarded<ModelInfo>([&] { return checkpoint::inspectModel(file); });
    }

    Result<void> convertModel(const std::filesystem::path& from, const std::filesystem::path& to,
                              const ConvertOptions& options) override {
        return guarded<void>([&]() -> Result<void> {
            auto model = checkpoint::openModel(from);
            if (!model)
                return model.error();
            return written(to, std::move(*model), options);
        });
    }

    Result<void> averageModels(const std::vector<std::filesystem::path>& from,
                               const std::vector<double>& shares, const std::filesystem::path& to,
                               const ConvertOptions& options) override {
        return guarded<void>([&]() -> Result<void> {
            auto model = checkpoint::averageModels(from, shares);
            if (!model)
                return model.error();
            return written(to, std::move(*model), options);
        });
    }

    Result<ModelSpeed> measureSpeed(const SpeedRequest& request, const Progress& progress,
                                    std::stop_token stop) override {
        return guarded<ModelSpeed>([&] { return bench::measureSpeed(request, progress, stop); });
    }

    Result<VerifyReport> verifyModel(const std::filesystem::path& folder) override {
        return guarded<VerifyReport>([&] { return verify::verifyFolder(folder); });
    }

    Result<TrainReport> train(const TrainRequest& request, const Progress& progress,
                              std::stop_token stop) override {
        return guarded<TrainReport>([&] { return train::runTraining(request, progress, stop); });
    }

    Result<std::string> benchEncode(const BenchRequest& request, const Progress& progress) override {
        return guarded<std::string>([&] { return bench::benchEncode(request, progress); });
    }

    Result<std::string> benchDecode(const BenchRequest& request, const Progress& progress) override {
        return guarded<std::string>([&] { return bench::benchDecode(request, progress); });
    }

    Result<std::string> benchTrain(const TrainBenchRequest& request, const Progress& progress) override {
        return guarded<std::string>([&] { return bench::benchTrain(request, progress); });
    }

    std::vector<std::string> describeMachine() override { return bench::describeMachine(); }
};

} // namespace
} // namespace tandem

extern "C" __attribute__((visibility("default"))) tandem::InferenceLibrary* tandemInferenceLibrary() {
    static tandem::Library library;
    return &library;
}
