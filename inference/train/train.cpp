#include "inference/train/train.h"

#include "core/files/files.h"
#include "inference/checkpoint/model.h"
#include "inference/process.h"
#include "inference/train/curves.h"
#include "inference/train/plan.h"
#include "inference/train/sheet.h"
#include "inference/train/trainer.h"
#include "inference/train/validation.h"

#include <ATen/Parallel.h>
#include <signal.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <numeric>

namespace tandem::train {
namespace {

// Mean of the last losses.
class Recent {
public:
    double add(double loss) {
        losses_.push_back(loss);
        if (losses_.size() > 50)
            losses_.pop_front();
        return mean();
    }
    double mean() const {
        return losses_.empty() ? 0
                               : std::accumulate(losses_.begin(), losses_.end(), 0.0) /
                                     static_cast<double>(losses_.size());
    }

private:
    std::deque<double> losses_;
};

std::string timeLeft(double seconds) {
    char text[48];
    if (seconds < 90)
        std::snprintf(text, sizeof text, "%.0f s left", seconds);
    else if (seconds < 5400)
        std::snprintf(text, sizeof text, "%.0f min left", seconds / 60);
    else
        std::snprintf(text, sizeof text, "%.1f h left", seconds / 3600);
    return text;
}

// One run of the trainer: steps, validations and what is written on the way.
class Run {
public:
    Run(const Plan& plan, Trainer& trainer, const ValidationSet& kept, std::filesystem::path out)
        : plan_(plan), trainer_(trainer), kept_(kept), out_(std::move(out)),
          curves_(out_, trainer.samplesDone()), startedAt_(trainer.samplesDone()), saved_(startedAt_) {}

    Result<TrainReport> go(const Progress& progress, const std::stop_token& stop) {
        if (trainer_.finished()) // resumed at its end: the model takes the configuration's settings as they
                                 // are now
            if (auto kept = save(); !kept)
                return kept.error();
        while (!trainer_.finished()) {
            if (auto stepped = step(progress); !stepped)
                return stepped.error();
            if (isDue(plan_.recipe.saveEverySamples, saved_) || trainer_.finished() || stop.stop_requested())
                if (auto kept = save(); !kept)
                    return kept.error();
            if (stop.stop_requested() && !trainer_.finished())
                return Error{ErrorCode::Cancelled,
                             "Training was stopped after " + std::to_string(trainer_.samplesDone()) +
                                 " samples; go on with --resume " + out_.string() + "."};
        }
        return TrainReport{out_ / "model.safetensors", trainer_.samplesDone(), seconds(), recent_.mean()};
    }

private:
    using Clock = std::chrono::steady_clock;

    double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }
    bool isDue(std::int64_t every, std::int64_t last) const { return trainer_.samplesDone() - last >= every; }

    Result<void> step(const Progress& progress) {
        const double rate = trainer_.learningRate();
        const auto loss = trainer_.step();
        if (!loss)
            return loss.error();
        const double mean = recent_.add(*loss);
        const std::int64_t done = trainer_.samplesDone();
        if (done % (20 * plan_.recipe.batch) == 0)
            curves_.add(LossPoint{done, mean, rate, seconds()});
        say(progress, mean);
        return isValidationDue() ? validate(progress) : Result<void>{};
    }

    void say(const Progress& progress, double loss) const {
        const auto done = static_cast<double>(trainer_.samplesDone()),
                   all = static_cast<double>(plan_.recipe.samples);
        const double rate = (done - static_cast<double>(startedAt_)) / std::max(seconds(), 1e-9);
        char sentence[128];
        std::snprintf(sentence, sizeof sentence, "%lld of %lld samples, loss %.3f, %s",
                      static_cast<long long>(trainer_.samplesDone()),
                      static_cast<long long>(plan_.recipe.samples), loss,
                      timeLeft(std::max(0.0, all - done) / rate).c_str());
        progress(std::min(1.0, done / all), sentence);
    }

    // By the position alone, so that a run that goes on validates where the uninterrupted one does.
    bool isValidationDue() const {
        const std::int64_t every = plan_.recipe.validateEverySamples, done = trainer_.samplesDone();
        return kept_.size() > 0 && every > 0 &&
               (done / every != (done - plan_.recipe.batch) / every || trainer_.finished());
    }

    checkpoint::Model modelNow() const {
        checkpoint::Model model{plan_.config, plan_.network, trainer_.averageWeights(), plan_.card};
        model.configJson.set("trained_samples", trainer_.samplesDone());
        return model;
    }

    Result<void> validate(const Progress& progress) {
        progress(static_cast<double>(trainer_.samplesDone()) / static_cast<double>(plan_.recipe.samples),
                 "Scoring patients kept out");
        checkpoint::Model model = modelNow();
        auto scores = kept_.score(model);
        if (!scores)
            return scores.error();
        ValidationPoint point{trainer_.samplesDone(), std::move(*scores)};
        const double merit = point.merit();
        const bool isBest = !curves_.best() || merit > *curves_.best();
        curves_.add(std::move(point));
        if (!isBest)
            return {};
        model.configJson.set("validation_dsc", merit);
        return checkpoint::saveModel(out_ / "best.safetensors", model, plan_.recipe.float16);
    }

    Result<void> save() {
        saved_ = trainer_.samplesDone();
        if (auto done = checkpoint::saveModel(out_ / "model.safetensors", modelNow(), plan_.recipe.float16);
            !done)
            return done;
        if (auto done = curves_.write(); !done) // before the state: a state never lies ahead of its curves
            return done;
        return trainer_.saveState(out_ / "state.safetensors");
    }

    const Plan& plan_;
    Trainer& trainer_;
    const ValidationSet& kept_;
    std::filesystem::path out_;
    Curves curves_;
    Recent recent_;
    std::int64_t startedAt_ = 0, saved_ = 0;
    Clock::time_point begin_ = Clock::now();
};

Result<void> makeFolder(const std::filesystem::path& folder) {
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    if (problem)
        return Error{ErrorCode::FileUnwritable,
                     "Cannot make the folder " + folder.string() + ": " + problem.message() + "."};
    return {};
}

// What a killed run of the program was writing: NAME.part-PID-N of a process that is no more.
void removeLeftovers(const std::filesystem::path& folder) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename().string();
        const std::size_t at = name.rfind(".part-");
        const int process = at == std::string::npos ? 0 : std::atoi(name.c_str() + at + 6);
        if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH)
            std::filesystem::remove(entry.path(), ignored);
    }
}

Result<TrainReport> drawSheet(const TrainRequest& request, const Plan& plan, const TaskSource& source) {
    const auto sheet = sheetOfSamples(plan, source, 8, 5);
    if (!sheet)
        return sheet.error();
    if (auto written = writeFileAtomically(request.sheet, *sheet); !written)
        return written.error();
    return TrainReport{request.sheet, 0, 0, 0};
}

Result<TrainReport> train(const TrainRequest& request, const Progress& progress, std::stop_token stop) {
    const auto plan = readPlan(request.config, request.startFrom);
    if (!plan)
        return plan.error();
    keepLargePieces(
        static_cast<int>(plan->recipe.loaders)); // else every step's activations are asked of the system anew
    at::set_num_threads(static_cast<int>(plan->recipe.threads));
    auto source = TaskSource::open(request.packs, plan->recipe);
    if (!source)
        return source.error();
    if (!request.sheet.empty())
        return drawSheet(request, *plan, *source);
    const auto kept = ValidationSet::open(request.packs, plan->recipe);
    if (!kept)
        return kept.error();
    auto weights = startWeights(*plan, request.startFrom);
    if (!weights)
        return weights.error();
    if (auto made = makeFolder(request.out); !made)
        return made.error();
    removeLeftovers(request.out);
    Trainer trainer(plan->config, std::move(*weights), plan->recipe, std::move(*source));
    if (!request.keepBatches.empty()) {
        if (auto made = makeFolder(request.keepBatches); !made)
            return made.error();
        trainer.keepBatches(request.keepBatches);
    }
    if (!request.teacher.empty()) {
        auto teacher = checkpoint::openModel(request.teacher);
        if (!teacher)
            return teacher.error();
        trainer.learnFrom(std::move(*teacher));
    }
    if (!request.resume.empty())
        if (auto loaded = trainer.loadState(request.resume / "state.safetensors"); !loaded)
            return loaded.error();
    return Run(*plan, trainer, *kept, request.out).go(progress, stop);
}

} // namespace

Result<TrainReport> runTraining(const TrainRequest& request, const Progress& progress, std::stop_token stop) {
    try {
        return train(request, progress, stop);
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::OutOfMemory,
                     "There is not enough memory for this training; choose a smaller batch."};
    } catch (const std::exception& e) { // LibTorch's own
        return Error{ErrorCode::Internal, std::string("Training failed inside LibTorch: ") + e.what()};
    }
}

} // namespace tandem::train
