#include "app/cli/model_arguments.h"

#include "app/models.h"
#include "core/usecases/segment_volume.h"

#include <iostream>
#include <system_error>

namespace tandem {

Result<std::filesystem::path> modelFile(const std::string& nameOrFile, CommandContext& context) {
    std::error_code ignored;
    const std::filesystem::path file = nameOrFile;
    // What looks like a path is one, so that a file that is missing is called missing.
    if (file.has_parent_path() || looksLikeModel(file) || std::filesystem::exists(file, ignored))
        return file;
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    return findModel(nameOrFile, listModels({context.parts.defaultModel, modelsFolder(), {}, {}},
                                            ModelNotes(), **library));
}

Result<LoadedModels> loadModels(std::vector<std::filesystem::path> files, CommandContext& context,
                                Arithmetic arithmetic) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    if (files.empty() && context.parts.defaultModel.empty())
        return Error{ErrorCode::FileNotFound, "The bundled model is missing; name one with --model."};
    if (files.empty())
        files.push_back(context.parts.defaultModel);
    LoadedModels loaded;
    for (const auto& nameOrFile : files) {
        const auto file = modelFile(nameOrFile.string(), context);
        if (!file)
            return file.error();
        loaded.segmenters.push_back((*library)->createSegmenter(arithmetic));
        const Result<ModelInfo> info = loadModelNow(*loaded.segmenters.back(), *file);
        if (!info)
            return info.error();
        loaded.models.push_back({info->id, loaded.segmenters.back().get()});
        std::cerr << "tandem: note: model " << info->id.substr(0, 12) << " is " << file->string() << "\n";
    }
    return loaded;
}

} // namespace tandem
