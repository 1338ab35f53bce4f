#include "core/imaging/stills.h"
#include "core/imaging/voxel_values.h"

#include <tiffio.h>

#include <algorithm>
#include <cstring>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

struct CloseTiff {
    void operator()(TIFF* file) const { TIFFClose(file); }
};
using TiffFile = std::unique_ptr<TIFF, CloseTiff>;

int onMessage(TIFF*, void* problem, const char*, const char* format, va_list arguments) {
    std::array<char, 256> text{};
    std::vsnprintf(text.data(), text.size(), format, arguments);
    if (problem)
        *static_cast<std::string*>(problem) = text.data();
    return 1; // handled: nothing is printed
}

/// Opens without printing; libtiff's last complaint goes to `problem`.
TiffFile openTiff(const fs::path& path, std::string& problem) {
    const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                   &TIFFOpenOptionsFree);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), std::numeric_limits<tmsize_t>::max() / 4);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), onMessage, &problem);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), onMessage, nullptr);
    return TiffFile(TIFFOpenExt(path.c_str(), "r", options.get()));
}

/// What the directory of a page says.
struct Layout {
    std::uint32_t width = 0, height = 0;
    std::uint16_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT, photometric = PHOTOMETRIC_MINISBLACK;
    std::uint16_t planar = PLANARCONFIG_CONTIG;
};

Layout layoutOf(TIFF* file) {
    Layout l;
    TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &l.width);
    TIFFGetField(file, TIFFTAG_IMAGELENGTH, &l.height);
    TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &l.bits);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &l.samples);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &l.format);
    TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &l.planar);
    TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &l.photometric);
    return l;
}

/// Grey of one sample and palettes read for labels go through scanlines; everything else through libtiff's
/// RGBA.
bool isPlainGrey(const Layout& l, StillUse use) {
    const bool grey = l.photometric == PHOTOMETRIC_MINISBLACK || l.photometric == PHOTOMETRIC_MINISWHITE;
    const bool indices = l.photometric == PHOTOMETRIC_PALETTE && use == StillUse::Labels;
    const bool alpha = l.samples == 2 && l.planar == PLANARCONFIG_CONTIG;
    const bool depth = l.bits == 1 || l.bits == 2 || l.bits == 4 || l.bits == 8 || l.bits == 16 ||
                       l.bits == 32 || l.bits == 64;
    return (grey || indices) && (l.samples == 1 || alpha) && depth;
}

/// All rows of a page, as stored (in the machine's byte order), from strips or tiles.
Result<Bytes> readRows(TIFF* file, const Layout& l, const std::string& damaged, const fs::path& path) {
    const auto rowBytes = static_cast<std::size_t>(TIFFScanlineSize64(file));
    Bytes rows(rowBytes * l.height);
    const auto fail = [&] { return readError(ErrorCode::FormatInvalid, path, damaged); };
    if (!TIFFIsTiled(file)) {
        for (std::uint32_t y = 0; y < l.height; ++y)
            if (TIFFReadScanline(file, rows.data() + y * rowBytes, y) != 1)
                return fail();
        return rows;
    }
    std::uint32_t tileWidth = 0, tileHeight = 0;
    TIFFGetField(file, TIFFTAG_TILEWIDTH, &tileWidth);
    TIFFGetField(file, TIFFTAG_TILELENGTH, &tileHeight);
    const auto tileRow = static_cast<std::size_t>(TIFFTileRowSize64(file));
    if (tileWidth == 0 || tileHeight == 0 || tileRow == 0)
        return fail();
    Bytes tile(static_cast<std::size_t>(TIFFTileSize64(file)));
    for (std::uint32_t y = 0; y < l.height; y += tileHeight)
        for (std::uint32_t x = 0; x < l.width; x += tileWidth) {
            if (TIFFReadTile(file, tile.data(), x, y, 0, 0) < 0)
                return fail();
            const std::size_t start = rowBytes * x / l.width, count = std::min(tileRow, rowBytes - start);
            for (std::uint32_t r = 0; r < std::min(tileHeight, l.height - y); ++r)
                std::memcpy(rows.data() + (y + r) * rowBytes + start, tile.data() + r * tileRow, count);
        }
    return rows;
}

/// Samples of 1, 2 or 4 bits, most significant first, rows padded to bytes; stretched to 0..255 for pictures.
std::vector<std::uint8_t> unpackBits(const Bytes& rows, const Layout& l, StillUse use) {
    const std::size_t rowBytes = rows.size() / l.height;
    const unsigned top = (1U << l.bits) - 1, stretch = use == StillUse::Labels ? 1 : 255 / top;
    std::vector<std::uint8_t> out;
    out.reserve(static_cast<std::size_t>(l.width) * l.height);
    for (std::uint32_t y = 0; y < l.height; ++y)
        for (std::uint32_t x = 0; x < l.width; ++x) {
            const std::size_t bit = static_cast<std::size_t>(x) * l.bits;
            const unsigned byte = rows[y * rowBytes + bit / 8];
            out.push_back(static_cast<std::uint8_t>((byte >> (8 - l.bits - bit % 8) & top) * stretch));
        }
    return out;
}

template <class T>
std::vector<T> firstSamples(const Bytes& rows, const Layout& l) {
    std::vector<T> values(static_cast<std::size_t>(l.width) * l.height);
    for (std::size_t n = 0; n < values.size(); ++n)
        std::memcpy(&values[n], rows.data() + n * l.samples * sizeof(T), sizeof(T));
    return values;
}

template <class T>
Volume::Values greyValues(std::vector<T> values, const Layout& l, StillUse use) {
    if constexpr (std::is_unsigned_v<T>)
        if (l.photometric == PHOTOMETRIC_MINISWHITE && use == StillUse::Picture)
            for (T& v : values)
                v = static_cast<T>(std::numeric_limits<T>::max() - v);
    return plainValues(std::move(values));
}

Result<StillPixels> readGrey(TIFF* file, const Layout& l, StillUse use, const std::string& damaged,
                             const fs::path& path) {
    Result<Bytes> rows = readRows(file, l, damaged, path);
    if (!rows)
        return rows.error();
    StillPixels pixels{l.width, l.height, 1, {}};
    const auto keep = [&]<class T>(T) -> Result<StillPixels> {
        pixels.values = greyValues(firstSamples<T>(*rows, l), l, use);
        return pixels;
    };
    const bool isSigned = l.format == SAMPLEFORMAT_INT, isFloat = l.format == SAMPLEFORMAT_IEEEFP;
    if (l.bits < 8 && l.samples == 1) {
        pixels.values = greyValues(unpackBits(*rows, l, use), l, use);
        return pixels;
    }
    if (l.bits == 8)
        return isSigned ? keep(std::int8_t{}) : keep(std::uint8_t{});
    if (l.bits == 16 && !isFloat)
        return isSigned ? keep(std::int16_t{}) : keep(std::uint16_t{});
    if (l.bits == 32)
        return isFloat ? keep(float{}) : isSigned ? keep(std::int32_t{}) : keep(std::uint32_t{});
    if (l.bits == 64 && isFloat)
        return keep(double{});
    return readError(ErrorCode::FormatUnsupported, path,
                     "its grey values have " + std::to_string(l.bits) +
                         " bits in a form that Tandem does not read.");
}

/// Colour of 8 or 16 bits side by side: the bytes themselves (the high byte of 16 bits), without alpha.
Result<StillPixels> readRgb(TIFF* file, const Layout& l, const std::string& damaged, const fs::path& path) {
    Result<Bytes> rows = readRows(file, l, damaged, path);
    if (!rows)
        return rows.error();
    const std::size_t count = static_cast<std::size_t>(l.width) * l.height, step = l.bits / 8;
    std::vector<std::uint8_t> rgb(3 * count);
    for (std::size_t n = 0; n < count; ++n)
        for (std::size_t c = 0; c < 3; ++c)
            rgb[3 * n + c] =
                (*rows)[(n * l.samples + c) * step + step - 1]; // little endian: the high byte is last
    return StillPixels{l.width, l.height, 3, std::move(rgb)};
}

/// Palette, YCbCr, CMYK, planar colour: libtiff's own conversion.
Result<StillPixels> readByLibtiff(TIFF* file, const Layout& l, const std::string& damaged,
                                  const fs::path& path) {
    const std::size_t count = static_cast<std::size_t>(l.width) * l.height;
    std::vector<std::uint32_t> raster(count);
    if (TIFFReadRGBAImageOriented(file, l.width, l.height, raster.data(), ORIENTATION_TOPLEFT, 1) != 1)
        return readError(ErrorCode::FormatInvalid, path, damaged);
    std::vector<std::uint8_t> rgb(3 * count);
    for (std::size_t n = 0; n < count; ++n) {
        rgb[3 * n] = static_cast<std::uint8_t>(TIFFGetR(raster[n]));
        rgb[3 * n + 1] = static_cast<std::uint8_t>(TIFFGetG(raster[n]));
        rgb[3 * n + 2] = static_cast<std::uint8_t>(TIFFGetB(raster[n]));
    }
    return StillPixels{l.width, l.height, 3, std::move(rgb)};
}

/// Refuses sizes that the file cannot fill (the best ratio of TIFF's compressions is below 2^16) or memory
/// cannot hold.
Result<void> checkRoom(TIFF* file, const Layout& l, const fs::path& path) {
    std::error_code ignored;
    const std::uint64_t fileBytes = fs::file_size(path, ignored);
    const std::uint64_t pixels = static_cast<std::uint64_t>(l.width) * l.height;
    const std::uint64_t row = TIFFScanlineSize64(file);
    const std::uint64_t tile = TIFFIsTiled(file) ? TIFFTileSize64(file) : TIFFStripSize64(file);
    if (pixels == 0 || row == 0 || pixels >> 20 > fileBytes || row > (std::uint64_t{1} << 32) ||
        tile >> 20 > fileBytes)
        return readError(ErrorCode::FormatInvalid, path,
                         "its header promises more pixels than the file can hold.");
    if (row * 8 < static_cast<std::uint64_t>(l.width) * l.bits)
        return readError(ErrorCode::FormatInvalid, path, "its header contradicts itself.");
    return checkMemory(path, std::max({pixels * 8, row * l.height, tile}));
}

} // namespace

Result<std::int64_t> countTiffPages(const fs::path& path) {
    std::string problem;
    const TiffFile file = openTiff(path, problem);
    if (!file)
        return readError(ErrorCode::FormatInvalid, path,
                         "the TIFF is truncated or damaged (" + problem + ").");
    return static_cast<std::int64_t>(std::max<std::uint32_t>(1, TIFFNumberOfDirectories(file.get())));
}

Result<StillPixels> decodeTiff(const fs::path& path, std::int64_t page, StillUse use) {
    std::string problem;
    const TiffFile file = openTiff(path, problem);
    const std::string damaged = "the TIFF is truncated, damaged or of a rare kind.";
    if (!file || TIFFSetDirectory(file.get(), static_cast<tdir_t>(page)) != 1)
        return readError(ErrorCode::FormatInvalid, path, damaged);
    const Layout l = layoutOf(file.get());
    if (Result<void> room = checkRoom(file.get(), l, path); !room)
        return room.error();
    if (isPlainGrey(l, use))
        return readGrey(file.get(), l, use, damaged, path);
    const bool plainRgb = l.photometric == PHOTOMETRIC_RGB && l.planar == PLANARCONFIG_CONTIG &&
                          l.samples >= 3 && (l.bits == 8 || l.bits == 16);
    return plainRgb ? readRgb(file.get(), l, damaged, path) : readByLibtiff(file.get(), l, damaged, path);
}

} // namespace tandem::imaging
