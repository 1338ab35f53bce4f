#include "inference/train/train.h"

#include "core/files/files.h"
#include "inference/checkpoint/model.h"
#include "inference/predict/focus_settings.h"
#include "inference/train/trainer.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <numeric>
#include <sstream>

namespace tandem::train {
namespace {

// A training configuration as read.
struct Plan {
    JsonValue network; ///< with the focus settings, as it goes into the model
    net::NetworkConfig config;
    Recipe recipe;
    std::string card;
};

Error inFile(const std::filesystem::path& file, const Error& e) {
    return {e.code, file.string() + ": " + e.sentence};
}

Result<Plan> readPlan(const std::filesystem::path& file) {
    const auto text = readFile(file, 1 << 20);
    if (!text)
        return text.error();
    const auto json = parseJson(*text);
    if (!json)
        return inFile(file, json.error());
    const auto part = [&](const char* key) { return json->find(key) ? *json->find(key) : JsonValue(); };
    Plan plan{part("network"), {}, {}, part("card").stringOr("")};
    const auto recipe = recipeFromJson(part("recipe"));
    const auto config = net::configFromJson(plan.network);
    if (!recipe || !config)
        return inFile(file, recipe ? config.error() : recipe.error());
    plan.recipe = *recipe;
    plan.config = *config;
    plan.recipe.focus = predict::focusSettingsFrom(*json);
    plan.network.set("focus", focusToJson(plan.recipe.focus));
    if (plan.config.preprocess != net::Preprocess::Focus || plan.config.inChans != 3)
        return inFile(file,
                      {ErrorCode::InvalidArgument,
                       "The trainer makes models with \"preprocess\": \"focus\" and \"in_chans\": 3 only."});
    return plan;
}

Result<net::Weights> startWeights(const Plan& plan, const std::filesystem::path& from) {
    if (from.empty())
        return net::initialWeights(plan.config, plan.recipe.seed, net::Init::XavierNormal);
    auto model = checkpoint::openModel(from);
    if (!model)
        return model.error();
    net::NetworkConfig theirs = model->config;
    theirs.preprocess = plan.config.preprocess;
    theirs.pixelMean = plan.config.pixelMean;
    theirs.pixelStd = plan.config.pixelStd;
    if (!(theirs == plan.config))
        return Error{ErrorCode::ModelInvalid,
                     "The model " + from.string() +
                         " to start from has another network than the configuration."};
    return std::move(model->weights);
}

// log.csv: what was written up to the state's position is kept, the rest belongs to steps that are done
// again.
class Log {
public:
    Log(std::filesystem::path file, std::int64_t samplesDone)
        : file_(std::move(file)), text_("samples,loss,learning_rate,seconds\n") {
        const auto old = samplesDone > 0 ? readFile(file_) : Result<std::string>(Error{});
        std::istringstream lines(old.value_or(""));
        std::string line;
        while (std::getline(lines, line))
            if (!line.empty() && line[0] != 's' && std::atoll(line.c_str()) <= samplesDone) {
                text_ += line + "\n";
                secondsBefore_ = std::atof(line.substr(line.rfind(',') + 1).c_str());
            }
    }
    void add(std::int64_t samples, double loss, double rate, double seconds) {
        char line[160];
        std::snprintf(line, sizeof line, "%lld,%.5f,%.3e,%.1f\n", static_cast<long long>(samples), loss, rate,
                      seconds + secondsBefore_);
        text_ += line;
    }
    Result<void> write() const { return writeFileAtomically(file_, text_); }

private:
    std::filesystem::path file_;
    std::string text_;
    double secondsBefore_ = 0;
};

Result<void> save(const Plan& plan, const Trainer& trainer, const std::filesystem::path& out,
                  const Log& log) {
    checkpoint::Model model{plan.config, plan.network, trainer.averageWeights(), plan.card};
    model.configJson.set("trained_samples", trainer.samplesDone());
    if (auto done = checkpoint::saveModel(out / "model.safetensors", model, true); !done)
        return done;
    if (auto done = trainer.saveState(out / "state.safetensors"); !done)
        return done;
    return log.write();
}

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

Result<TrainReport> loop(const Plan& plan, Trainer& trainer, const std::filesystem::path& out,
                         const Progress& progress, std::stop_token stop) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
    Log log(out / "log.csv", trainer.samplesDone());
    Recent recent;
    std::int64_t saved = trainer.samplesDone();
    if (trainer.finished()) // resumed at its end: the model takes the configuration's settings as they are now
        if (auto kept = save(plan, trainer, out, log); !kept)
            return kept.error();
    while (!trainer.finished()) {
        const auto loss = trainer.step();
        if (!loss)
            return loss.error();
        const std::int64_t done = trainer.samplesDone();
        const double mean = recent.add(*loss);
        char sentence[96];
        std::snprintf(sentence, sizeof sentence, "%lld samples, loss %.3f", static_cast<long long>(done),
                      mean);
        progress(static_cast<double>(done) / static_cast<double>(plan.recipe.samples), sentence);
        if (done % (20 * plan.recipe.batch) == 0)
            log.add(done, mean, trainer.learningRate(), seconds());
        if (done - saved >= plan.recipe.saveEverySamples || trainer.finished() || stop.stop_requested()) {
            if (auto kept = save(plan, trainer, out, log); !kept)
                return kept.error();
            saved = done;
        }
        if (stop.stop_requested() && !trainer.finished())
            return Error{ErrorCode::Cancelled, "Training was stopped after " + std::to_string(done) +
                                                   " samples; go on with --resume " + out.string() + "."};
    }
    return TrainReport{out / "model.safetensors", trainer.samplesDone(), seconds(), recent.mean()};
}

Result<TrainReport> train(const TrainRequest& request, const Progress& progress, std::stop_token stop) {
    const auto plan = readPlan(request.config);
    if (!plan)
        return plan.error();
    at::set_num_threads(static_cast<int>(plan->recipe.threads));
    auto source = TaskSource::open(request.packs, plan->recipe);
    if (!source)
        return source.error();
    auto weights = startWeights(*plan, request.startFrom);
    if (!weights)
        return weights.error();
    std::error_code problem;
    std::filesystem::create_directories(request.out, problem);
    if (problem)
        return Error{ErrorCode::FileUnwritable,
                     "Cannot make the folder " + request.out.string() + ": " + problem.message() + "."};
    Trainer trainer(plan->config, std::move(*weights), plan->recipe, std::move(*source));
    if (!request.resume.empty())
        if (auto loaded = trainer.loadState(request.resume / "state.safetensors"); !loaded)
            return loaded.error();
    return loop(*plan, trainer, request.out, progress, stop);
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
