#pragma once

#include "app/cli/command.h"
#include "core/usecases/evaluate.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tandem {

/// Models under test, and the segmenters that run them.
struct LoadedModels {
    std::vector<std::unique_ptr<Segmenter>> segmenters;
    std::vector<EvaluationModel> models; ///< names are the models' ids
};

/// The file of --model: a path, or the name of a model as `tandem model list` shows it. Errors:
/// InvalidArgument for a name that no model or more than one has; InferenceLibrary's.
Result<std::filesystem::path> modelFile(const std::string& nameOrFile, CommandContext&);

/// Loads model files or names (the bundled one if none is given), and says on standard error which id is
/// which file. Errors: FileNotFound if there is no bundled one; modelFile's; loadModelNow's.
Result<LoadedModels> loadModels(std::vector<std::filesystem::path> files, CommandContext&,
                                Arithmetic = Arithmetic::Automatic);

} // namespace tandem
