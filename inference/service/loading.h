#pragma once
// Private to inference/service/.

#include "inference/predict/predictor.h"

#include <filesystem>
#include <memory>

namespace tandem::service {

/// A model file, opened.
struct LoadedModel {
    std::unique_ptr<predict::Predictor> predictor;
    ModelInfo info;
};
/// Errors as Segmenter::loadModel. Thread: the one that will run it.
Result<LoadedModel> openPredictor(const std::filesystem::path&, std::shared_ptr<predict::EmbeddingStore>,
                                  Arithmetic = Arithmetic::Automatic);

Error cancelled();

/// Calls back; a callback that throws is a mistake of its owner and must not end a thread of the service.
template <class Callback, class... Arguments>
void callGuarded(const Callback& callback, Arguments&&... arguments) noexcept {
    try {
        if (callback)
            callback(std::forward<Arguments>(arguments)...);
    } catch (...) {
    }
}

} // namespace tandem::service
