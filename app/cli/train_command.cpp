#include "app/cli/command.h"
#include "app/cli/replay_command.h"
#include "app/learning.h"
#include "core/files/files.h"

#include <cstdio>
#include <iostream>

namespace tandem {
namespace {

struct TrainArguments {
    TrainRequest request;
    std::string project, images;
};

// For a teacher without a configuration: regions of the images and scenes, with its probabilities as targets.
constexpr const char* teacherRecipe = R"({
  "recipe": {
    "seed": 1, "samples": 8000, "batch": 8, "threads": 2, "learningRate": 5e-4, "warmupSteps": 50,
    "emaDecay": 0.995, "batchNormMomentum": 0.02, "sceneShare": 0.15, "regionShare": 0.85, "saveEverySamples": 800
  }
}
)";

void printTraining(const TrainReport& report) {
    std::cout << report.model.string() << "\n"
              << report.samples << " samples in " << static_cast<std::int64_t>(report.seconds) << " s, loss "
              << report.finalLoss << "\n";
}

Result<void> trainNow(const TrainRequest& request, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    const auto report = (*library)->train(request, context.progress, context.stop);
    if (!report)
        return report.error();
    if (request.sheet.empty())
        printTraining(*report);
    else
        std::cout << report->model.string() << "\n";
    return {};
}

void printSkipped(const PackReport& report) {
    for (const std::string& sentence : report.skipped)
        std::cerr << "tandem: skipped: " << sentence << "\n";
}

// The old model and the new one on the project's own prompts; a project with too few cases says so.
void printLesson(const Lesson& lesson) {
    printSkipped(lesson.pack);
    if (lesson.pack.cases > 0)
        std::cout << lesson.pack.cases << " approved cases, " << lesson.pack.slices << " slices; "
                  << lesson.pack.keptOutSlices << " slices kept out to score with\n";
    printTraining(lesson.training);
    if (!lesson.replay) {
        std::cout << "Not scored: " << lesson.notScored << "\n";
        return;
    }
    printReplay(*lesson.replay);
    const std::vector<double> means = lesson.replay->means();
    std::cout << (lesson.offered() ? "The new model is better on them.\n"
                  : means.back() > means.front()
                      ? "The new model is better on average, but worse on at least one structure; "
                        "keep the one in use.\n"
                      : "The new model is not better on them; keep the one in use.\n");
}

Result<void> trainOnProject(const TrainArguments& a, CommandContext& context) {
    const auto store = context.parts.openProject(a.project);
    if (!store)
        return store.error();
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    LearningRequest request;
    request.startFrom = a.request.startFrom.empty() ? context.parts.defaultModel : a.request.startFrom;
    request.out = a.request.out;
    request.config = a.request.config;
    request.resume = a.request.resume;
    request.keepBatches = a.request.keepBatches;
    request.morePacks = a.request.packs;
    const auto lesson =
        learnFromProject(*context.parts.reader, **store, **library, request, context.progress, context.stop);
    if (!lesson)
        return lesson.error();
    printLesson(*lesson);
    return {};
}

// Slices of images without masks, of a folder or of a project.
Result<PackReport> packImages(const std::string& images, const std::filesystem::path& out,
                              CommandContext& context) {
    PackOptions options;
    options.unlabelled = true;
    const ImageReader& reader = *context.parts.reader;
    std::unique_ptr<ProjectStore> store;
    if (std::filesystem::path(images).extension() == ".tandem") {
        auto opened = context.parts.openProject(images);
        if (!opened)
            return opened.error();
        store = std::move(*opened);
    }
    const auto cases = store ? imagesOfProject(reader, *store) : casesFromImages(reader, images);
    return cases ? writePack(*cases, options, out, context.progress, context.stop) : cases.error();
}

// The small model learns what the large one says, on the user's own images.
Result<void> distil(const TrainArguments& a, CommandContext& context) {
    TrainRequest request = a.request;
    if (request.startFrom.empty())
        request.startFrom = context.parts.defaultModel;
    const std::filesystem::path pack = request.out / "images-pack";
    std::error_code problem;
    if (!a.images.empty() &&
        (request.resume.empty() || !std::filesystem::exists(pack / "pack.json", problem))) {
        const auto packed = packImages(a.images, pack, context);
        if (!packed)
            return packed.error();
        printSkipped(*packed);
        std::cout << packed->slices << " slices of " << packed->cases << " images\n";
    }
    if (!a.images.empty())
        request.packs.push_back(pack);
    if (request.config.empty()) {
        request.config = request.out / "recipe.json";
        if (auto written = writeFileAtomically(request.config, teacherRecipe); !written)
            return written;
    }
    return trainNow(request, context);
}

Result<void> run(const TrainArguments& a, CommandContext& context) {
    if (!a.project.empty())
        return trainOnProject(a, context);
    return a.request.teacher.empty() ? trainNow(a.request, context) : distil(a, context);
}

void checkUsage(const TrainArguments& a) {
    if (a.request.out.empty() && a.request.sheet.empty())
        throw CLI::RequiredError("--out");
    if (a.request.config.empty() && a.project.empty() && a.images.empty())
        throw CLI::RequiredError("CONFIG");
}

} // namespace

void addTrainCommand(CLI::App& app, CommandContext& context) {
    auto a = std::make_shared<TrainArguments>();
    TrainRequest& request = a->request;
    CLI::App* command =
        newCommand(app, "train", "Train a model on packs, or on a project's approved masks",
                   "tandem train resources/training/small.json --data packs/mine --out runs/first\n"
                   "  tandem train --project study.tandem --out runs/study");
    command->add_option(
        "CONFIG", request.config,
        "Network and recipe, see resources/training; without a network that of --from is trained on");
    command->add_option("--data", request.packs, "Folder written by tandem pack; may be given several times");
    CLI::Option* project = command->add_option(
        "--project", a->project,
        "Project whose approved cases are learnt from; the result is scored on a quarter of them");
    command->add_option("--from", request.startFrom, "Model to start from (with --project: the bundled one)");
    CLI::Option* teacher =
        command->add_option("--teacher", request.teacher,
                            "Model whose answers are learnt instead of masks: a large one for a small one");
    command
        ->add_option("--images", a->images, "Folder of images, or project, that the teacher is asked about")
        ->needs(teacher)
        ->excludes(project);
    command->add_option("--resume", request.resume, "Folder of an interrupted run to go on from");
    CLI::Option* out = command->add_option(
        "--out", request.out,
        "Folder for the last and the best model, the state, log.csv, validation.csv and curve.png");
    command->add_option("--keep-batches", request.keepBatches, "Folder for every batch with its loss");
    command->add_option("--sheet", request.sheet, "Write a picture (PNG) of the first samples and end")
        ->excludes(out)
        ->excludes(project);
    command->callback([a, &context] {
        checkUsage(*a);
        context.run = [a, &context] { return run(*a, context); };
    });
}

} // namespace tandem
