#include "core/imaging/stills.h"

#include <algorithm>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t largestStillFile = std::uint64_t{1} << 31;

std::string formatName(StillFormat format) {
    switch (format) {
    case StillFormat::Png:
        return "PNG";
    case StillFormat::Jpeg:
        return "JPEG";
    case StillFormat::Bmp:
        return "BMP";
    default:
        return "TIFF";
    }
}

Result<StillPixels> decode(const fs::path& path, StillFormat format, std::int64_t frame, StillUse use) {
    if (format == StillFormat::Tiff)
        return decodeTiff(path, frame, use);
    Result<Bytes> bytes = readAll(path, largestStillFile);
    if (!bytes)
        return bytes.error();
    if (format == StillFormat::Bmp)
        return decodeBmp(*bytes, path, use);
    return format == StillFormat::Png ? decodePng(*bytes, path, use) : decodeJpeg(*bytes, path);
}

/// Three equal channels as one, or an error: a colour is not the number of a label.
Result<StillPixels> asLabels(StillPixels pixels, const fs::path& path) {
    if (pixels.components == 1)
        return pixels;
    const auto& rgb = std::get<std::vector<std::uint8_t>>(pixels.values);
    std::vector<std::uint8_t> grey(rgb.size() / 3);
    for (std::size_t n = 0; n < grey.size(); ++n) {
        if (rgb[3 * n] != rgb[3 * n + 1] || rgb[3 * n] != rgb[3 * n + 2])
            return readError(
                ErrorCode::FormatInvalid, path,
                "it is a colour picture, and a colour is not the number of a label. Save the mask as a "
                "grey or palette picture.");
        grey[n] = rgb[3 * n];
    }
    return StillPixels{pixels.width, pixels.height, 1, std::move(grey)};
}

std::string describe(StillFormat format, const StillPixels& pixels) {
    return formatName(format) + " " + std::to_string(pixels.width) + " x " + std::to_string(pixels.height) +
           (pixels.components == 3 ? ", colour" : "");
}

Result<std::int64_t> countPages(const fs::path& path, StillFormat format) {
    return format == StillFormat::Tiff ? countTiffPages(path) : Result<std::int64_t>(1);
}

} // namespace

StillFormat stillFormat(std::span<const std::uint8_t> head) {
    const auto begins = [&](std::initializer_list<std::uint8_t> magic) {
        return head.size() >= magic.size() && std::equal(magic.begin(), magic.end(), head.begin());
    };
    if (begins({0x89, 'P', 'N', 'G'}))
        return StillFormat::Png;
    if (begins({0xFF, 0xD8, 0xFF}))
        return StillFormat::Jpeg;
    if (begins({'B', 'M'}) && head.size() >= 54 && head[15] == 0 && head[16] == 0 && head[17] == 0)
        return StillFormat::Bmp;
    const bool tiff = begins({'I', 'I', 42, 0}) || begins({'M', 'M', 0, 42}) || begins({'I', 'I', 43, 0}) ||
                      begins({'M', 'M', 0, 43});
    return tiff ? StillFormat::Tiff : StillFormat::None;
}

Result<LoadedImage> readStill(const fs::path& path, StillFormat format, std::int64_t frame, StillUse use) {
    Result<std::int64_t> pages = countPages(path, format);
    if (!pages)
        return pages.error();
    if (frame < 0 || frame >= *pages)
        return readError(ErrorCode::InvalidArgument, path,
                         "there is no page " + std::to_string(frame) + "; it has " + std::to_string(*pages) +
                             ", counted from 0.");
    Result<StillPixels> pixels = decode(path, format, frame, use);
    if (pixels && use == StillUse::Labels)
        pixels = asLabels(*std::move(pixels), path);
    if (!pixels)
        return pixels.error();
    LoadedImage image;
    image.description = describe(format, *pixels);
    const Geometry grid = Geometry::axisAligned({pixels->width, pixels->height, 1}, {1, 1, 1});
    Result<Volume> volume = Volume::make(grid, std::move(pixels->values), pixels->components);
    if (!volume)
        return readError(ErrorCode::FormatInvalid, path, volume.error().sentence);
    image.volume = std::make_shared<const Volume>(*std::move(volume));
    return image;
}

Result<ImageEntry> listStill(const fs::path& path, StillFormat format) {
    Result<std::int64_t> pages = countPages(path, format);
    if (!pages)
        return pages.error();
    const std::string pagesText = *pages > 1 ? ", " + std::to_string(*pages) + " pages" : "";
    return ImageEntry{path, {}, formatName(format) + " picture" + pagesText, *pages};
}

} // namespace tandem::imaging
