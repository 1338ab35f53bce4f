#include "core/imaging/dicom_mosaic.h"

#include "core/imaging/raw_array.h"

#include <cmath>
#include <cstring>

namespace tandem::imaging {
namespace {

constexpr std::size_t longestCsa = 1 << 22;
const DcmTagKey csaImageHeader(0x0029, 0x1010);

/// Reads a CSA header ("SV10": Siemens' own list of named values) front to back, never beyond its end.
class CsaReader {
public:
    explicit CsaReader(const std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}

    /// The values of one name, as numbers; empty if it is not there or the header is not whole.
    std::vector<double> numbers(std::string_view wanted) {
        at_ = 8; // "SV10" and four bytes
        const std::optional<std::uint32_t> tags = number();
        if (bytes_.size() < 16 || std::memcmp(bytes_.data(), "SV10", 4) != 0 || !tags || *tags > 1000)
            return {};
        at_ += 4;
        for (std::uint32_t tag = 0; tag < *tags; ++tag) {
            const std::string name = text(64);
            at_ += 4 + 4 + 4; // number of values in use, representation, kind
            const std::optional<std::uint32_t> items = number();
            at_ += 4;
            if (!items || *items > 1000)
                return {};
            std::vector<double> values;
            for (std::uint32_t item = 0; item < *items; ++item)
                if (!readItem(values))
                    return {};
            if (name == wanted)
                return values;
        }
        return {};
    }

private:
    std::optional<std::uint32_t> number() {
        if (at_ + 4 > bytes_.size())
            return std::nullopt;
        std::uint32_t value = 0;
        std::memcpy(&value, bytes_.data() + at_, 4); // little endian, as this machine (see nifti_header.cpp)
        at_ += 4;
        return value;
    }
    std::string text(std::size_t length) {
        if (at_ + length > bytes_.size())
            return {};
        const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
        at_ += length;
        return {begin, strnlen(begin, length)};
    }
    bool readItem(std::vector<double>& values) {
        at_ += 4;
        const std::optional<std::uint32_t> length = number();
        at_ += 8;
        if (!length || at_ + *length > bytes_.size())
            return false;
        const std::vector<double> found = numbersIn(trimmed(text(*length)));
        values.insert(values.end(), found.begin(), found.end());
        at_ += (4 - *length % 4) % 4;
        return true;
    }

    const std::vector<std::uint8_t>& bytes_;
    std::size_t at_ = 0;
};

bool isMosaic(DcmDataset& d) {
    return textOf(d, DCM_ImageType).find("MOSAIC") != std::string::npos;
}

Vector<Patient> cross(const Vector<Patient>& a, const Vector<Patient>& b) {
    return {{a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]}};
}

double dot(const Vector<Patient>& a, const Vector<Patient>& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/// The header gives the place of a picture as large as the mosaic around the tile's centre: half of the
/// difference is added to get the first pixel of the tile.
void placeTiles(DicomInstance& instance, std::int64_t count, std::int64_t side,
                const Vector<Patient>& csaNormal) {
    const DicomSlice whole = instance.slices[0];
    PixelFormat& p = instance.pixels;
    const double columns = static_cast<double>(p.columns - p.columns / side) / 2;
    const double rows = static_cast<double>(p.rows - p.rows / side) / 2;
    Vector<Patient> normal = cross(whole.alongRow, whole.alongColumn);
    if (dot(normal, csaNormal) < 0)
        normal = -1.0 * normal;
    const Point<Patient> first = whole.position + (columns * whole.columnStep) * whole.alongRow +
                                 (rows * whole.rowStep) * whole.alongColumn;
    p.columns /= side;
    p.rows /= side;
    instance.mosaicTiles = side;
    instance.slices.assign(static_cast<std::size_t>(count), whole);
    for (std::int64_t n = 0; n < count; ++n) {
        DicomSlice& s = instance.slices[static_cast<std::size_t>(n)];
        s.tile = n;
        s.position = first + (static_cast<double>(n) * instance.sliceStep) * normal;
    }
}

} // namespace

Result<void> splitMosaic(DcmDataset& d, const std::filesystem::path& path, DicomInstance& instance) {
    if (!isMosaic(d) || instance.frames != 1 || !instance.slices[0].placed)
        return {};
    const std::vector<std::uint8_t> bytes = bytesOf(d, csaImageHeader, longestCsa);
    CsaReader csa(bytes);
    const std::vector<double> count = csa.numbers("NumberOfImagesInMosaic"),
                              normal = csa.numbers("SliceNormalVector");
    const bool sensible = !count.empty() && count[0] >= 1 && count[0] <= 4096 && normal.size() == 3;
    const auto tiles = sensible ? static_cast<std::int64_t>(count[0]) : 0;
    const auto side = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(tiles))));
    if (!sensible || instance.pixels.columns % side != 0 || instance.pixels.rows % side != 0 ||
        !(instance.sliceStep > 0))
        return readError(
            ErrorCode::FormatUnsupported, path,
            "it is a Siemens mosaic (many slices as tiles of one picture) whose private header does not say "
            "how the tiles lie. Export it as single slices or as enhanced DICOM.");
    placeTiles(instance, tiles, side, {{normal[0], normal[1], normal[2]}});
    return {};
}

} // namespace tandem::imaging
