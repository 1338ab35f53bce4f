#include "inference/checkpoint/pth.h"

#include "inference/checkpoint/pickle.h"
#include "inference/checkpoint/tensors.h"
#include "inference/checkpoint/zip.h"

#include <array>
#include <cstring>
#include <unordered_map>

namespace tandem::checkpoint {
namespace {

using Bytes = std::span<const std::byte>;
using Storages = std::unordered_map<std::string, Bytes>;

// torch.save before 1.6: the pickle of this number comes first (torch/serialization.py, MAGIC_NUMBER).
constexpr std::array<unsigned char, 15> kLegacyStart{0x80, 2,    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                                     0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

bool startsWith(Bytes bytes, std::span<const unsigned char> start) {
    return bytes.size() >= start.size() && std::memcmp(bytes.data(), start.data(), start.size()) == 0;
}

struct Contents {
    Pickle pickle;
    Storages storages;
};

Result<Contents> readArchive(Bytes bytes, const std::string& file) {
    const auto archive = ZipArchive::parse(bytes, file);
    if (!archive)
        return archive.error();
    const ZipArchive::Member* data = archive->findEnding("data.pkl");
    if (!data)
        return Error{ErrorCode::FormatInvalid,
                     file + " is an archive, but not a checkpoint of PyTorch (it has no data.pkl)."};
    const std::string folder = data->name.substr(0, data->name.size() - 8);
    for (const auto& m : archive->members())
        if (m.name == folder + "byteorder" &&
            std::string_view(reinterpret_cast<const char*>(m.bytes.data()), m.bytes.size()) != "little")
            return Error{ErrorCode::FormatUnsupported,
                         file + " was written on a big-endian machine, which Tandem does not read."};
    auto pickle = Pickle::parse(data->bytes, file);
    if (!pickle)
        return pickle.error();
    Contents contents{std::move(*pickle), {}};
    const std::string prefix = folder + "data/";
    for (const auto& m : archive->members())
        if (m.name.starts_with(prefix))
            contents.storages.emplace(m.name.substr(prefix.size()), m.bytes);
    return contents;
}

// The storages of the old format: a pickled list of keys, then for each the number of elements and the
// elements.
Result<Storages> readLegacyStorages(Bytes rest, const Pickle& main, const std::string& file) {
    const Error damaged{ErrorCode::FormatInvalid,
                        file + " is damaged or truncated: its weights end too early."};
    std::unordered_map<std::string, DType> types;
    for (Pickle::Id id = 0; id < main.nodeCount(); ++id)
        if (main.node(id).kind == Pickle::Kind::Storage)
            types.emplace(main.node(id).text, main.node(id).dtype);
    std::size_t used = 0;
    const auto keys = Pickle::parse(rest, file, &used);
    if (!keys)
        return keys.error();
    rest = rest.subspan(used);
    Storages storages;
    for (const Pickle::Id id : keys->root().items) {
        const std::string& key = keys->node(id).text;
        const auto type = types.find(key);
        std::uint64_t count = 0;
        if (type == types.end() || rest.size() < 8)
            return damaged;
        std::memcpy(&count, rest.data(), 8);
        rest = rest.subspan(8);
        if (count > rest.size() / dtypeSize(type->second))
            return damaged;
        const std::size_t size = static_cast<std::size_t>(count) * dtypeSize(type->second);
        storages.emplace(key, rest.first(size));
        rest = rest.subspan(size);
    }
    return storages;
}

Result<Contents> readLegacy(Bytes bytes, const std::string& file) {
    for (int i = 0; i < 3; ++i) { // magic number, protocol version, sizes of the writer's types
        std::size_t used = 0;
        if (const auto pickle = Pickle::parse(bytes, file, &used); !pickle)
            return pickle.error();
        if (i == 0 && !startsWith(bytes, kLegacyStart))
            return Error{ErrorCode::FormatInvalid, file + " is a pickle, but not a checkpoint of PyTorch."};
        bytes = bytes.subspan(used);
    }
    std::size_t used = 0;
    auto pickle = Pickle::parse(bytes, file, &used);
    if (!pickle)
        return pickle.error();
    auto storages = readLegacyStorages(bytes.subspan(used), *pickle, file);
    if (!storages)
        return storages.error();
    return Contents{std::move(*pickle), std::move(*storages)};
}

// Elements from the first to the last that the strides reach; nothing if a number is impossible.
std::optional<std::int64_t> reachOf(const Pickle::Node& t) {
    std::int64_t reach = 1, count = 1;
    for (std::size_t i = 0; i < t.sizes.size(); ++i) {
        std::int64_t span = 0;
        if (t.sizes[i] < 0 || t.strides[i] < 0 || __builtin_mul_overflow(count, t.sizes[i], &count))
            return std::nullopt;
        if (t.sizes[i] > 0 && (__builtin_mul_overflow(t.sizes[i] - 1, t.strides[i], &span) ||
                               __builtin_add_overflow(reach, span, &reach)))
            return std::nullopt;
    }
    if (count == 0)
        return 0;
    return count <= reach ? std::optional(reach) : std::nullopt; // views that repeat elements are no weights
}

Result<at::Tensor> tensorFrom(const Contents& contents, const Pickle::Node& t, const std::string& key,
                              const std::string& file, const std::shared_ptr<const void>& owner) {
    const Pickle::Node& storage = contents.pickle.node(t.items[0]);
    const auto found = contents.storages.find(storage.text);
    const auto reach = reachOf(t);
    const auto size = static_cast<std::int64_t>(dtypeSize(storage.dtype));
    if (found == contents.storages.end() || !reach || t.integer < 0)
        return Error{ErrorCode::FormatInvalid, "The weight '" + key + "' in " + file + " is damaged."};
    const auto elements = static_cast<std::int64_t>(found->second.size()) / size;
    if (*reach > elements || t.integer > elements - *reach)
        return Error{ErrorCode::FormatInvalid,
                     "The weight '" + key + "' in " + file + " lies outside its data; the file is damaged."};
    const Bytes bytes = found->second.subspan(static_cast<std::size_t>(t.integer * size),
                                              static_cast<std::size_t>(*reach * size));
    const auto flat = toTensor({key, storage.dtype, {*reach}, bytes}, owner);
    if (!flat)
        return flat.error();
    return flat->as_strided(t.sizes, t.strides).contiguous();
}

// The dict that holds the tensors, and the key that it lay under.
const Pickle::Node& stateDictIn(const Pickle& pickle, std::string& wrapper) {
    const Pickle::Node* dict = &pickle.root();
    for (int depth = 0; depth < 3; ++depth)
        for (const char* name : {"net", "model", "state_dict", "model_state_dict"})
            if (const Pickle::Node* inner = pickle.find(*dict, name);
                inner && inner->kind == Pickle::Kind::Dict) {
                wrapper = wrapper.empty() ? name : wrapper;
                dict = inner;
                break;
            }
    return *dict;
}

} // namespace

bool looksLikePth(Bytes bytes) {
    constexpr std::array<unsigned char, 2> zip{'P', 'K'};
    return startsWith(bytes, zip) ||
           (!bytes.empty() && bytes[0] == std::byte{0x80} && bytes.size() > 1 && bytes[1] <= std::byte{5});
}

Result<StateDict> readPth(Bytes bytes, const std::string& file, const std::shared_ptr<const void>& owner) {
    const auto contents = bytes[0] == std::byte{'P'} ? readArchive(bytes, file) : readLegacy(bytes, file);
    if (!contents)
        return contents.error();
    StateDict out;
    const Pickle& pickle = contents->pickle;
    const Pickle::Node& dict = stateDictIn(pickle, out.wrapper);
    for (std::size_t i = 0; dict.kind == Pickle::Kind::Dict && i + 1 < dict.items.size(); i += 2) {
        const Pickle::Node& key = pickle.node(dict.items[i]);
        const Pickle::Node& value = pickle.node(dict.items[i + 1]);
        if (key.kind != Pickle::Kind::Text || value.kind != Pickle::Kind::Tensor)
            continue;
        auto tensor = tensorFrom(*contents, value, key.text, file, owner);
        if (!tensor)
            return tensor.error();
        out.tensors.emplace_back(key.text, std::move(*tensor));
    }
    if (out.tensors.empty())
        return Error{ErrorCode::FormatInvalid,
                     file + " is a checkpoint of PyTorch, but holds no weights that can be found."};
    return out;
}

} // namespace tandem::checkpoint
