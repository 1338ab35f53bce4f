#pragma once

#include "app/cli/command.h"
#include "core/usecases/project_learning.h"

namespace tandem {

/// Adds `project replay`.
void addReplay(CLI::App& project, CommandContext&);

/// Replays the project's kept-out cases (all approved ones if asked) with models, side by side. Errors: the
/// store's, loadModels' and replayProject's.
Result<ReplayReport> replayWithFiles(ProjectStore&, const std::vector<std::filesystem::path>& models,
                                     bool all, CommandContext&);

/// The report as a table on standard output: a row for each structure, the means, and how often the last
/// model is better or worse than the first.
void printReplay(const ReplayReport&);

} // namespace tandem
