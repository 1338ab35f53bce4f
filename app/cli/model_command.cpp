#include "app/cli/command.h"
#include "app/cli/model_list_command.h"

#include <cstdio>
#include <iostream>

namespace tandem {
namespace {

Result<void> printInfo(const std::vector<std::string>& files, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    for (const std::string& file : files) {
        const Result<ModelInfo> info = (*library)->modelInfo(file);
        if (!info)
            return info.error();
        std::cout << file << "\n  " << info->description << "\n  variant      " << info->variant
                  << "\n  preprocess   " << info->preprocess << "\n  parameters   " << info->parameters
                  << "\n  input        " << info->imageSize << " px\n  points       "
                  << (info->trainedForPoints ? "yes" : "no") << "\n  id           " << info->id
                  << "\n  bytes        " << info->fileBytes << "\n";
        if (!info->cardText.empty())
            std::cout << "  card         " << info->cardText << "\n";
    }
    return {};
}

Result<void> convertFile(const std::string& from, const std::string& to, bool half, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    return (*library)->convertModel(from, to, {half, {}});
}

// What `model average` was asked.
struct AverageArguments {
    std::vector<std::string> files;
    std::vector<double> shares;
    std::string out;
    bool half = false;
};

Result<void> averageFiles(const AverageArguments& a, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    return (*library)->averageModels({a.files.begin(), a.files.end()}, a.shares, a.out, {a.half, {}});
}

void addAverageCommand(CLI::App& model, CommandContext& context) {
    auto a = std::make_shared<AverageArguments>();
    CLI::App* average = newCommand(
        model, "average", "Write the mean of the weights of several runs of one network",
        "tandem model average runs/a/model.safetensors runs/b/model.safetensors --out mean.safetensors");
    average->add_option("FILE", a->files, "Models; what not all of them have is the first one's")->required();
    average->add_option("--shares", a->shares, "A share for each model, in their order (equal ones)");
    average->add_option("--out", a->out, "File to write (.safetensors)")->required();
    average->add_flag("--float16", a->half, "Store the weights in half precision");
    average->callback([a, &context] { context.run = [a, &context] { return averageFiles(*a, context); }; });
}

void printReport(const VerifyReport& report) {
    std::cout << report.folder.string() << "\n";
    for (const TensorCheck& t : report.tensors)
        std::printf("  %-4s %9.2e  %s: %s%s%s\n", t.passed ? "ok" : "FAIL", t.largestDifference,
                    t.golden.c_str(), t.name.c_str(), t.problem.empty() ? "" : "  ", t.problem.c_str());
    for (const std::string& name : report.ignored)
        std::printf("  not known, left out: %s\n", name.c_str());
    std::fflush(stdout);
}

Result<void> verifyFolders(const std::vector<std::string>& folders, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    std::string failures;
    for (const std::string& folder : folders) {
        const Result<VerifyReport> report = (*library)->verifyModel(folder);
        if (!report)
            return report.error();
        printReport(*report);
        for (const TensorCheck& t : report->tensors)
            if (!t.passed)
                failures += (failures.empty() ? "" : ", ") + t.name;
        if (report->tensors.empty())
            failures += folder + " (no known tensor)";
    }
    if (!failures.empty())
        return Error{ErrorCode::ModelInvalid,
                     "These tensors differ from the expected ones: " + failures + "."};
    std::cout << "All tensors agree.\n";
    return {};
}

} // namespace

void addModelCommand(CLI::App& app, CommandContext& context) {
    CLI::App* model = newCommand(app, "model", "List, import, measure, check and convert models",
                                 "tandem model convert sam_vit_b_01ec64.pth sam_vit_b.safetensors");
    model->require_subcommand(1);
    addModelShelfCommands(*model, context);

    auto files = std::make_shared<std::vector<std::string>>();
    CLI::App* info = newCommand(*model, "info", "What a model file is", "tandem model info medsam_vit_b.pth");
    info->add_option("FILE", *files, "Model files (.safetensors, .pth)")->required();
    info->callback(
        [files, &context] { context.run = [files, &context] { return printInfo(*files, context); }; });

    CLI::App* verify = newCommand(*model, "verify", "Recompute the stored tensors of a folder and compare",
                                  "tandem model verify tests/data/golden/paper");
    verify
        ->add_option("DIR", *files,
                     "Folders with config.json, model.*, tensors.safetensors or expected.safetensors")
        ->required();
    verify->callback(
        [files, &context] { context.run = [files, &context] { return verifyFolders(*files, context); }; });

    auto half = std::make_shared<bool>(false);
    auto paths = std::make_shared<std::pair<std::string, std::string>>();
    CLI::App* convert =
        newCommand(*model, "convert", "Write a checkpoint as .safetensors with its configuration",
                   "tandem model convert medsam_vit_b.pth medsam_vit_b.safetensors");
    convert->add_option("FROM", paths->first, "Checkpoint")->required();
    convert->add_option("TO", paths->second, "File to write (.safetensors)")->required();
    convert->add_flag("--float16", *half, "Store the weights in half precision");
    convert->callback([paths, half, &context] {
        context.run = [paths, half, &context] {
            return convertFile(paths->first, paths->second, *half, context);
        };
    });
    addAverageCommand(*model, context);
}

} // namespace tandem
