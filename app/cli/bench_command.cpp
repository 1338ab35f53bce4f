#include "app/cli/command.h"

#include <iostream>

namespace tandem {
namespace {

Result<void> benchEncode(const BenchEncodeRequest& request, const std::string& json,
                         CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    const Result<std::string> figures = (*library)->benchEncode(request, context.progress);
    if (!figures)
        return figures.error();
    return writeReport(json, *figures + "\n");
}

} // namespace

void addBenchCommand(CLI::App& app, CommandContext& context) {
    CLI::App* bench =
        newCommand(app, "bench", "Measure speed on this machine",
                   "tandem bench encode --config tests/data/golden/configs/sam_vit_b.json --json -");
    bench->require_subcommand(1);
    auto request = std::make_shared<BenchEncodeRequest>();
    auto json = std::make_shared<std::string>("-");
    auto source = std::make_shared<std::string>();
    CLI::App* encode =
        newCommand(*bench, "encode", "Time the image encoder against its reference in one run",
                   "tandem bench encode --config tests/data/golden/configs/sam_vit_b.json --runs 3");
    CLI::Option* config =
        encode->add_option("--config", *source, "Network configuration (JSON), random weights");
    CLI::Option* model = encode->add_option("--model", *source, "Model file")->excludes(config);
    encode->add_option("--runs", request->runs, "Timed runs, of which the median counts")
        ->check(CLI::Range(1, 1000));
    encode->add_option("--seed", request->seed, "Seed of the random weights and image");
    encode->add_option("--threads", request->threads, "Threads; 0 = the machine's")
        ->check(CLI::Range(0, 1024));
    encode->add_option("--json", *json, "File for the figures, - for standard output")->capture_default_str();
    encode->callback([=, &context] {
        if (config->empty() && model->empty())
            throw CLI::RequiredError("--config or --model");
        request->configOrModel = *source;
        context.run = [=, &context] { return benchEncode(*request, *json, context); };
    });
}

} // namespace tandem
