#include "inference/checkpoint/state_dict.h"

#include "inference/checkpoint/pth.h"
#include "inference/checkpoint/tensors.h"

namespace tandem::checkpoint {
namespace {

Result<StateDict> readSafetensors(std::span<const std::byte> bytes, const std::string& name,
                                  const std::shared_ptr<const void>& owner) {
    const auto file = SafetensorsFile::parse(bytes, name);
    if (!file)
        return file.error();
    StateDict dict;
    dict.metadata = file->metadata();
    for (const TensorView& view : file->tensors()) {
        auto tensor = toTensor(view, owner);
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
    const auto file = MappedFile::open(path);
    if (!file)
        return file.error();
    return parseStateDict((*file)->bytes(), path.string(), *file);
}

Result<StateDict> parseStateDict(std::span<const std::byte> bytes, const std::string& name,
                                 const std::shared_ptr<const void>& owner) {
    if (bytes.empty())
        return Error{ErrorCode::FormatInvalid, name + " is empty."};
    try {
        const bool isPth = looksLikePth(bytes);
        auto dict = isPth ? readPth(bytes, name, owner) : readSafetensors(bytes, name, owner);
        if (!dict && dict.error().code == ErrorCode::FormatInvalid && !isPth &&
            !name.ends_with(".safetensors"))
            return Error{ErrorCode::FormatInvalid,
                         name +
                             " is no model: it is neither a checkpoint of PyTorch nor a safetensors file."};
        if (dict)
            canonicalise(*dict);
        return dict;
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::OutOfMemory, "There is not enough memory to read " + name + "."};
    } catch (const std::exception&) { // LibTorch's words are for its developers
        return Error{ErrorCode::FormatInvalid, name + " holds tensors that cannot be used."};
    }
}

} // namespace tandem::checkpoint
