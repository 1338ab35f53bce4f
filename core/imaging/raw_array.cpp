#include "core/imaging/raw_array.h"

#include "core/imaging/voxel_values.h"

#include <bzlib.h>
#include <zlib.h>

#include <charconv>
#include <cstring>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

std::uint64_t totalCount(const ArrayLayout& l) {
    std::uint64_t product = 1;
    for (const std::int64_t n : l.sizes)
        product *= static_cast<std::uint64_t>(n);
    return product;
}

std::int64_t sizeAlong(const ArrayLayout& l, int axis) {
    return axis < 0 ? 1 : l.sizes[static_cast<std::size_t>(axis)];
}

Size3 spaceSize(const ArrayLayout& l) {
    return {sizeAlong(l, l.spaceAxes[0]), sizeAlong(l, l.spaceAxes[1]), sizeAlong(l, l.spaceAxes[2])};
}

bool isSpaceOrComponent(const ArrayLayout& l, int axis) {
    return axis == l.componentAxis || axis == l.spaceAxes[0] || axis == l.spaceAxes[1] ||
           axis == l.spaceAxes[2];
}

/// Steps of the array's axes in elements.
std::vector<std::int64_t> strides(const ArrayLayout& l) {
    std::vector<std::int64_t> steps(l.sizes.size(), 1);
    for (std::size_t a = 1; a < steps.size(); ++a)
        steps[a] = steps[a - 1] * l.sizes[a - 1];
    return steps;
}

std::int64_t frameOffset(const ArrayLayout& l, std::int64_t frame) {
    const std::vector<std::int64_t> steps = strides(l);
    std::int64_t offset = 0;
    for (std::size_t a = 0; a < l.sizes.size(); ++a) {
        if (isSpaceOrComponent(l, static_cast<int>(a)))
            continue;
        offset += frame % l.sizes[a] * steps[a];
        frame /= l.sizes[a];
    }
    return offset;
}

/// The bytes after the header and the skipped lines, still packed.
Result<Bytes> packedBytes(const ArrayLayout& l, const fs::path& path) {
    if (Result<void> regular = checkRegularFile(l.dataFile); !regular)
        return l.dataFile == path ? regular.error()
                                  : readError(ErrorCode::FileNotFound, path,
                                              "its voxels are in " + l.dataFile.filename().string() +
                                                  ", which is not beside it.");
    Result<Bytes> all = readStored(l.dataFile);
    if (!all)
        return all;
    auto start =
        all->begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(l.dataOffset, all->size()));
    for (std::int64_t line = 0; line < l.lineSkip && start != all->end(); ++line) {
        start = std::find(start, all->end(), std::uint8_t{'\n'});
        if (start != all->end())
            ++start;
    }
    all->erase(all->begin(), start);
    return all;
}

/// Exactly the array's bytes: unpacked, and without what is to be skipped.
std::optional<Bytes> arrayBytes(const ArrayLayout& l, Bytes packed, std::uint64_t need) {
    const bool fromEnd = l.byteSkip < 0;
    const std::uint64_t skip = fromEnd ? 0 : static_cast<std::uint64_t>(l.byteSkip);
    if (l.encoding != Encoding::Raw) {
        const std::uint64_t most = fromEnd ? need + (std::uint64_t{1} << 20) : skip + need;
        auto unpacked = l.encoding == Encoding::Gzip ? inflateUpTo(packed, most) : bunzipUpTo(packed, most);
        if (!unpacked)
            return std::nullopt;
        packed = *std::move(unpacked);
    }
    if (packed.size() < need || packed.size() - need < skip)
        return std::nullopt;
    const std::uint64_t start = fromEnd ? packed.size() - need : skip;
    packed.erase(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(start));
    packed.resize(static_cast<std::size_t>(need));
    return packed;
}

template <class T>
std::optional<std::vector<T>> textValues(const Bytes& text, std::uint64_t count) {
    std::vector<T> values;
    const char* at = reinterpret_cast<const char*>(text.data());
    const char* end = at + text.size();
    while (values.size() < count) {
        while (at != end && (std::isspace(static_cast<unsigned char>(*at)) || *at == ','))
            ++at;
        double value = 0; // every integer type of a text file is small; from_chars of double keeps 2^53
        const auto [next, problem] = std::from_chars(at, end, value);
        if (problem != std::errc() || !(value >= static_cast<double>(std::numeric_limits<T>::lowest())) ||
            !(value <= static_cast<double>(std::numeric_limits<T>::max())))
            return std::nullopt;
        values.push_back(static_cast<T>(value));
        at = next;
    }
    return values;
}

/// Picks one frame out of the whole array; components end up interleaved.
template <class T>
std::vector<T> gatherFrame(const std::vector<T>& all, const ArrayLayout& l, std::int64_t frame,
                           int components) {
    const std::vector<std::int64_t> steps = strides(l);
    const auto stepOf = [&](int axis) { return axis < 0 ? 0 : steps[static_cast<std::size_t>(axis)]; };
    const std::array<std::int64_t, 3> step{stepOf(l.spaceAxes[0]), stepOf(l.spaceAxes[1]),
                                           stepOf(l.spaceAxes[2])};
    const Size3 size = spaceSize(l);
    const std::int64_t start = frameOffset(l, frame);
    std::vector<T> out;
    out.reserve(static_cast<std::size_t>(size[0] * size[1] * size[2] * components));
    for (std::int64_t k = 0; k < size[2]; ++k)
        for (std::int64_t j = 0; j < size[1]; ++j)
            for (std::int64_t i = 0; i < size[0]; ++i)
                for (std::int64_t c = 0; c < components; ++c)
                    out.push_back(all[static_cast<std::size_t>(start + i * step[0] + j * step[1] +
                                                               k * step[2] + c * stepOf(l.componentAxis))]);
    return out;
}

/// Decodes the array as T and hands on one frame; empty if the data are truncated or damaged.
template <class T>
std::optional<Volume::Values> decode(const ArrayLayout& l, Bytes packed, std::int64_t frame, int components) {
    const std::uint64_t count = totalCount(l);
    std::vector<T> all;
    if (l.encoding == Encoding::Text) {
        std::optional<std::vector<T>> values = textValues<T>(packed, count);
        if (!values)
            return std::nullopt;
        all = *std::move(values);
    } else {
        const std::optional<Bytes> bytes = arrayBytes(l, std::move(packed), count * sizeof(T));
        if (!bytes)
            return std::nullopt;
        all.resize(static_cast<std::size_t>(count));
        std::memcpy(all.data(), bytes->data(), bytes->size());
        if (l.bigEndian)
            swapBytes(all);
    }
    const bool whole = frameCount(l) == 1 && l.componentAxis <= 0;
    if (whole && components == std::max<std::int64_t>(1, sizeAlong(l, l.componentAxis)))
        return plainValues(std::move(all));
    return plainValues(gatherFrame(all, l, frame, components));
}

std::optional<Volume::Values> decodeAny(const ArrayLayout& l, Bytes packed, std::int64_t frame,
                                        int components) {
    const auto as = [&]<class T>(T) { return decode<T>(l, std::move(packed), frame, components); };
    switch (l.type) {
    case ElementType::Int8:
        return as(std::int8_t{});
    case ElementType::UInt8:
        return as(std::uint8_t{});
    case ElementType::Int16:
        return as(std::int16_t{});
    case ElementType::UInt16:
        return as(std::uint16_t{});
    case ElementType::Int32:
        return as(std::int32_t{});
    case ElementType::UInt32:
        return as(std::uint32_t{});
    case ElementType::Int64:
        return as(std::int64_t{});
    case ElementType::UInt64:
        return as(std::uint64_t{});
    case ElementType::Float32:
        return as(float{});
    default:
        return as(double{});
    }
}

/// A size that the packed bytes cannot fill is refused before memory is asked for.
Result<void> checkRoom(const ArrayLayout& l, const fs::path& path, std::uint64_t packedBytes) {
    constexpr std::array<std::uint64_t, 4> bestRatio{1, 1032, 65536,
                                                     8}; // Raw, Gzip, Bzip2, Text ("0 " for 8 bytes)
    const std::uint64_t need = totalCount(l) * elementBytes(l.type);
    if (need / bestRatio.at(static_cast<std::size_t>(l.encoding)) > packedBytes)
        return readError(
            ErrorCode::FormatInvalid, path,
            "its header promises more voxels than the file can hold. It is truncated or damaged.");
    return checkMemory(path, 3 * need);
}

} // namespace

std::size_t elementBytes(ElementType type) {
    switch (type) {
    case ElementType::Int8:
    case ElementType::UInt8:
        return 1;
    case ElementType::Int16:
    case ElementType::UInt16:
        return 2;
    case ElementType::Int32:
    case ElementType::UInt32:
    case ElementType::Float32:
        return 4;
    default:
        return 8;
    }
}

std::int64_t frameCount(const ArrayLayout& l) {
    std::int64_t product = 1;
    for (std::size_t a = 0; a < l.sizes.size(); ++a)
        if (!isSpaceOrComponent(l, static_cast<int>(a)))
            product *= l.sizes[a];
    return product;
}

std::string describe(const ArrayLayout& l) {
    const Size3 size = spaceSize(l);
    std::string text = l.format + " " + std::to_string(size[0]) + " x " + std::to_string(size[1]) + " x " +
                       std::to_string(size[2]);
    if (frameCount(l) > 1)
        text += ", " + std::to_string(frameCount(l)) + " frames";
    return text;
}

Result<void> checkSizes(const ArrayLayout& l, const fs::path& path) {
    std::int64_t product = 1;
    for (const std::int64_t n : l.sizes) {
        if (n < 1 || n > (std::int64_t{1} << 55) / product)
            return readError(ErrorCode::FormatInvalid, path, "the sizes in its header make no sense.");
        product *= n;
    }
    return {};
}

Result<LoadedImage> readArray(const ArrayLayout& l, const fs::path& path, std::int64_t frame) {
    Result<Bytes> packed = packedBytes(l, path);
    return packed ? readArray(l, path, *std::move(packed), frame) : packed.error();
}

Result<LoadedImage> readArray(const ArrayLayout& l, const fs::path& path, Bytes packed, std::int64_t frame) {
    if (frame < 0 || frame >= frameCount(l))
        return readError(ErrorCode::InvalidArgument, path,
                         "there is no frame " + std::to_string(frame) + "; it has " +
                             std::to_string(frameCount(l)) + ", counted from 0.");
    if (Result<void> room = checkRoom(l, path, packed.size()); !room)
        return room.error();
    const int components = l.componentAxis >= 0 ? 3 : 1;
    std::optional<Volume::Values> values = decodeAny(l, std::move(packed), frame, components);
    if (!values)
        return readError(ErrorCode::FormatInvalid, path, "its voxels are truncated or damaged.");
    Result<Geometry> geometry = Geometry::make(spaceSize(l), l.affine);
    if (!geometry)
        return readError(ErrorCode::FormatInvalid, path, geometry.error().sentence);
    const Intensity intensity = components == 1 ? guessIntensity(*values) : Intensity::Colour;
    Result<Volume> volume = Volume::make(*geometry, *std::move(values), components, intensity);
    if (!volume)
        return readError(ErrorCode::FormatInvalid, path, volume.error().sentence);
    LoadedImage image{std::make_shared<const Volume>(*std::move(volume)), describe(l), {}, l.warnings};
    if (geometry->isSheared())
        image.warnings.emplace_back("The image's axes are not perpendicular; they are kept as they are.");
    return image;
}

std::optional<Bytes> inflateUpTo(std::span<const std::uint8_t> packed, std::uint64_t most, Deflate kind) {
    z_stream stream{};
    if (inflateInit2(&stream, kind == Deflate::Bare ? -15 : 15 + 32) !=
        Z_OK) // +32: zlib or gzip, by its first bytes
        return std::nullopt;
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> close(&stream, &inflateEnd);
    Bytes out;
    int state = Z_OK;
    while (state == Z_OK && out.size() < most) {
        const std::size_t had = out.size();
        out.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(growthAfter(had), most - had)));
        if (stream.avail_in == 0) {
            const std::size_t step = std::min<std::size_t>(packed.size(), 1 << 30);
            stream.next_in = const_cast<Bytef*>(packed.data());
            stream.avail_in = static_cast<uInt>(step);
            packed = packed.subspan(step);
        }
        stream.next_out = out.data() + had;
        stream.avail_out = static_cast<uInt>(out.size() - had);
        state = inflate(&stream, Z_NO_FLUSH);
        out.resize(out.size() - stream.avail_out);
        if (state == Z_BUF_ERROR && !packed.empty())
            state = Z_OK;
    }
    if (state == Z_OK && out.size() == most) { // one more byte checks the sum at the end, if this is the end
        std::uint8_t one = 0;
        stream.next_out = &one;
        stream.avail_out = 1;
        state = inflate(&stream, Z_NO_FLUSH);
    }
    const bool good = state == Z_OK || state == Z_STREAM_END;
    return good ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<Bytes> bunzipUpTo(std::span<const std::uint8_t> packed, std::uint64_t most) {
    bz_stream stream{};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
        return std::nullopt;
    const std::unique_ptr<bz_stream, decltype(&BZ2_bzDecompressEnd)> close(&stream, &BZ2_bzDecompressEnd);
    Bytes out;
    int state = BZ_OK;
    while (state == BZ_OK && out.size() < most) {
        const std::size_t had = out.size();
        out.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(growthAfter(had), most - had)));
        if (stream.avail_in == 0) {
            const std::size_t step = std::min<std::size_t>(packed.size(), 1 << 30);
            if (step == 0)
                return std::nullopt;
            stream.next_in = reinterpret_cast<char*>(const_cast<std::uint8_t*>(packed.data()));
            stream.avail_in = static_cast<unsigned>(step);
            packed = packed.subspan(step);
        }
        stream.next_out = reinterpret_cast<char*>(out.data() + had);
        stream.avail_out = static_cast<unsigned>(out.size() - had);
        state = BZ2_bzDecompress(&stream);
        out.resize(out.size() - stream.avail_out);
    }
    return state == BZ_OK || state == BZ_STREAM_END ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<double> numbersIn(std::string_view text) {
    std::vector<double> numbers;
    const char* at = text.data();
    const char* end = at + text.size();
    while (true) {
        while (at != end &&
               (std::isspace(static_cast<unsigned char>(*at)) || *at == ',' || *at == '(' || *at == ')'))
            ++at;
        if (at == end)
            return numbers;
        if (*at == '+')
            ++at;
        double value = 0;
        const auto [next, problem] = std::from_chars(at, end, value);
        if (problem != std::errc())
            return {};
        numbers.push_back(value);
        at = next;
    }
}

std::string trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
        text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
        text.remove_suffix(1);
    return std::string(text);
}

std::string lowered(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    return out;
}

} // namespace tandem::imaging
