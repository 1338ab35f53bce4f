#include "app/cli/model_list_command.h"

#include "app/known_models.h"
#include "app/models.h"
#include "core/files/json.h"

#include <cstdio>
#include <iostream>

namespace tandem {
namespace {

namespace fs = std::filesystem;

struct ShelfArguments {
    std::string project, json, file, name;
    SpeedRequest speed;
};
using Arguments = std::shared_ptr<ShelfArguments>;

// Where to look. A project that is open in a window is not needed for its learning runs, only for its
// default.
Result<ModelPlaces> placesFor(const std::string& project, CommandContext& context) {
    ModelPlaces places{context.parts.defaultModel, modelsFolder(), project, {}};
    if (project.empty())
        return places;
    const auto store = context.parts.openProject(project);
    if (!store && store.error().code != ErrorCode::Locked)
        return store.error();
    if (!store) {
        std::cerr << "tandem: note: " << store.error().sentence
                  << " Which model is its default is therefore not shown.\n";
        return places;
    }
    const auto remembered = (*store)->setting("model.file");
    if (!remembered)
        return remembered.error();
    const std::string file = remembered->value_or("");
    places.projectDefault = file.empty() ? places.bundled : fs::path(file);
    return places;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

JsonValue jsonOf(const ModelSpeed& speed) {
    return JsonValue::Object{{"encode_ms", speed.encodeMs},
                             {"first_box_ms", speed.firstBoxMs},
                             {"further_box_ms", speed.furtherBoxMs},
                             {"click_ms", speed.clickMs},
                             {"runs", speed.runs},
                             {"threads", speed.threads},
                             {"cpu_path", speed.computedBy},
                             {"arithmetic", speed.arithmetic}};
}

JsonValue jsonOf(const ListedModel& model) {
    JsonValue out;
    out.set("name", model.title);
    out.set("origin", modelOriginName(model.origin));
    out.set("file", model.file.string());
    out.set("size_mb", static_cast<double>(model.bytes) / 1e6);
    out.set("project_default", model.projectDefault);
    if (!model.info) {
        out.set("problem", model.problem);
        return out;
    }
    out.set("kind", modelKind(*model.info));
    out.set("variant", model.info->variant);
    out.set("preprocess", model.info->preprocess);
    out.set("parameters", model.info->parameters);
    out.set("image_size", model.info->imageSize);
    JsonValue prompts = JsonValue::Array{};
    for (const std::string& prompt : trainedPrompts(*model.info))
        prompts.append(prompt);
    out.set("prompts", prompts);
    if (model.speed) {
        out.set("speed", jsonOf(model.speed->speed));
        out.set("speed_measured_at", model.speed->measuredAt);
    }
    return out;
}

std::string jsonText(const std::vector<ListedModel>& models) {
    JsonValue out;
    out.set("folder", modelsFolder().string());
    JsonValue list = JsonValue::Array{};
    for (const ListedModel& model : models)
        list.append(jsonOf(model));
    out.set("models", list);
    return writeJson(out, 1) + "\n";
}

void printModel(const ListedModel& model) {
    const std::string origin =
        std::string(modelOriginName(model.origin)) + (model.projectDefault ? ", the project's default" : "");
    std::cout << model.title << "  (" << origin << ")\n  file     " << model.file.string() << "\n";
    if (!model.info) {
        std::cout << "  problem  " << model.problem << "\n";
        return;
    }
    std::printf("  kind     %s, %s parameters, %.1f MB, %d px\n", modelKind(*model.info).c_str(),
                millions(model.info->parameters).c_str(), static_cast<double>(model.bytes) / 1e6,
                model.info->imageSize);
    std::printf("  prompts  %s\n", joined(trainedPrompts(*model.info)).c_str());
    if (model.speed) {
        const ModelSpeed& speed = model.speed->speed;
        std::printf("  speed    %.0f ms for the first box on a slice, %.0f ms for a further one",
                    speed.firstBoxMs, speed.furtherBoxMs);
        if (speed.clickMs > 0) // notes of older versions do not tell
            std::printf(", %.0f ms for a click", speed.clickMs);
        std::printf("\n");
    }
    std::fflush(stdout);
}

Result<std::vector<ListedModel>> list(const std::string& project, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    const auto places = placesFor(project, context);
    if (!places)
        return places.error();
    return listModels(*places, ModelNotes(), **library);
}

Result<void> printList(const ShelfArguments& a, CommandContext& context) {
    const auto models = list(a.project, context);
    if (!models)
        return models.error();
    if (!a.json.empty())
        return writeReport(a.json, jsonText(*models));
    for (const ListedModel& model : *models)
        printModel(model);
    std::cout << "Imported models lie in " << modelsFolder().string()
              << "; `tandem model known` says where published ones come from.\n";
    return {};
}

Result<void> importFile(const ShelfArguments& a, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    const auto imported =
        importModel(a.file, a.name, modelsFolder(), **library, context.progress, context.stop);
    if (!imported)
        return imported.error();
    std::cout << imported->file.string() << "\n";
    if (imported->wasThere)
        std::cerr << "tandem: note: this model had been imported before; nothing was written.\n";
    return {};
}

Result<void> removeNamed(const ShelfArguments& a, CommandContext& context) {
    const auto models = list({}, context);
    if (!models)
        return models.error();
    const auto file = findModel(a.file, *models);
    if (!file)
        return file.error();
    if (auto removed = removeModel(*file, modelsFolder()); !removed)
        return removed.error();
    std::cout << "removed  " << file->string() << "\n";
    return {};
}

void printSpeed(const fs::path& file, const ModelSpeed& speed) {
    std::printf("%s\n  encode       %8.1f ms\n  first box    %8.1f ms\n  further box  %8.1f ms\n"
                "  click        %8.1f ms\n"
                "  median of %d slice%s of 512 x 512; %s, %s, %d thread%s\n",
                file.c_str(), speed.encodeMs, speed.firstBoxMs, speed.furtherBoxMs, speed.clickMs, speed.runs,
                speed.runs == 1 ? "" : "s", speed.computedBy.c_str(), speed.arithmetic.c_str(), speed.threads,
                speed.threads == 1 ? "" : "s");
    std::fflush(stdout);
}

Result<void> measure(const ShelfArguments& a, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    const auto models = list({}, context);
    if (!models)
        return models.error();
    if (a.file.empty() && context.parts.defaultModel.empty())
        return Error{ErrorCode::FileNotFound, "The bundled model is missing; name a model."};
    const auto file =
        a.file.empty() ? Result<fs::path>(context.parts.defaultModel) : findModel(a.file, *models);
    if (!file)
        return file.error();
    SpeedRequest request = a.speed;
    request.model = *file;
    const auto speed = (*library)->measureSpeed(request, context.progress, context.stop);
    if (!speed)
        return speed.error();
    if (request.arithmetic == Arithmetic::Automatic) // what the window would use
        if (const auto kept = ModelNotes().rememberSpeed(*file, *speed); !kept)
            std::cerr << "tandem: note: " << kept.error().sentence << "\n";
    if (a.json.empty()) {
        printSpeed(*file, *speed);
        return {};
    }
    JsonValue out = jsonOf(*speed);
    out.set("file", file->string());
    return writeReport(a.json, writeJson(out, 1) + "\n");
}

Result<void> printKnown(const ShelfArguments& a) {
    JsonValue out = JsonValue::Array{};
    for (const KnownModel& m : knownModels())
        out.append(JsonValue::Object{{"name", m.name},
                                     {"file", m.file},
                                     {"bytes", m.bytes},
                                     {"prompts", m.prompts},
                                     {"licence", m.licence},
                                     {"page", m.page}});
    if (!a.json.empty())
        return writeReport(a.json, writeJson(out, 1) + "\n");
    for (const KnownModel& m : knownModels())
        std::printf("%-13.*s %-22.*s %6.0f MB  %-14.*s %.*s\n  %.*s\n", static_cast<int>(m.name.size()),
                    m.name.data(), static_cast<int>(m.file.size()), m.file.data(),
                    static_cast<double>(m.bytes) / 1e6, static_cast<int>(m.prompts.size()), m.prompts.data(),
                    static_cast<int>(m.licence.size()), m.licence.data(), static_cast<int>(m.page.size()),
                    m.page.data());
    std::printf("Tandem downloads nothing. Download a file there, then: tandem model import FILE\n");
    std::fflush(stdout);
    return {};
}

void addJson(CLI::App& command, const Arguments& a) {
    command.add_option("--json", a->json, "File for the figures, - for standard output");
}

void addList(CLI::App& model, CommandContext& context) {
    auto a = std::make_shared<ShelfArguments>();
    CLI::App* command = newCommand(model, "list", "The models on this machine", "tandem model list --json -");
    command->add_option("--project", a->project,
                        "Project: the models that its learning runs made, and which one is its default");
    addJson(*command, a);
    command->callback([a, &context] { context.run = [a, &context] { return printList(*a, context); }; });
}

void addImport(CLI::App& model, CommandContext& context) {
    auto a = std::make_shared<ShelfArguments>();
    CLI::App* command =
        newCommand(model, "import", "Check a checkpoint and copy it into the models folder as .safetensors",
                   "tandem model import medsam_vit_b.pth --name MedSAM");
    command->add_option("FILE", a->file, "Checkpoint (.pth, .safetensors)")->required();
    command->add_option("--name", a->name, "What to call it; without it, its own name");
    command->callback([a, &context] { context.run = [a, &context] { return importFile(*a, context); }; });
}

void addRemove(CLI::App& model, CommandContext& context) {
    auto a = std::make_shared<ShelfArguments>();
    CLI::App* command =
        newCommand(model, "remove", "Delete a model of the models folder", "tandem model remove MedSAM");
    command->add_option("MODEL", a->file, "Its name or file, as `tandem model list` shows them")->required();
    command->callback([a, &context] { context.run = [a, &context] { return removeNamed(*a, context); }; });
}

void addSpeed(CLI::App& model, CommandContext& context) {
    auto a = std::make_shared<ShelfArguments>();
    CLI::App* command = newCommand(model, "speed", "How long a person waits for a model on this machine",
                                   "tandem model speed medsam_vit_b.pth --json -");
    command->add_option("MODEL", a->file,
                        "A name from `tandem model list`, or a file; default: the bundled one");
    command->add_option("--runs", a->speed.runs, "Slices, of which the median counts")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    addArithmeticOption(*command, a->speed.arithmetic);
    addJson(*command, a);
    command->callback([a, &context] { context.run = [a, &context] { return measure(*a, context); }; });
}

void addKnown(CLI::App& model, CommandContext& context) {
    auto a = std::make_shared<ShelfArguments>();
    CLI::App* command =
        newCommand(model, "known", "Where published checkpoints come from", "tandem model known");
    addJson(*command, a);
    command->callback([a, &context] { context.run = [a] { return printKnown(*a); }; });
}

} // namespace

void addModelShelfCommands(CLI::App& model, CommandContext& context) {
    addList(model, context);
    addImport(model, context);
    addRemove(model, context);
    addSpeed(model, context);
    addKnown(model, context);
}

} // namespace tandem
