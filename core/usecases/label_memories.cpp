#include "core/usecases/label_memories.h"

namespace tandem {
namespace {

std::string settingOf(LabelId label, Plane plane) {
    return "lean." + std::to_string(label.value) + "." + std::string(planeName(plane));
}

} // namespace

LabelMemories::Known& LabelMemories::of(ProjectStore& store, const Key& key) {
    const auto found = known_.find(key);
    if (found != known_.end())
        return found->second;
    Known known;
    const auto text = store.setting(settingOf(key.first, key.second));
    if (text && *text) {
        const std::size_t line = (*text)->find('\n'); // the owner, then the examples
        if (line != std::string::npos) {
            known.owner = (*text)->substr(0, line);
            known.memory = memoryFromText(std::string_view(**text).substr(line + 1));
        }
    }
    return known_.emplace(key, std::move(known)).first->second;
}

std::shared_ptr<const BoxLean> LabelMemories::lean(ProjectStore& store, LabelId label, Plane plane,
                                                   const std::string& owner) {
    const Known& known = of(store, {label, plane});
    return known.owner == owner ? known.memory.lean() : nullptr;
}

void LabelMemories::add(ProjectStore& store, LabelId label, Plane plane, const std::string& owner,
                        LabelExample example) {
    Known& known = of(store, {label, plane});
    if (known.owner != owner)
        known = {owner, {}, false};
    known.memory.add(std::move(example));
    known.saved = false;
}

Result<void> LabelMemories::save(ProjectStore& store) {
    for (auto& [key, known] : known_) {
        if (known.saved)
            continue;
        if (auto done = store.putSetting(settingOf(key.first, key.second),
                                         known.owner + "\n" + memoryAsText(known.memory));
            !done)
            return done;
        known.saved = true;
    }
    return {};
}

Result<void> LabelMemories::forget(ProjectStore& store) {
    known_.clear();
    const auto labels = store.labels();
    if (!labels)
        return labels.error();
    for (const LabelInfo& label : *labels)
        for (const Plane plane : {Plane::Axial, Plane::Coronal, Plane::Sagittal})
            if (auto done = store.putSetting(settingOf(label.id, plane), ""); !done)
                return done;
    return {};
}

} // namespace tandem
