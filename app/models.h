#pragma once

#include "app/model_notes.h"
#include "inference/library.h"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// How a model comes to be in the list.
enum class ModelOrigin {
    Bundled,  ///< came with the program
    Imported, ///< lies in the models folder
    Learnt,   ///< made by a learning run of the project
    Project,  ///< lies elsewhere; the project's default
    Recent    ///< lies elsewhere; was used before
};
std::string_view modelOriginName(ModelOrigin); ///< "bundled", "imported", "learnt", "project", "recent"

/// One model file and what can be said without reading its weights.
struct ListedModel {
    ModelOrigin origin = ModelOrigin::Bundled;
    std::filesystem::path file;
    std::string title;             ///< for people; the file's name where it cannot be read
    std::int64_t bytes = 0;        ///< of the file
    std::optional<ModelInfo> info; ///< without an id; nothing if the file cannot be read
    std::string problem;           ///< why not, a sentence
    std::optional<SpeedNote> speed;
    bool projectDefault = false;
};

/// Where models are looked for; empty paths: nowhere.
struct ModelPlaces {
    std::filesystem::path bundled;        ///< the file that comes with the program
    std::filesystem::path folder;         ///< the person's models folder
    std::filesystem::path project;        ///< a project file, for its learning runs
    std::filesystem::path projectDefault; ///< the file that the project remembers
};

/// The models on this machine, each file once: the bundled one, then by origin and name. Files that cannot be
/// read are listed with the reason. Thread: any.
std::vector<ListedModel> listModels(const ModelPlaces&, const ModelNotes&, InferenceLibrary&);

/// "SAM", "MedSAM", "DB-SAM (paper)" ...: the family, and with it how images are prepared for it.
std::string modelKind(const ModelInfo&);
/// What people call a model: its name, and the run's where a trainer calls every file the same.
/// @param bundled  whether it came with the program
std::string modelTitle(const ModelInfo&, bool bundled);
/// The prompts that a model was trained for: "boxes", "points", ...
std::vector<std::string> trainedPrompts(const ModelInfo&);
/// "92.1 M" for 92'100'000.
std::string millions(std::int64_t);

/// The listed model of that file, title, or file name (with or without its ending), or any model file by its
/// path. Error: InvalidArgument if there is none or more than one.
Result<std::filesystem::path> findModel(const std::string& nameOrFile, const std::vector<ListedModel>&);

struct ImportedModel {
    std::filesystem::path file;
    bool wasThere = false; ///< the same model had been imported before; nothing was written
};

/// Copies a checkpoint (.pth, .pt, .safetensors) into the models folder as .safetensors, after checking that
/// it is whole: all keys and shapes of a network that Tandem knows. A file that carries its configuration is
/// copied byte for byte and keeps its identity; any other is written anew with configuration, name and the
/// SHA-256 of what it was made from. The new file's name ends in that hash; no file is ever replaced, and it
/// appears whole or not at all.
/// @param name  for people; empty: the file's own
/// Errors: as InferenceLibrary::modelInfo; FileUnwritable; Cancelled. Thread: any.
Result<ImportedModel> importModel(const std::filesystem::path& from, const std::string& name,
                                  const std::filesystem::path& folder, InferenceLibrary&, const Progress&,
                                  const std::stop_token&);

/// Deletes a file of the models folder. Errors: InvalidArgument for any other file; FileNotFound;
/// FileUnwritable.
Result<void> removeModel(const std::filesystem::path& file, const std::filesystem::path& folder);

/// Whether a file's name is that of a checkpoint.
bool looksLikeModel(const std::filesystem::path&);

} // namespace tandem
