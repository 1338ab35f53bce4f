#include "core/imaging/nifti_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace tandem::imaging {
namespace {

static_assert(std::endian::native == std::endian::little, "the NIfTI writer assumes a little-endian machine");

/// Reads fields at byte offsets, swapping if the file's order is the other one.
class Fields {
public:
    Fields(std::span<const std::uint8_t> bytes, bool swapped) : bytes_(bytes), swapped_(swapped) {}
    template <class T>
    T at(std::size_t offset) const {
        std::array<std::uint8_t, sizeof(T)> raw{};
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), sizeof(T), raw.begin());
        if (swapped_)
            std::reverse(raw.begin(), raw.end());
        return std::bit_cast<T>(raw);
    }
    std::string text(std::size_t offset, std::size_t length) const {
        const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + offset;
        return {begin, std::find(begin, begin + length, '\0')};
    }

private:
    std::span<const std::uint8_t> bytes_;
    bool swapped_;
};

/// Where the fields lie: nifti1.h and nifti2.h.
NiftiHeader readVersion1(const Fields& f) {
    NiftiHeader h;
    h.version = 1;
    h.singleFile = f.text(344, 4) == "n+1";
    for (std::size_t n = 0; n < 8; ++n) {
        h.dim[n] = f.at<std::int16_t>(40 + 2 * n);
        h.pixdim[n] = f.at<float>(76 + 4 * n);
    }
    h.intent = f.at<std::int16_t>(68);
    h.type = static_cast<NiftiType>(f.at<std::int16_t>(70));
    const float offset = f.at<float>(108);
    h.voxelOffset = offset >= 0 && offset < 1e15F ? static_cast<std::int64_t>(offset) : -1;
    h.slope = f.at<float>(112);
    h.intercept = f.at<float>(116);
    h.units = f.at<std::uint8_t>(123);
    h.description = f.text(148, 80);
    h.qformCode = f.at<std::int16_t>(252);
    h.sformCode = f.at<std::int16_t>(254);
    for (std::size_t n = 0; n < 3; ++n) {
        h.quaternion[n] = f.at<float>(256 + 4 * n);
        h.qoffset[n] = f.at<float>(268 + 4 * n);
        for (std::size_t c = 0; c < 4; ++c)
            h.sform[n][c] = f.at<float>(280 + 16 * n + 4 * c);
    }
    return h;
}

NiftiHeader readVersion2(const Fields& f) {
    NiftiHeader h;
    h.version = 2;
    h.singleFile = f.text(4, 3) == "n+2";
    h.type = static_cast<NiftiType>(f.at<std::int16_t>(12));
    for (std::size_t n = 0; n < 8; ++n) {
        h.dim[n] = f.at<std::int64_t>(16 + 8 * n);
        h.pixdim[n] = f.at<double>(104 + 8 * n);
    }
    h.voxelOffset = f.at<std::int64_t>(168);
    h.slope = f.at<double>(176);
    h.intercept = f.at<double>(184);
    h.description = f.text(240, 80);
    h.qformCode = f.at<std::int32_t>(344);
    h.sformCode = f.at<std::int32_t>(348);
    for (std::size_t n = 0; n < 3; ++n) {
        h.quaternion[n] = f.at<double>(352 + 8 * n);
        h.qoffset[n] = f.at<double>(376 + 8 * n);
        for (std::size_t c = 0; c < 4; ++c)
            h.sform[n][c] = f.at<double>(400 + 32 * n + 8 * c);
    }
    h.units = f.at<std::int32_t>(500);
    h.intent = f.at<std::int32_t>(504);
    return h;
}

Result<void> checkDimensions(const NiftiHeader& h, const std::filesystem::path& path) {
    if (h.dim[0] < 1 || h.dim[0] > 7)
        return readError(ErrorCode::FormatInvalid, path,
                         "its header says " + std::to_string(h.dim[0]) + " axes. The file is damaged.");
    std::int64_t product = 1;
    for (std::int64_t n = 1; n <= h.dim[0]; ++n) {
        const std::int64_t length = h.dim[static_cast<std::size_t>(n)];
        if (length < 1)
            return readError(ErrorCode::FormatInvalid, path,
                             "axis " + std::to_string(n) + " has " + std::to_string(length) +
                                 " voxels. The header is damaged.");
        if (length > (std::numeric_limits<std::int64_t>::max() >> 8) / product)
            return readError(ErrorCode::FormatInvalid, path,
                             "its header asks for more voxels than any memory has. The header is damaged.");
        product *= length;
    }
    return {};
}

Result<void> checkKind(const NiftiHeader& h, const std::filesystem::path& path) {
    if (h.intent >= 3000 && h.intent <= 3099)
        return readError(
            ErrorCode::FormatUnsupported, path,
            "it is a CIFTI file (grayordinates: surface vertices and voxel lists), not an image of voxels.");
    if (voxelBytes(h.type) == 0)
        return readError(
            ErrorCode::FormatUnsupported, path,
            "its voxels are of type " + typeName(h.type) +
                ", which Tandem does not read. Convert it to float32 (for complex: its magnitude).");
    const std::int64_t least = h.singleFile ? h.headerBytes() : 0;
    if (h.voxelOffset < least)
        return readError(ErrorCode::FormatInvalid, path,
                         "its header says that the voxels begin inside the header. The header is damaged.");
    return {};
}

template <class T>
void put(Bytes& bytes, std::size_t offset, T value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

void putText(Bytes& bytes, std::size_t offset, const std::string& text, std::size_t most) {
    std::copy_n(text.begin(), std::min(text.size(), most),
                bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

Bytes encodeVersion1(const NiftiHeader& h) {
    Bytes b(352);
    put<std::int32_t>(b, 0, 348);
    put<char>(b, 38, 'r');
    for (std::size_t n = 0; n < 8; ++n) {
        put(b, 40 + 2 * n, static_cast<std::int16_t>(h.dim[n]));
        put(b, 76 + 4 * n, static_cast<float>(h.pixdim[n]));
    }
    put(b, 68, static_cast<std::int16_t>(h.intent));
    put(b, 70, static_cast<std::int16_t>(h.type));
    put(b, 72, static_cast<std::int16_t>(8 * voxelBytes(h.type)));
    put(b, 108, 352.0F);
    put(b, 112, static_cast<float>(h.slope));
    put(b, 116, static_cast<float>(h.intercept));
    put(b, 123, static_cast<std::uint8_t>(h.units));
    putText(b, 148, h.description, 79);
    put(b, 252, static_cast<std::int16_t>(h.qformCode));
    put(b, 254, static_cast<std::int16_t>(h.sformCode));
    for (std::size_t n = 0; n < 3; ++n) {
        put(b, 256 + 4 * n, static_cast<float>(h.quaternion[n]));
        put(b, 268 + 4 * n, static_cast<float>(h.qoffset[n]));
        for (std::size_t c = 0; c < 4; ++c)
            put(b, 280 + 16 * n + 4 * c, static_cast<float>(h.sform[n][c]));
    }
    putText(b, 344, "n+1", 3);
    return b;
}

Bytes encodeVersion2(const NiftiHeader& h) {
    Bytes b(544);
    put<std::int32_t>(b, 0, 540);
    putText(b, 4, std::string("n+2\0\r\n\x1a\n", 8), 8);
    put(b, 12, static_cast<std::int16_t>(h.type));
    put(b, 14, static_cast<std::int16_t>(8 * voxelBytes(h.type)));
    for (std::size_t n = 0; n < 8; ++n) {
        put(b, 16 + 8 * n, h.dim[n]);
        put(b, 104 + 8 * n, h.pixdim[n]);
    }
    put<std::int64_t>(b, 168, 544);
    put(b, 176, h.slope);
    put(b, 184, h.intercept);
    putText(b, 240, h.description, 79);
    put<std::int32_t>(b, 344, h.qformCode);
    put<std::int32_t>(b, 348, h.sformCode);
    for (std::size_t n = 0; n < 3; ++n) {
        put(b, 352 + 8 * n, h.quaternion[n]);
        put(b, 376 + 8 * n, h.qoffset[n]);
        for (std::size_t c = 0; c < 4; ++c)
            put(b, 400 + 32 * n + 8 * c, h.sform[n][c]);
    }
    put<std::int32_t>(b, 500, h.units);
    put<std::int32_t>(b, 504, h.intent);
    return b;
}

} // namespace

std::array<std::int64_t, 3> NiftiHeader::size() const {
    std::array<std::int64_t, 3> s{1, 1, 1};
    for (std::size_t a = 0; a < 3 && static_cast<std::int64_t>(a) < dim[0]; ++a)
        s[a] = dim[a + 1];
    return s;
}

std::int64_t NiftiHeader::frames() const {
    std::int64_t product = 1;
    for (std::int64_t n = 4; n <= dim[0]; ++n)
        product *= dim[static_cast<std::size_t>(n)];
    return product;
}

std::int64_t voxelBytes(NiftiType type) {
    switch (type) {
    case NiftiType::UInt8:
    case NiftiType::Int8:
        return 1;
    case NiftiType::Int16:
    case NiftiType::UInt16:
        return 2;
    case NiftiType::Rgb24:
        return 3;
    case NiftiType::Int32:
    case NiftiType::UInt32:
    case NiftiType::Float32:
    case NiftiType::Rgba32:
        return 4;
    case NiftiType::Int64:
    case NiftiType::UInt64:
    case NiftiType::Float64:
        return 8;
    default:
        return 0;
    }
}

std::string typeName(NiftiType type) {
    switch (type) {
    case NiftiType::Binary:
        return "1-bit binary";
    case NiftiType::Complex64:
        return "complex64";
    case NiftiType::Float128:
        return "float128";
    case NiftiType::Complex128:
        return "complex128";
    case NiftiType::Complex256:
        return "complex256";
    default:
        return "number " + std::to_string(static_cast<int>(type));
    }
}

int niftiVersion(std::span<const std::uint8_t> head) {
    if (head.size() < 348)
        return 0;
    const auto isSize = [&](std::int32_t wanted) {
        return Fields(head, false).at<std::int32_t>(0) == wanted ||
               Fields(head, true).at<std::int32_t>(0) == wanted;
    };
    const Fields f(head, false);
    const std::string magic1 = f.text(344, 4), magic2 = f.text(4, 3);
    if (isSize(540) && (magic2 == "n+2" || magic2 == "ni2"))
        return 2;
    if (isSize(348))
        return magic1 == "n+1" || magic1 == "ni1" ? 1 : -1;
    return 0;
}

Result<NiftiHeader> parseNiftiHeader(std::span<const std::uint8_t> head, const std::filesystem::path& path) {
    const int version = niftiVersion(head);
    if (version == -1)
        return readError(
            ErrorCode::FormatUnsupported, path,
            "it is an Analyze 7.5 file, a format that does not say which side is left. Convert it to NIfTI.");
    if (version == 0 || (version == 2 && head.size() < 540))
        return readError(ErrorCode::FormatInvalid, path, "its NIfTI header is incomplete.");
    const bool swapped = Fields(head, false).at<std::int32_t>(0) != (version == 1 ? 348 : 540);
    NiftiHeader h = version == 1 ? readVersion1({head, swapped}) : readVersion2({head, swapped});
    h.swapped = swapped;
    if (h.singleFile && h.voxelOffset == 0)
        h.voxelOffset = h.headerBytes() + 4;
    if (Result<void> sizes = checkDimensions(h, path); !sizes)
        return sizes.error();
    if (Result<void> kind = checkKind(h, path); !kind)
        return kind.error();
    return h;
}

Bytes encodeNiftiHeader(const NiftiHeader& h) {
    return h.version == 1 ? encodeVersion1(h) : encodeVersion2(h);
}

} // namespace tandem::imaging
