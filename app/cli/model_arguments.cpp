#include "app/cli/model_arguments.h"

#include "core/usecases/segment_volume.h"

#include <iostream>

namespace tandem {

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
    for (const auto& file : files) {
        loaded.segmenters.push_back((*library)->createSegmenter(arithmetic));
        const Result<ModelInfo> info = loadModelNow(*loaded.segmenters.back(), file);
        if (!info)
            return info.error();
        loaded.models.push_back({info->id, loaded.segmenters.back().get()});
        std::cerr << "tandem: note: model " << info->id.substr(0, 12) << " is " << file.string() << "\n";
    }
    return loaded;
}

} // namespace tandem
