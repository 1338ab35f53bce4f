#include "core/files/safetensors.h"

#include "core/files/json.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace tandem {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

constexpr std::uint64_t kHeaderLimit = 100'000'000; // as the format's own reader

struct DTypeRow {
    DType dtype;
    std::string_view name;
    std::size_t size;
};
constexpr std::array<DTypeRow, 13> kDTypes{{{DType::Bool, "BOOL", 1},
                                            {DType::U8, "U8", 1},
                                            {DType::I8, "I8", 1},
                                            {DType::U16, "U16", 2},
                                            {DType::I16, "I16", 2},
                                            {DType::F16, "F16", 2},
                                            {DType::BF16, "BF16", 2},
                                            {DType::U32, "U32", 4},
                                            {DType::I32, "I32", 4},
                                            {DType::F32, "F32", 4},
                                            {DType::U64, "U64", 8},
                                            {DType::I64, "I64", 8},
                                            {DType::F64, "F64", 8}}};

// Elements times bytes, or nothing when a size is negative or the product does not fit.
std::optional<std::uint64_t> byteCount(DType dtype, const std::vector<std::int64_t>& shape) {
    std::uint64_t n = dtypeSize(dtype);
    for (const std::int64_t s : shape)
        if (s < 0 || __builtin_mul_overflow(n, static_cast<std::uint64_t>(s), &n))
            return std::nullopt;
    return n;
}

Error invalid(const std::string& file, const std::string& words) {
    return Error{ErrorCode::FormatInvalid, file + " is not a valid safetensors file: " + words + "."};
}

Result<SafetensorsMetadata> parseMetadata(const JsonValue& value, const std::string& file) {
    SafetensorsMetadata metadata;
    if (!value.isObject())
        return invalid(file, "__metadata__ is not an object");
    for (const auto& [key, text] : value.members()) {
        if (!text.isString())
            return invalid(file, "the metadata '" + key + "' is not a text");
        metadata.emplace_back(key, text.stringOr({}));
    }
    return metadata;
}

// A header entry whose span has been checked against the data.
Result<TensorView> parseEntry(const std::string& name, const JsonValue& entry,
                              std::span<const std::byte> data, const std::string& file) {
    const JsonValue* dtype = entry.find("dtype");
    const JsonValue* shape = entry.find("shape");
    const JsonValue* offsets = entry.find("data_offsets");
    if (!dtype || !dtype->isString() || !shape || !shape->isArray() || !offsets ||
        offsets->items().size() != 2)
        return invalid(file, "the entry of tensor '" + name + "' is incomplete");
    const auto kind = dtypeFromName(dtype->stringOr({}));
    if (!kind)
        return Error{ErrorCode::FormatUnsupported, "Tensor '" + name + "' in " + file +
                                                       " has the element type " + dtype->stringOr({}) +
                                                       ", which Tandem does not read."};
    TensorView tensor{name, *kind, {}, {}};
    for (const JsonValue& s : shape->items())
        tensor.shape.push_back(s.integerOr(-1));
    const std::int64_t begin = offsets->items()[0].integerOr(-1), end = offsets->items()[1].integerOr(-1);
    if (begin < 0 || end < begin || static_cast<std::uint64_t>(end) > data.size())
        return invalid(file, "tensor '" + name + "' lies outside the file, which may be truncated");
    const auto size = byteCount(*kind, tensor.shape);
    if (!size || *size != static_cast<std::uint64_t>(end - begin))
        return invalid(file, "the shape of tensor '" + name + "' does not fit its bytes");
    tensor.bytes = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    return tensor;
}

// The tensors must fill the data without overlap and without holes, whatever their order.
bool coverExactly(const std::vector<TensorView>& tensors, std::span<const std::byte> data) {
    std::vector<std::pair<std::size_t, std::size_t>> spans;
    for (const TensorView& t : tensors) {
        const auto begin = static_cast<std::size_t>(t.bytes.data() - data.data());
        spans.emplace_back(begin, begin + t.bytes.size());
    }
    std::sort(spans.begin(), spans.end());
    std::size_t reached = 0;
    for (const auto& [begin, end] : spans) {
        if (begin != reached)
            return false;
        reached = end;
    }
    return reached == data.size();
}

Result<void> checkTensors(std::span<const TensorView> tensors) {
    std::unordered_map<std::string_view, int> seen;
    for (const TensorView& t : tensors) {
        if (++seen[t.name] > 1 || t.name == "__metadata__")
            return Error{ErrorCode::InvalidArgument,
                         "A tensor cannot be written twice or under the name '" + t.name + "'."};
        if (byteCount(t.dtype, t.shape) != t.bytes.size())
            return Error{ErrorCode::InvalidArgument,
                         "The bytes of tensor '" + t.name + "' do not fit its shape."};
    }
    return {};
}

std::string headerOf(std::span<const TensorView> tensors, const std::vector<std::size_t>& layout,
                     const SafetensorsMetadata& metadata) {
    std::vector<std::uint64_t> begins(tensors.size());
    std::uint64_t at = 0;
    for (const std::size_t i : layout)
        begins[i] = std::exchange(at, at + tensors[i].bytes.size());
    JsonValue::Object header;
    if (!metadata.empty()) {
        JsonValue::Object texts;
        for (const auto& [key, text] : metadata)
            texts.emplace_back(key, JsonValue(text));
        header.emplace_back("__metadata__", JsonValue(std::move(texts)));
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        JsonValue::Array shape;
        for (const std::int64_t s : tensors[i].shape)
            shape.emplace_back(s);
        const auto begin = static_cast<std::int64_t>(begins[i]);
        JsonValue::Array offsets{begin, begin + static_cast<std::int64_t>(tensors[i].bytes.size())};
        header.emplace_back(tensors[i].name,
                            JsonValue(JsonValue::Object{{"dtype", dtypeName(tensors[i].dtype)},
                                                        {"shape", std::move(shape)},
                                                        {"data_offsets", std::move(offsets)}}));
    }
    std::string text = writeJson(JsonValue(std::move(header)));
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
}

} // namespace

std::size_t dtypeSize(DType dtype) {
    return kDTypes[static_cast<std::size_t>(dtype)].size;
}

std::string_view dtypeName(DType dtype) {
    return kDTypes[static_cast<std::size_t>(dtype)].name;
}

std::optional<DType> dtypeFromName(std::string_view name) {
    for (const DTypeRow& row : kDTypes)
        if (row.name == name)
            return row.dtype;
    return std::nullopt;
}

std::int64_t TensorView::elementCount() const {
    return static_cast<std::int64_t>(bytes.size() / dtypeSize(dtype));
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
    auto mapping = MappedFile::open(path);
    if (!mapping)
        return mapping.error();
    auto file = parse((*mapping)->bytes(), path.string());
    if (file)
        file->mapping_ = *mapping;
    return file;
}

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, const std::string& name) {
    if (bytes.size() < 8)
        return invalid(name, "it is shorter than 8 bytes");
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8; ++i)
        length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    if (length > kHeaderLimit || length > bytes.size() - 8)
        return invalid(name, "its header is said to be longer than the file, which may be truncated");
    const auto data = bytes.subspan(8 + static_cast<std::size_t>(length));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8,
                                static_cast<std::size_t>(length));
    const auto header = parseJson(text, JsonLimits{kHeaderLimit, 8});
    if (!header || !header->isObject())
        return invalid(name, "its header cannot be read");
    SafetensorsFile file;
    for (const auto& [key, entry] : header->members()) {
        if (key == "__metadata__") {
            auto metadata = parseMetadata(entry, name);
            if (!metadata)
                return metadata.error();
            file.metadata_ = std::move(*metadata);
            continue;
        }
        auto tensor = parseEntry(key, entry, data, name);
        if (!tensor)
            return tensor.error();
        file.index_.emplace(key, file.tensors_.size());
        file.tensors_.push_back(std::move(*tensor));
    }
    if (!coverExactly(file.tensors_, data))
        return invalid(name, "its tensors do not fill the file exactly");
    return file;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
    const auto found = index_.find(std::string(name));
    return found == index_.end() ? nullptr : &tensors_[found->second];
}

std::optional<std::string> SafetensorsFile::metadataValue(std::string_view key) const {
    for (const auto& [k, text] : metadata_)
        if (k == key)
            return text;
    return std::nullopt;
}

Result<void> writeSafetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                              const SafetensorsMetadata& metadata) {
    if (auto fine = checkTensors(tensors); !fine)
        return fine;
    std::vector<std::size_t> layout(tensors.size());
    std::iota(layout.begin(), layout.end(), std::size_t{0});
    std::stable_sort(layout.begin(), layout.end(), [&](std::size_t a, std::size_t b) {
        return dtypeSize(tensors[a].dtype) > dtypeSize(tensors[b].dtype);
    });
    const std::string header = headerOf(tensors, layout, metadata);
    auto file = AtomicFile::create(path);
    if (!file)
        return file.error();
    const auto length = std::bit_cast<std::array<std::byte, 8>>(std::uint64_t{header.size()});
    if (auto written = file->write(std::span<const std::byte>(length)); !written)
        return written;
    if (auto written = file->write(header); !written)
        return written;
    for (const std::size_t i : layout)
        if (auto written = file->write(tensors[i].bytes); !written)
            return written;
    return file->commit();
}

} // namespace tandem
