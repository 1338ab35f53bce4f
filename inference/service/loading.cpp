#include "inference/service/loading.h"

namespace tandem::service {

Error cancelled() {
    return {ErrorCode::Cancelled, "Cancelled."};
}

Result<LoadedModel> openPredictor(const std::filesystem::path& file,
                                  std::shared_ptr<predict::EmbeddingStore> store, Arithmetic arithmetic) {
    try {
        auto model = checkpoint::openModel(file);
        if (!model)
            return model.error();
        auto info = checkpoint::describeModel(file, *model);
        if (!info)
            return info.error();
        auto predictor =
            std::make_unique<predict::Predictor>(std::move(*model), info->id, std::move(store), arithmetic);
        return LoadedModel{std::move(predictor), std::move(*info)};
    } catch (const std::exception&) {
        return Error{ErrorCode::OutOfMemory,
                     "There is not enough memory for the model " + file.string() + "."};
    }
}

} // namespace tandem::service
