#include "inference/train/plan.h"

#include "core/files/files.h"
#include "inference/checkpoint/model.h"
#include "inference/predict/focus_settings.h"

namespace tandem::train {
namespace {

Error inFile(const std::filesystem::path& file, const Error& e) {
    return {e.code, file.string() + ": " + e.sentence};
}

net::Weights newWeights(const Plan& plan) {
    const bool focus = plan.config.preprocess == net::Preprocess::Focus;
    return net::initialWeights(plan.config, plan.recipe.seed,
                               focus ? net::Init::XavierNormal : net::Init::Published);
}

// Network, calibration and card of the model to start from, where the configuration names none.
Result<void> takeNetwork(JsonValue& json, const std::filesystem::path& file,
                         const std::filesystem::path& startFrom) {
    if (json.find("network"))
        return {};
    if (startFrom.empty())
        return inFile(file,
                      {ErrorCode::InvalidArgument, "It has no \"network\"; add one, or name a model to start "
                                                   "from with --from."});
    const auto model = checkpoint::openModel(startFrom);
    if (!model)
        return model.error();
    JsonValue network = net::configToJson(model->config);
    for (const auto& [key, value] : model->configJson.members())
        network.set(key, value);
    json.set("network", network);
    if (const JsonValue* focus = model->configJson.find("focus"); focus && !json.find("focus"))
        json.set("focus", *focus);
    if (!json.find("card"))
        json.set("card", model->card);
    return {};
}

void sayPrompts(Plan& plan) { // what the model will have been trained for
    if (plan.network.find("prompts"))
        return;
    JsonValue prompts{JsonValue::Array{}};
    prompts.append("box");
    if (plan.recipe.clickShare > 0)
        prompts.append("points");
    plan.network.set("prompts", prompts);
}

} // namespace

Result<Plan> readPlan(const std::filesystem::path& file, const std::filesystem::path& startFrom) {
    const auto text = readFile(file, 1 << 20);
    if (!text)
        return text.error();
    auto json = parseJson(*text);
    if (!json)
        return inFile(file, json.error());
    if (auto taken = takeNetwork(*json, file, startFrom); !taken)
        return taken.error();
    const auto part = [&](const char* key) { return json->find(key) ? *json->find(key) : JsonValue(); };
    Plan plan{part("network"), {}, {}, part("card").stringOr("")};
    if (const JsonValue* refiner = json->find("refiner"))
        plan.network.set("refiner", *refiner);
    const auto recipe = recipeFromJson(part("recipe"));
    const auto config = net::configFromJson(plan.network);
    if (!recipe || !config)
        return inFile(file, recipe ? config.error() : recipe.error());
    plan.recipe = *recipe;
    plan.config = *config;
    plan.recipe.focus = predict::focusSettingsFrom(*json);
    if (plan.config.preprocess == net::Preprocess::Focus)
        plan.network.set("focus", focusToJson(plan.recipe.focus));
    if (plan.config.inChans != 3)
        return inFile(file,
                      {ErrorCode::InvalidArgument, "The trainer makes models with \"in_chans\": 3 only."});
    sayPrompts(plan);
    return plan;
}

Result<net::Weights> startWeights(const Plan& plan, const std::filesystem::path& from) {
    if (from.empty())
        return newWeights(plan);
    auto model = checkpoint::openModel(from);
    if (!model)
        return model.error();
    net::NetworkConfig theirs = model->config;
    theirs.preprocess = plan.config.preprocess;
    theirs.pixelMean = plan.config.pixelMean;
    theirs.pixelStd = plan.config.pixelStd;
    const bool gainsAdapter = !theirs.adapter && plan.config.adapter;
    if (gainsAdapter) {
        theirs.variant = plan.config.variant;
        theirs.adapter = plan.config.adapter;
        theirs.vitLnEps = plan.config.vitLnEps; // two published variants differ from SAM here
    }
    theirs.refiner = plan.config.refiner; // what it lacks starts anew, what it has beyond is left out
    if (!(theirs == plan.config))
        return Error{ErrorCode::ModelInvalid,
                     "The model " + from.string() +
                         " to start from has another network than the configuration."};
    const bool sameRefiner = model->config.refiner == plan.config.refiner;
    const bool gains = gainsAdapter || (plan.config.refiner && !sameRefiner);
    net::Weights weights = gains ? newWeights(plan) : net::Weights{};
    for (auto& [key, tensor] : model->weights)
        if (sameRefiner || !key.starts_with("refiner."))
            weights.insert_or_assign(key, std::move(tensor));
    return weights;
}

} // namespace tandem::train
