#include "app/cli/command.h"
#include "core/usecases/pack.h"
#include "core/usecases/project_learning.h"

#include <iostream>

namespace tandem {
namespace {

struct PackArguments {
    std::string source, out;
    PackOptions options;
};

Result<PackReport> packSource(const PackArguments& a, CommandContext& context) {
    const ImageReader& reader = *context.parts.reader;
    if (std::filesystem::path(a.source).extension() == ".tandem") {
        const auto store = context.parts.openProject(a.source);
        return store ? packProject(reader, **store, a.options, a.out, context.progress, context.stop)
                     : store.error();
    }
    std::error_code problem;
    const bool folder = std::filesystem::is_directory(a.source, problem);
    const auto pairs = folder ? findPairs(a.source) : readPairs(a.source);
    return pairs ? writePack(reader, *pairs, a.options, a.out, context.progress, context.stop)
                 : pairs.error();
}

Result<void> pack(const PackArguments& a, CommandContext& context) {
    const auto report = packSource(a, context);
    if (!report)
        return report.error();
    for (const std::string& sentence : report->skipped)
        std::cerr << "tandem: skipped: " << sentence << "\n";
    std::cout << report->cases << " images, " << report->slices << " slices, " << report->structures
              << " structures; " << report->keptOutSlices << " slices of patients kept out\n";
    return {};
}

} // namespace

void addPackCommand(CLI::App& app, CommandContext& context) {
    auto a = std::make_shared<PackArguments>();
    CLI::App* command = newCommand(app, "pack", "Write labelled slices as a pack for training",
                                   "tandem pack pairs.csv --out packs/mine --kept-out 0.15 --seed 1");
    command
        ->add_option("SOURCE", a->source,
                     "PAIRS.csv; a project (its approved cases); or a folder: images with masks NAME_seg or "
                     "NAME_mask, nnU-Net's imagesTr and labelsTr, MedSAM's npz and npy")
        ->required();
    command->add_option("--out", a->out, "Folder of the pack")->required();
    command->add_option("--kept-out", a->options.keptOutShare, "Share of patients that are never trained on")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    command->add_option("--seed", a->options.seed, "Chooses those patients")->capture_default_str();
    command->add_option("--leave-out", a->options.leaveOut, "Data set (folder name) to keep out whole");
    command->add_flag("--everything", a->options.everything,
                      "Also pairs that may not be trained on (marked; the trainer refuses them)");
    command->add_option("--slices", a->options.slicesPerPlane, "At most so many slices of a case and plane")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    command->callback([a, &context] { context.run = [a, &context] { return pack(*a, context); }; });
}

} // namespace tandem
