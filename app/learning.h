#pragma once

#include "core/usecases/project_learning.h"
#include "inference/library.h"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// A model that learns from a project's approved cases.
struct LearningRequest {
    std::filesystem::path startFrom; ///< the model in use; never empty
    std::filesystem::path out;       ///< folder for the run: pack, state, curves and the new model
    std::filesystem::path config;    ///< recipe; empty: a short one that takes minutes
    std::filesystem::path resume;    ///< folder of an interrupted run, or empty
    std::filesystem::path keepBatches;
    std::vector<std::filesystem::path> morePacks; ///< mixed with the project's own masks
};

/// What came of it.
struct Lesson {
    std::filesystem::path model; ///< the new one
    TrainReport training;
    PackReport pack; ///< empty counts if the run went on with the pack it had
    /// The old model and the new one on the cases kept out; nothing if they could not be scored.
    std::optional<ReplayReport> replay;
    std::string notScored; ///< why not, a sentence
    /// Whether the new model should be offered, see worthOffering.
    bool offered() const { return replay && worthOffering(*replay); }
};

/// Packs the approved cases, fine-tunes the model on them and replays the prompts of the cases kept out with
/// both. Errors: packProject's, the trainer's, FileUnwritable; Cancelled. Thread: a worker that does nothing
/// else meanwhile.
Result<Lesson> learnFromProject(const ImageReader&, ProjectStore&, InferenceLibrary&, const LearningRequest&,
                                const Progress&, const std::stop_token&);

} // namespace tandem
