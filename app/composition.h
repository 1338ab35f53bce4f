#pragma once

#include "core/result.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/project_store.h"
#include "inference/library.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace tandem {

/// The concrete parts of the program behind core's interfaces; composition.cpp is the one file that names
/// them. Command line and window get the same parts.
struct Parts {
    std::unique_ptr<ImageReader> reader;
    std::function<Result<std::unique_ptr<ProjectStore>>(const std::filesystem::path&,
                                                        const std::string& name)>
        createProject;
    std::function<Result<std::unique_ptr<ProjectStore>>(const std::filesystem::path&)> openProject;
    /// Loads the inference library at the first call (half a second, off the GUI thread), later calls are
    /// free. Thread: any. Error: Unavailable with the loader's words.
    std::function<Result<InferenceLibrary*>()> inference;
    /// The model used when none is chosen; empty if none is installed.
    std::filesystem::path defaultModel;
};

Parts composeParts();

} // namespace tandem
