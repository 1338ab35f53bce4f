#include "core/imaging/numpy_file.h"

#include "core/imaging/raw_array.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

using View = std::span<const std::uint8_t>;

constexpr std::string_view npyMark("\x93NUMPY", 6);
constexpr std::uint64_t deflateBest = 1032; // its best ratio

Error damaged(const fs::path& path) {
    return readError(ErrorCode::FormatInvalid, path, "the NumPy file is truncated or damaged.");
}

std::uint64_t little(View bytes, std::size_t at, int count) {
    std::uint64_t value = 0;
    for (int n = count; n-- > 0;)
        value = value << 8 | bytes[at + static_cast<std::size_t>(n)];
    return value;
}

// What follows KEY: in a header such as {'descr': '<u2', 'fortran_order': False, 'shape': (3, 4), }.
std::string_view valueOf(std::string_view header, std::string_view key) {
    const std::size_t at = header.find(key);
    const std::size_t colon = at == std::string_view::npos ? at : header.find(':', at);
    if (colon == std::string_view::npos)
        return {};
    std::string_view rest = header.substr(colon + 1);
    while (!rest.empty() && rest.front() == ' ')
        rest.remove_prefix(1);
    const char close = rest.starts_with('(') ? ')' : rest.starts_with('\'') ? '\'' : ',';
    const std::size_t end = rest.find(close, 1);
    return end == std::string_view::npos ? std::string_view() : rest.substr(0, end + 1);
}

std::optional<ElementType> elementType(std::string_view descr) {
    static const std::map<std::string_view, ElementType> types{
        {"b1", ElementType::UInt8},   {"u1", ElementType::UInt8},  {"i1", ElementType::Int8},
        {"u2", ElementType::UInt16},  {"i2", ElementType::Int16},  {"u4", ElementType::UInt32},
        {"i4", ElementType::Int32},   {"u8", ElementType::UInt64}, {"i8", ElementType::Int64},
        {"f4", ElementType::Float32}, {"f8", ElementType::Float64}};
    const auto found = types.find(descr);
    return found == types.end() ? std::nullopt : std::optional(found->second);
}

// Which of the array's axes are i, j, k and colour. False for shapes that are no image.
bool setAxes(ArrayLayout& l, const std::vector<std::int64_t>& shape, bool fortran) {
    const auto n = static_cast<int>(shape.size());
    const auto axis = [&](int dimension) { return fortran ? dimension : n - 1 - dimension; };
    const bool colour = n >= 3 && (shape.back() == 3 || shape.back() == 4);
    const int spatial = colour ? n - 1 : n;
    if (spatial < 2 || spatial > 3)
        return false;
    l.spaceAxes = {axis(spatial - 1), axis(spatial - 2), spatial == 3 ? axis(0) : -1};
    if (colour && l.type == ElementType::UInt8)
        l.componentAxis = axis(n - 1);
    return true;
}

Result<ArrayLayout> parseHeader(std::string_view header, const fs::path& path) {
    const std::string_view descr = valueOf(header, "'descr'"), order = valueOf(header, "'fortran_order'");
    std::vector<std::int64_t> shape;
    for (const double size : numbersIn(valueOf(header, "'shape'")))
        shape.push_back(size >= 1 && size < 0x1p55 ? static_cast<std::int64_t>(size)
                                                   : 0); // 0 is refused below
    if (descr.size() < 4 || order.empty() || shape.empty())
        return damaged(path);
    const std::string name(descr.substr(2, descr.size() - 3)); // without quotes and byte order
    const auto type = elementType(name);
    if (!type)
        return readError(ErrorCode::FormatUnsupported, path,
                         "its numbers are of NumPy's type " + std::string(descr) +
                             "; save them as integers, float32 or float64.");
    ArrayLayout l;
    l.format = "NumPy";
    l.type = *type;
    l.bigEndian = descr[1] == '>';
    l.dataFile = path;
    const bool fortran = order.starts_with("True");
    l.sizes = shape;
    if (!fortran)
        std::reverse(l.sizes.begin(), l.sizes.end());
    if (!setAxes(l, shape, fortran))
        return readError(ErrorCode::FormatUnsupported, path,
                         "an array of " + std::to_string(shape.size()) + " axes is no slice and no volume.");
    if (auto sizes = checkSizes(l, path); !sizes)
        return sizes.error();
    return l;
}

// Where an array's numbers begin, and how they lie.
struct Npy {
    ArrayLayout layout;
    std::size_t data = 0;
};

Result<Npy> parseNpy(View bytes, const fs::path& path) {
    if (!isNumpy(bytes) || bytes.size() < 12)
        return damaged(path);
    const bool old = bytes[6] == 1;
    const std::size_t start = old ? 10 : 12, length = static_cast<std::size_t>(little(bytes, 8, old ? 2 : 4));
    if (length > bytes.size() - start)
        return damaged(path);
    auto layout = parseHeader({reinterpret_cast<const char*>(bytes.data()) + start, length}, path);
    if (!layout)
        return layout.error();
    return Npy{*std::move(layout), start + length};
}

// One file of an archive.
struct Member {
    int method = 0; ///< 0 stored, 8 deflated
    std::uint64_t packed = 0, size = 0, header = 0;
};
using Members = std::map<std::string, Member>;

// The archive's directory, which stands at its end. Empty if there is none.
Members membersOf(View zip) {
    constexpr std::size_t endSize = 22;
    Members members;
    std::size_t end = zip.size() < endSize ? 0 : zip.size() - endSize;
    const std::size_t lowest = end > 65536 ? end - 65536 : 0;
    while (end > lowest && little(zip, end, 4) != 0x06054b50)
        --end;
    if (zip.size() < endSize || little(zip, end, 4) != 0x06054b50)
        return {};
    std::uint64_t at = little(zip, end + 16, 4);
    for (std::uint64_t left = little(zip, end + 10, 2); left > 0; --left) {
        if (at + 46 > zip.size() || little(zip, at, 4) != 0x02014b50)
            return {};
        const std::uint64_t name = little(zip, at + 28, 2),
                            rest = little(zip, at + 30, 2) + little(zip, at + 32, 2);
        if (at + 46 + name + rest > zip.size())
            return {};
        members[std::string(reinterpret_cast<const char*>(zip.data()) + at + 46, name)] = {
            static_cast<int>(little(zip, at + 10, 2)), little(zip, at + 20, 4), little(zip, at + 24, 4),
            little(zip, at + 42, 4)};
        at += 46 + name + rest;
    }
    return members;
}

Result<Bytes> unpack(View zip, const Member& m, const fs::path& path) {
    if (m.header + 30 > zip.size() || little(zip, m.header, 4) != 0x04034b50)
        return damaged(path);
    const std::uint64_t start = m.header + 30 + little(zip, m.header + 26, 2) + little(zip, m.header + 28, 2);
    if (start > zip.size() || m.packed > zip.size() - start || m.size / deflateBest > m.packed)
        return damaged(path);
    if (auto room = checkMemory(path, m.size); !room)
        return room.error();
    const View packed = zip.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(m.packed));
    if (m.method == 0)
        return Bytes(packed.begin(), packed.end());
    auto bytes = m.method == 8 ? inflateUpTo(packed, m.size, Deflate::Bare) : std::nullopt;
    if (!bytes || bytes->size() != m.size)
        return damaged(path);
    return *std::move(bytes);
}

const Member* firstOf(const Members& members, std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const auto found = members.find(std::string(name) + ".npy"); found != members.end())
            return &found->second;
    return nullptr;
}

// The voxel's size from the archive's `spacing`; 1 mm where it has none or it makes no sense.
std::array<double, 3> spacingOf(View zip, const Members& members, const fs::path& path) {
    std::array<double, 3> mm{1, 1, 1};
    const Member* member = firstOf(members, {"spacing"});
    const auto bytes = member ? unpack(zip, *member, path) : Result<Bytes>(damaged(path));
    constexpr std::size_t need = 3 * sizeof(double);
    if (!bytes || !isNumpy(*bytes) || bytes->size() < need + 10 ||
        std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()).find("'<f8'") ==
            std::string_view::npos)
        return mm;
    std::array<double, 3> read{};
    std::memcpy(read.data(), bytes->data() + bytes->size() - need, need);
    const bool sensible = std::all_of(read.begin(), read.end(), [](double v) { return v > 0 && v < 1e4; });
    return sensible ? read : mm;
}

struct Content {
    ArrayLayout layout;
    Bytes data;
};

Result<Content> contentOf(const fs::path& path, Bytes array, std::array<double, 3> spacing) {
    auto npy = parseNpy(array, path);
    if (!npy)
        return npy.error();
    array.erase(array.begin(), array.begin() + static_cast<std::ptrdiff_t>(npy->data));
    for (std::size_t axis = 0; axis < 3; ++axis)
        npy->layout.affine.linear[axis][axis] = spacing[axis];
    return Content{std::move(npy->layout), std::move(array)};
}

Result<Content> open(const fs::path& path, StillUse use) {
    Result<Bytes> file = readStored(path);
    if (!file)
        return file.error();
    if (!isZip(*file))
        return contentOf(path, *std::move(file), {1, 1, 1});
    const Members members = membersOf(*file);
    const Member* member = use == StillUse::Labels
                               ? firstOf(members, {"gts", "gt", "mask", "label", "labels"})
                               : firstOf(members, {"imgs", "img", "image", "images"});
    if (!member && members.size() == 1)
        member = &members.begin()->second;
    if (!member)
        return members.empty()
                   ? damaged(path)
                   : readError(ErrorCode::FormatUnsupported, path,
                               use == StillUse::Labels ? "the archive holds no array gts, gt, mask or label."
                                                       : "the archive holds no array imgs, img or image.");
    Result<Bytes> array = unpack(*file, *member, path);
    return array ? contentOf(path, *std::move(array), spacingOf(*file, members, path)) : array.error();
}

} // namespace

bool isNumpy(View head) {
    return head.size() >= npyMark.size() && std::memcmp(head.data(), npyMark.data(), npyMark.size()) == 0;
}

bool isZip(View head) {
    return head.size() >= 4 && little(head, 0, 4) == 0x04034b50;
}

Result<LoadedImage> readNumpy(const fs::path& path, std::int64_t frame, StillUse use) {
    auto content = open(path, use);
    return content ? readArray(content->layout, path, std::move(content->data), frame) : content.error();
}

Result<ImageEntry> listNumpy(const fs::path& path) {
    const auto content = open(path, StillUse::Picture);
    if (!content)
        return content.error();
    return ImageEntry{path, {}, describe(content->layout), frameCount(content->layout)};
}

} // namespace tandem::imaging
