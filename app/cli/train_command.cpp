#include "app/cli/command.h"

#include <iostream>

namespace tandem {
namespace {

Result<void> train(const TrainRequest& request, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    const auto report = (*library)->train(request, context.progress, context.stop);
    if (!report)
        return report.error();
    std::cout << report->model.string() << "\n"
              << report->samples << " samples in " << static_cast<std::int64_t>(report->seconds)
              << " s, loss " << report->finalLoss << "\n";
    return {};
}

} // namespace

void addTrainCommand(CLI::App& app, CommandContext& context) {
    auto request = std::make_shared<TrainRequest>();
    CLI::App* command =
        newCommand(app, "train", "Train a model on packs",
                   "tandem train resources/training/small.json --data packs/mine --out runs/first");
    command->add_option("CONFIG", request->config, "Network and recipe, see resources/training")->required();
    command->add_option("--data", request->packs,
                        "Folder written by tandem pack; may be given several times");
    command->add_option("--from", request->startFrom, "Model to start from");
    command->add_option("--resume", request->resume, "Folder of an interrupted run to go on from");
    command->add_option("--out", request->out, "Folder for model.safetensors, state.safetensors and log.csv")
        ->required();
    command->callback(
        [request, &context] { context.run = [request, &context] { return train(*request, context); }; });
}

} // namespace tandem
