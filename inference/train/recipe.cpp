#include "inference/train/recipe.h"

#include <functional>
#include <utility>
#include <vector>

namespace tandem {
namespace {

struct Key {
    const char* name;
    std::function<void(Recipe&, const JsonValue&)> set;
    double low, high;
};

template <class Member>
Key key(const char* name, Member member, double low, double high) {
    return {name,
            [member](Recipe& r, const JsonValue& v) {
                using Value = std::remove_reference_t<decltype(r.*member)>;
                r.*member = static_cast<Value>(v.numberOr(0));
            },
            low, high};
}

const std::vector<Key>& keys() {
    static const std::vector<Key> all{
        key("seed", &Recipe::seed, 0, 9e15),
        key("samples", &Recipe::samples, 1, 1e12),
        key("batch", &Recipe::batch, 1, 4096),
        key("threads", &Recipe::threads, 1, 1024),
        key("learningRate", &Recipe::learningRate, 0, 1),
        key("beta1", &Recipe::beta1, 0, 0.99999),
        key("beta2", &Recipe::beta2, 0, 0.99999),
        key("weightDecay", &Recipe::weightDecay, 0, 10),
        key("clipNorm", &Recipe::clipNorm, 1e-6, 1e9),
        key("warmupSteps", &Recipe::warmupSteps, 0, 1e9),
        key("emaDecay", &Recipe::emaDecay, 0, 0.999999),
        key("emaEvery", &Recipe::emaEvery, 1, 1000),
        key("batchNormMomentum", &Recipe::batchNormMomentum, 0, 1),
        key("iouWeight", &Recipe::iouWeight, 0, 100),
        key("sceneShare", &Recipe::sceneShare, 0, 1),
        key("regionShare", &Recipe::regionShare, 0, 1),
        key("unionShare", &Recipe::unionShare, 0, 1),
        key("tightShare", &Recipe::tightShare, 0, 1),
        key("handShare", &Recipe::handShare, 0, 1),
        key("clickShare", &Recipe::clickShare, 0, 1),
        key("mostClicks", &Recipe::mostClicks, 1, 100),
        key("invertShare", &Recipe::invertShare, 0, 1),
        key("saveEverySamples", &Recipe::saveEverySamples, 1, 1e12),
    };
    return all;
}

Result<void> setKey(Recipe& r, const std::string& name, const JsonValue& value) {
    for (const Key& k : keys())
        if (name == k.name) {
            const double v = value.numberOr(k.low - 1);
            if (!value.isNumber() || v < k.low || v > k.high)
                return Error{ErrorCode::InvalidArgument, "The recipe's \"" + name +
                                                             "\" must be a number from " + writeJson(k.low) +
                                                             " to " + writeJson(k.high) + "."};
            k.set(r, value);
            return {};
        }
    return Error{ErrorCode::InvalidArgument, "The recipe has a key that is not known: \"" + name + "\"."};
}

} // namespace

Result<Recipe> recipeFromJson(const JsonValue& json) {
    if (!json.isObject())
        return Error{ErrorCode::InvalidArgument, "The training configuration has no \"recipe\" object."};
    Recipe r;
    for (const auto& [name, value] : json.members())
        if (const auto set = setKey(r, name, value); !set)
            return set.error();
    if (r.sceneShare + r.regionShare > 1 || r.tightShare + r.handShare > 1)
        return Error{ErrorCode::InvalidArgument,
                     "In the recipe, sceneShare + regionShare and tightShare + handShare must not exceed 1."};
    return r;
}

JsonValue focusToJson(const FocusSettings& s) {
    JsonValue json;
    json.set("cropScale", s.cropScale);
    json.set("logitOffset", s.logitOffset);
    json.set("walkerWeight", s.walkerWeight);
    json.set("clickWeight", s.clickWeight);
    json.set("clickReach", s.clickReach);
    json.set("networkClicks", s.networkClicks);
    json.set("ellipseWeight", s.ellipseWeight);
    json.set("ellipseReach", s.ellipseReach);
    return json;
}

} // namespace tandem
