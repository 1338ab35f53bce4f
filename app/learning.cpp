#include "app/learning.h"

#include "core/files/files.h"
#include "core/usecases/segment_volume.h"

#include <memory>
#include <utility>

namespace tandem {
namespace {

// Minutes on one core, from the model in use, mostly on the project's own masks.
constexpr const char* shortRecipe = R"({
  "recipe": {
    "seed": 1, "samples": 2400, "batch": 8, "threads": 1, "learningRate": 3e-4, "warmupSteps": 20,
    "emaDecay": 0.99, "batchNormMomentum": 0.01, "freeze": ["refiner"], "firstPackShare": 0.6, "sceneShare": 0.05,
    "regionShare": 0.1, "tightShare": 0.6, "handShare": 0.3, "saveEverySamples": 400, "validateEverySamples": 800,
    "validateItems": 32
  }
}
)";

// Shares of the whole progress.
constexpr double afterPack = 0.05, afterTraining = 0.85;

Progress part(const Progress& progress, double from, double to) {
    return [&progress, from, to](double done, std::string_view sentence) {
        if (progress)
            progress(from + (to - from) * done, sentence);
    };
}

// A run that goes on has its pack already.
Result<PackReport> packInto(const std::filesystem::path& pack, const ImageReader& reader, ProjectStore& store,
                            bool resumes, const Progress& progress, const std::stop_token& stop) {
    std::error_code problem;
    if (resumes && std::filesystem::exists(pack / "pack.json", problem))
        return PackReport{};
    return packProject(reader, store, PackOptions{}, pack, progress, stop);
}

Result<TrainRequest> trainRequestOf(const LearningRequest& r, const std::filesystem::path& pack) {
    TrainRequest request;
    request.startFrom = r.startFrom;
    request.out = r.out;
    request.resume = r.resume;
    request.keepBatches = r.keepBatches;
    request.packs = {pack};
    request.packs.insert(request.packs.end(), r.morePacks.begin(), r.morePacks.end());
    request.config = r.config;
    if (request.config.empty()) {
        request.config = r.out / "recipe.json";
        if (auto written = writeFileAtomically(request.config, shortRecipe); !written)
            return written.error();
    }
    return request;
}

Result<ReplayReport> replayBoth(const ImageReader& reader, ProjectStore& store, InferenceLibrary& library,
                                const std::vector<std::filesystem::path>& files, const Progress& progress,
                                const std::stop_token& stop) {
    const auto split = learningSplit(store);
    if (!split)
        return split.error();
    std::vector<std::unique_ptr<Segmenter>> segmenters;
    std::vector<EvaluationModel> models;
    for (const auto& file : files) {
        segmenters.push_back(library.createSegmenter());
        const auto info = loadModelNow(*segmenters.back(), file);
        if (!info)
            return info.error();
        models.push_back({info->id, segmenters.back().get()});
    }
    return replayProject(reader, store, split->keptOut, models, progress, stop);
}

} // namespace

Result<Lesson> learnFromProject(const ImageReader& reader, ProjectStore& store, InferenceLibrary& library,
                                const LearningRequest& request, const Progress& progress,
                                const std::stop_token& stop) {
    const std::filesystem::path pack = request.out / "project-pack";
    auto packed = packInto(pack, reader, store, !request.resume.empty(), part(progress, 0, afterPack), stop);
    if (!packed)
        return packed.error();
    const auto training = trainRequestOf(request, pack);
    if (!training)
        return training.error();
    auto trained = library.train(*training, part(progress, afterPack, afterTraining), stop);
    if (!trained)
        return trained.error();
    Lesson lesson;
    lesson.model = trained->model;
    lesson.training = *std::move(trained);
    lesson.pack = *std::move(packed);
    auto replay = replayBoth(reader, store, library, {request.startFrom, lesson.model},
                             part(progress, afterTraining, 1), stop);
    if (replay)
        lesson.replay = *std::move(replay);
    else if (replay.error().code == ErrorCode::Cancelled)
        return replay.error();
    else
        lesson.notScored = replay.error().sentence;
    return lesson;
}

} // namespace tandem
