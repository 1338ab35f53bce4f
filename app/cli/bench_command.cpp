#include "app/cli/command.h"

#include <iostream>

namespace tandem {
namespace {

using Bench = Result<std::string> (InferenceLibrary::*)(const BenchRequest&, const Progress&);

Result<void> runBench(Bench bench, const BenchRequest& request, const std::string& json,
                      CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    const Result<std::string> figures = ((*library)->*bench)(request, context.progress);
    if (!figures)
        return figures.error();
    return writeReport(json, *figures + "\n");
}

void addNetworkBench(CLI::App& bench, CommandContext& context, const std::string& name,
                     const std::string& what, Bench function) {
    auto request = std::make_shared<BenchRequest>();
    auto json = std::make_shared<std::string>("-");
    auto source = std::make_shared<std::string>();
    CLI::App* command =
        newCommand(bench, name, what,
                   "tandem bench " + name + " --config tests/data/golden/configs/sam_vit_b.json --runs 3");
    CLI::Option* config =
        command->add_option("--config", *source, "Network configuration (JSON), random weights");
    CLI::Option* model = command->add_option("--model", *source, "Model file")->excludes(config);
    command->add_option("--runs", request->runs, "Timed runs, of which the median counts")
        ->check(CLI::Range(1, 1000));
    command->add_option("--seed", request->seed, "Seed of the random weights and inputs");
    command->add_option("--threads", request->threads, "Threads; 0 = the machine's")
        ->check(CLI::Range(0, 1024));
    addArithmeticOption(*command, request->arithmetic);
    command->add_option("--json", *json, "File for the figures, - for standard output")
        ->capture_default_str();
    command->callback([=, &context] {
        if (config->empty() && model->empty())
            throw CLI::RequiredError("--config or --model");
        request->configOrModel = *source;
        context.run = [=, &context] { return runBench(function, *request, *json, context); };
    });
}

void addTrainBench(CLI::App& bench, CommandContext& context) {
    auto request = std::make_shared<TrainBenchRequest>();
    auto json = std::make_shared<std::string>("-");
    auto config = std::make_shared<std::string>();
    auto packs = std::make_shared<std::vector<std::string>>();
    CLI::App* command =
        newCommand(bench, "train", "Time steps of the trainer, from random weights",
                   "tandem bench train --config resources/training/small.json --data packs/volumes");
    command->add_option("--config", *config, "Training configuration with a network")->required();
    command->add_option("--data", *packs, "Packs; without any, synthetic scenes");
    command->add_option("--steps", request->steps, "Timed steps, of which the median counts")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    command->add_option("--threads", request->threads, "Threads; 0 = the recipe's")
        ->check(CLI::Range(0, 1024));
    auto batches = std::make_shared<std::string>();
    command->add_option("--keep-batches", *batches, "Folder for what every step saw");
    command->add_option("--json", *json, "File for the figures, - for standard output")
        ->capture_default_str();
    command->callback([=, &context] {
        request->config = *config;
        request->packs.assign(packs->begin(), packs->end());
        request->keepBatches = *batches;
        context.run = [=, &context]() -> Result<void> {
            const Result<InferenceLibrary*> library = context.parts.inference();
            if (!library)
                return library.error();
            const Result<std::string> figures = (*library)->benchTrain(*request, context.progress);
            return figures ? writeReport(*json, *figures + "\n") : figures.error();
        };
    });
}

} // namespace

void addBenchCommand(CLI::App& app, CommandContext& context) {
    CLI::App* bench =
        newCommand(app, "bench", "Measure speed on this machine",
                   "tandem bench encode --config tests/data/golden/configs/sam_vit_b.json --json -");
    bench->require_subcommand(1);
    addNetworkBench(*bench, context, "encode", "Time the image encoder against its reference in one run",
                    &InferenceLibrary::benchEncode);
    addNetworkBench(
        *bench, context, "decode",
        "Time the mask decoder, one box and 16 boxes on a slice, against its reference in one run",
        &InferenceLibrary::benchDecode);
    addTrainBench(*bench, context);
}

} // namespace tandem
