#include "inference/checkpoint/state_dict.h"

#include "inference/checkpoint/tensors.h"

namespace tandem::checkpoint {
namespace {

Result<StateDict> readSafetensors(const std::filesystem::path& path) {
    const auto file = SafetensorsFile::open(path);
    if (!file)
        return file.error();
    StateDict dict;
    dict.metadata = file->metadata();
    for (const TensorView& view : file->tensors()) {
        auto tensor = toTensor(view);
        if (!tensor)
            return tensor.error();
        dict.tensors.emplace_back(view.name, std::move(*tensor));
    }
    return dict;
}

// Names as the network knows them: no `module.` of a parallel trainer, the feed forward's convolution by its
// long name.
std::string canonicalKey(std::string key, bool hasModulePrefix) {
    if (hasModulePrefix)
        key.erase(0, 7);
    for (const std::string tail : {".mlp.dwconv.weight", ".mlp.dwconv.bias"})
        if (key.ends_with(tail))
            key.insert(key.size() - tail.size() + 11, ".dwconv");
    return key;
}

void canonicalise(StateDict& dict) {
    bool allPrefixed = !dict.tensors.empty();
    for (const auto& [key, tensor] : dict.tensors)
        allPrefixed = allPrefixed && key.starts_with("module.");
    for (auto& [key, tensor] : dict.tensors)
        key = canonicalKey(std::move(key), allPrefixed);
}

} // namespace

Result<StateDict> readStateDict(const std::filesystem::path& path) {
    auto dict = readSafetensors(path);
    if (dict)
        canonicalise(*dict);
    return dict;
}

} // namespace tandem::checkpoint
