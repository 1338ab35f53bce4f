#include "inference/checkpoint/tensors.h"
#include "inference/train/trainer.h"

#include <algorithm>
#include <string>

namespace tandem::train {
namespace {

Error notThisRun(const std::filesystem::path& file, const std::string& why) {
    return {ErrorCode::FormatInvalid,
            file.string() + " is not the state of this run (" + why + "); start a new one."};
}

} // namespace

Result<void> Trainer::saveState(const std::filesystem::path& file) const {
    std::vector<std::pair<std::string, at::Tensor>> tensors;
    const auto add = [&](const std::string& name, const at::Tensor& t) {
        tensors.emplace_back(name, t.detach().cpu().contiguous());
    };
    for (const auto& [key, w] : weights_)
        add("weight." + key, w);
    for (const auto& [key, w] : average_.weights())
        if (!isFrozen(key, recipe_)) // those equal the weights
            add("average." + key, w);
    for (const Parameter& p : optimiser_.parameters()) {
        add("mean." + p.key, p.mean);
        add("square." + p.key, p.square);
    }
    std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<TensorView> views;
    for (const auto& [name, tensor] : tensors) {
        auto view = checkpoint::viewOf(name, tensor);
        if (!view)
            return view.error();
        views.push_back(std::move(*view));
    }
    SafetensorsMetadata metadata{{"tandem.steps", std::to_string(optimiser_.steps())}};
    metadata.emplace_back("tandem.config", writeJson(net::configToJson(config_)));
    return writeSafetensors(file, views, metadata);
}

Result<void> Trainer::loadState(const std::filesystem::path& file) {
    const auto state = SafetensorsFile::open(file);
    if (!state)
        return state.error();
    if (state->metadataValue("tandem.config") != writeJson(net::configToJson(config_)))
        return notThisRun(file, "its network is another one");
    const at::NoGradGuard noGradients;
    std::string missing;
    const auto take = [&](const std::string& name, at::Tensor to) {
        const TensorView* found = state->find(name);
        const auto tensor = found ? checkpoint::toTensor(*found) : Result<at::Tensor>(Error{});
        if (tensor && tensor->sizes() == to.sizes())
            to.copy_(*tensor);
        else
            missing = name;
    };
    for (const auto& [key, w] : weights_)
        take("weight." + key, w.detach());
    for (const auto& [key, w] : average_.weights())
        take((isFrozen(key, recipe_) ? "weight." : "average.") + key, w);
    for (const Parameter& p : optimiser_.parameters()) {
        take("mean." + p.key, p.mean);
        take("square." + p.key, p.square);
    }
    if (!missing.empty())
        return notThisRun(file, missing + " is missing or misshapen");
    optimiser_.setSteps(std::stoll(state->metadataValue("tandem.steps").value_or("0")));
    loader_.reset(); // it was ahead of another position
    return {};
}

} // namespace tandem::train
