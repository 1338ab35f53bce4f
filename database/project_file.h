#pragma once

#include "core/result.h"
#include "core/usecases/project_store.h"

#include <filesystem>
#include <memory>
#include <string>

namespace tandem {

/// Makes a new project file (.tandem) and opens it. Error: FileUnwritable, also if the file exists.
Result<std::unique_ptr<ProjectStore>> createProject(const std::filesystem::path&, const std::string& name);

/// Opens a project file, bringing an older schema up to date in one transaction.
/// Errors: FileNotFound; FormatInvalid (not a project, or damaged); FormatUnsupported (made by a newer
/// Tandem); Locked (open in another program).
Result<std::unique_ptr<ProjectStore>> openProject(const std::filesystem::path&);

} // namespace tandem
