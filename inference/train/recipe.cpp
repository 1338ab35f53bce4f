#include "inference/train/recipe.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

namespace tandem {
namespace {

// Sets one member from a value; false if the value is not what `what` says.
struct Key {
    const char* name;
    std::function<bool(Recipe&, const JsonValue&)> set;
    std::string what;
};

template <class Member>
Key key(const char* name, Member member, double low, double high) {
    return {name,
            [=](Recipe& r, const JsonValue& v) {
                using Value = std::remove_reference_t<decltype(r.*member)>;
                const double x = v.numberOr(low);
                r.*member = static_cast<Value>(x);
                return v.isNumber() && x >= low && x <= high;
            },
            "a number from " + writeJson(low) + " to " + writeJson(high)};
}

Key yesOrNo(const char* name, bool Recipe::*member) {
    return {name,
            [=](Recipe& r, const JsonValue& v) {
                r.*member = v.boolOr(false);
                return v.isBool();
            },
            "true or false"};
}

// The parts of a network by the beginning of their keys.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> parts{
    {{"vit", "image_encoder.blocks."},
     {"patch_embed", "image_encoder.patch_embed."},
     {"pos_embed", "image_encoder.pos_embed"},
     {"adapter", "image_encoder.adapter."},
     {"neck", "image_encoder.neck."},
     {"prompt_encoder", "prompt_encoder."},
     {"mask_decoder", "mask_decoder."},
     {"refiner", "refiner."}}};

std::string_view keysOf(std::string_view part) {
    const auto found =
        std::find_if(parts.begin(), parts.end(), [&](const auto& p) { return p.first == part; });
    return found == parts.end() ? std::string_view() : found->second;
}

bool setSchedule(Recipe& r, const JsonValue& v) {
    r.schedule = v.stringOr("") == "polynomial" ? Schedule::Polynomial : Schedule::Cosine;
    return v.stringOr("") == "polynomial" || v.stringOr("") == "cosine";
}

bool setLeaveOut(Recipe& r, const JsonValue& v) {
    r.leaveOut.clear();
    for (const JsonValue& name : v.items())
        r.leaveOut.push_back(name.stringOr(""));
    return v.isArray() && std::none_of(r.leaveOut.begin(), r.leaveOut.end(),
                                       [](const std::string& name) { return name.empty(); });
}

bool setFreeze(Recipe& r, const JsonValue& v) {
    r.freeze.clear();
    for (const JsonValue& part : v.items())
        r.freeze.push_back(part.stringOr(""));
    return v.isArray() && std::none_of(r.freeze.begin(), r.freeze.end(),
                                       [](const std::string& part) { return keysOf(part).empty(); });
}

const std::vector<Key>& keys() {
    static const std::vector<Key> all{
        key("seed", &Recipe::seed, 0, 9e15),
        key("samples", &Recipe::samples, 1, 1e12),
        key("batch", &Recipe::batch, 1, 4096),
        key("threads", &Recipe::threads, 1, 1024),
        key("loaders", &Recipe::loaders, 1, 1024),
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
        key("firstPackShare", &Recipe::firstPackShare, 0, 1),
        key("patternShare", &Recipe::patternShare, 0, 1),
        key("unionShare", &Recipe::unionShare, 0, 1),
        key("tightShare", &Recipe::tightShare, 0, 1),
        key("handShare", &Recipe::handShare, 0, 1),
        key("fineShare", &Recipe::fineShare, 0, 1),
        key("clickShare", &Recipe::clickShare, 0, 1),
        key("mostClicks", &Recipe::mostClicks, 1, 100),
        key("invertShare", &Recipe::invertShare, 0, 1),
        key("bendShare", &Recipe::bendShare, 0, 1),
        key("repaintShare", &Recipe::repaintShare, 0, 1),
        key("speckleShare", &Recipe::speckleShare, 0, 1),
        key("remapShare", &Recipe::remapShare, 0, 1),
        key("boxShift", &Recipe::boxShift, 0, 256),
        key("attentionDropout", &Recipe::attentionDropout, 0, 0.95),
        key("ffnDropout", &Recipe::ffnDropout, 0, 0.95),
        key("dropPath", &Recipe::dropPath, 0, 0.95),
        key("stemCacheMb", &Recipe::stemCacheMb, 0, 1e6),
        yesOrNo("gpu", &Recipe::gpu),
        yesOrNo("muon", &Recipe::muon),
        yesOrNo("decayAll", &Recipe::decayAll),
        yesOrNo("recomputeBlocks", &Recipe::recomputeBlocks),
        yesOrNo("bfloat16", &Recipe::bfloat16),
        yesOrNo("float16", &Recipe::float16),
        {"schedule", setSchedule, "\"cosine\" or \"polynomial\""},
        {"freeze", setFreeze,
         "a list of \"vit\", \"patch_embed\", \"pos_embed\", \"adapter\", \"neck\", \"prompt_encoder\", "
         "\"mask_decoder\", \"refiner\""},
        {"leaveOut", setLeaveOut, "a list of names of data sets"},
        key("validateEverySamples", &Recipe::validateEverySamples, 0, 1e12),
        key("validateItems", &Recipe::validateItems, 1, 1e6),
        key("saveEverySamples", &Recipe::saveEverySamples, 1, 1e12),
    };
    return all;
}

Result<void> setKey(Recipe& r, const std::string& name, const JsonValue& value) {
    for (const Key& k : keys())
        if (name == k.name)
            return k.set(r, value) ? Result<void>{}
                                   : Error{ErrorCode::InvalidArgument,
                                           "The recipe's \"" + name + "\" must be " + k.what + "."};
    return Error{ErrorCode::InvalidArgument, "The recipe has a key that is not known: \"" + name + "\"."};
}

} // namespace

bool isFrozen(std::string_view weight, const Recipe& recipe) {
    return std::any_of(recipe.freeze.begin(), recipe.freeze.end(), [&](const std::string& part) {
        return !keysOf(part).empty() && weight.starts_with(keysOf(part));
    });
}

bool isLeftOut(std::string_view source, const Recipe& recipe) {
    return std::find(recipe.leaveOut.begin(), recipe.leaveOut.end(), source) != recipe.leaveOut.end();
}

Result<Recipe> recipeFromJson(const JsonValue& json) {
    if (!json.isObject())
        return Error{ErrorCode::InvalidArgument, "The training configuration has no \"recipe\" object."};
    Recipe r;
    for (const auto& [name, value] : json.members())
        if (const auto set = setKey(r, name, value); !set)
            return set.error();
    if (r.sceneShare + r.regionShare + r.patternShare > 1 || r.tightShare + r.handShare > 1)
        return Error{ErrorCode::InvalidArgument, "In the recipe, sceneShare + regionShare + patternShare and "
                                                 "tightShare + handShare must not exceed 1."};
    return r;
}

JsonValue focusToJson(const FocusSettings& s) {
    JsonValue json;
    json.set("cropScale", s.cropScale);
    json.set("logitOffset", s.logitOffset);
    json.set("walkerWeight", s.walkerWeight);
    json.set("clickWeight", s.clickWeight);
    json.set("clickReach", s.clickReach);
    json.set("clickFade", s.clickFade);
    json.set("networkClicks", s.networkClicks);
    json.set("learnFromClicks", s.learnFromClicks);
    json.set("pictureCue", s.pictureCue);
    json.set("priorWeight", s.priorWeight);
    json.set("tightOffset", s.tightOffset);
    json.set("priorReach", s.priorReach);
    json.set("unsureIou", s.unsureIou);
    json.set("sureIou", s.sureIou);
    json.set("iouBias", s.iouBias);
    json.set("iouGain", s.iouGain);
    JsonValue hand;
    hand.set("share", s.hand.share);
    hand.set("bias", s.hand.bias);
    hand.set("ownIou", s.hand.ownIou);
    hand.set("innerIou", s.hand.innerIou);
    hand.set("lengthLeft", s.hand.lengthLeft);
    json.set("hand", std::move(hand));
    return json;
}

} // namespace tandem
