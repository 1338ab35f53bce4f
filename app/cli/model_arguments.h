#pragma once

#include "app/cli/command.h"
#include "core/usecases/evaluate.h"

#include <filesystem>
#include <memory>
#include <vector>

namespace tandem {

/// Models under test, and the segmenters that run them.
struct LoadedModels {
    std::vector<std::unique_ptr<Segmenter>> segmenters;
    std::vector<EvaluationModel> models; ///< names are the models' ids
};

/// Loads model files (the bundled one if none is given), and says on standard error which id is which file.
/// Errors: FileNotFound if there is no bundled one; InferenceLibrary's; loadModelNow's.
Result<LoadedModels> loadModels(std::vector<std::filesystem::path> files, CommandContext&,
                                Arithmetic = Arithmetic::Automatic);

} // namespace tandem
