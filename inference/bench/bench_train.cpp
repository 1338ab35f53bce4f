#include "inference/bench/bench_train.h"

#include "inference/bench/timing.h"
#include "inference/process.h"
#include "inference/train/plan.h"
#include "inference/train/trainer.h"

#include <ATen/Parallel.h>

#include <optional>

namespace tandem::bench {
namespace {

double millionsOf(const net::Weights& weights) {
    double count = 0;
    for (const auto& [key, w] : weights)
        count += static_cast<double>(w.numel());
    return count / 1e6;
}

// Mean milliseconds of a step since `before`.
JsonValue stagesOf(const train::StepSeconds& now, const train::StepSeconds& before, double steps) {
    JsonValue stages;
    const auto set = [&](const char* name, double train::StepSeconds::*part) {
        stages.set(name, 1000 * (now.*part - before.*part) / steps);
    };
    set("wait", &train::StepSeconds::wait);
    set("forward", &train::StepSeconds::forward);
    set("backward", &train::StepSeconds::backward);
    set("optimiser", &train::StepSeconds::optimiser);
    set("average", &train::StepSeconds::average);
    return stages;
}

} // namespace

Result<std::string> benchTrain(const TrainBenchRequest& request, const Progress& progress) {
    auto plan = train::readPlan(request.config, {});
    if (!plan)
        return plan.error();
    Recipe& recipe = plan->recipe;
    keepLargePieces(static_cast<int>(recipe.loaders));
    recipe.threads = request.threads > 0 ? request.threads : recipe.threads;
    if (request.packs.empty()) {
        recipe.sceneShare = 1;
        recipe.regionShare = 0;
    }
    at::set_num_threads(static_cast<int>(recipe.threads));
    auto source = TaskSource::open(request.packs, recipe);
    if (!source)
        return source.error();
    auto weights = train::startWeights(*plan, {});
    if (!weights)
        return weights.error();
    const double millions = millionsOf(*weights);
    train::Trainer trainer(plan->config, std::move(*weights), recipe, std::move(*source));
    if (!request.keepBatches.empty())
        trainer.keepBatches(request.keepBatches);
    std::optional<Error> problem;
    int done = 0;
    train::StepSeconds warm;
    const Timing steps = timed(request.steps, [&](const Lap&) {
        if (done == 1)
            warm = trainer.seconds(); // the first step warms up
        if (const auto loss = trainer.step(); !loss)
            problem = loss.error();
        progress(static_cast<double>(++done) / (request.steps + 1), "Timing steps of the trainer");
    });
    if (problem)
        return *problem;
    double total = 0;
    for (const double ms : steps.all)
        total += ms;
    JsonValue out;
    out.set("samples_per_s", 1000 * static_cast<double>(recipe.batch) / steps.median());
    out.set("step_ms", steps.median());
    out.set("step_ms_all", steps.allJson());
    out.set("loader_share", 1000 * (trainer.seconds().wait - warm.wait) / total);
    out.set("stages", stagesOf(trainer.seconds(), warm, request.steps));
    out.set("batch", recipe.batch);
    out.set("threads", recipe.threads);
    out.set("million_parameters", millions);
    return writeJson(out, 1);
}

} // namespace tandem::bench
