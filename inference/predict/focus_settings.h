#pragma once

#include "core/files/json.h"
#include "inference/predict/focus.h"

namespace tandem::predict {

/// The numbers that a model was calibrated with: "focus" in its configuration; defaults where it says
/// nothing.
inline FocusSettings focusSettingsFrom(const JsonValue& modelConfig) {
    FocusSettings s;
    const JsonValue* focus = modelConfig.find("focus");
    if (!focus)
        return s;
    const auto readFrom = [](const JsonValue& object, const char* name, double& to) {
        if (const JsonValue* v = object.find(name))
            to = v->numberOr(to);
    };
    const auto read = [&](const char* name, double& to) { readFrom(*focus, name, to); };
    read("cropScale", s.cropScale);
    read("logitOffset", s.logitOffset);
    read("walkerWeight", s.walkerWeight);
    read("clickWeight", s.clickWeight);
    read("clickReach", s.clickReach);
    read("clickFade", s.clickFade);
    read("priorWeight", s.priorWeight);
    read("tightOffset", s.tightOffset);
    read("priorReach", s.priorReach);
    read("unsureIou", s.unsureIou);
    read("sureIou", s.sureIou);
    read("iouBias", s.iouBias);
    read("iouGain", s.iouGain);
    if (const JsonValue* v = focus->find("networkClicks"))
        s.networkClicks = v->boolOr(s.networkClicks);
    if (const JsonValue* v = focus->find("pictureCue"))
        s.pictureCue = v->boolOr(s.pictureCue);
    if (const JsonValue* v = focus->find("learnFromClicks"))
        s.learnFromClicks = v->boolOr(s.learnFromClicks);
    if (const JsonValue* hand = focus->find("hand")) {
        readFrom(*hand, "share", s.hand.share);
        readFrom(*hand, "bias", s.hand.bias);
        readFrom(*hand, "ownIou", s.hand.ownIou);
        readFrom(*hand, "innerIou", s.hand.innerIou);
        readFrom(*hand, "lengthLeft", s.hand.lengthLeft);
    }
    return s;
}

} // namespace tandem::predict
