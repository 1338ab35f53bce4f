#pragma once

#include "core/image/volume.h"
#include "core/imaging/file_bytes.h"
#include "core/usecases/image_reader.h"

#include <filesystem>
#include <string>

namespace tandem::imaging {

enum class StillFormat { None, Png, Jpeg, Tiff, Bmp };

/// By the first bytes.
StillFormat stillFormat(std::span<const std::uint8_t> head);

/// What a picture's numbers are taken for: colours and greys, or the numbers of labels (palette indices and
/// 1..4-bit greys are then kept as stored, and RGB of three equal channels counts as grey).
enum class StillUse { Picture, Labels };

/// A decoded picture, rows from the top, columns from the left, components interleaved.
struct StillPixels {
    std::int64_t width = 0, height = 0;
    int components = 1; ///< 1 (8, 16 or 32 bits, or float) or 3 (8 bits); alpha is left out
    Volume::Values values;
};

/// One decoder per format; `path` is for the sentences. Grey keeps its depth; palette and colour become 8-bit
/// RGB (of 16-bit colour the high byte). Error: FormatInvalid (truncated, damaged), FormatUnsupported,
/// OutOfMemory.
Result<StillPixels> decodePng(const Bytes&, const std::filesystem::path&, StillUse);
Result<StillPixels> decodeJpeg(const Bytes&, const std::filesystem::path&);
Result<StillPixels> decodeBmp(const Bytes&, const std::filesystem::path&, StillUse);
Result<StillPixels> decodeTiff(const std::filesystem::path&, std::int64_t page, StillUse);
/// Error: FormatInvalid.
Result<std::int64_t> countTiffPages(const std::filesystem::path&);

/// A picture as a volume of one slice (columns, rows, 1), 1 mm, along the LPS axes. Pages of a TIFF are its
/// frames.
Result<LoadedImage> readStill(const std::filesystem::path&, StillFormat, std::int64_t frame, StillUse);
Result<ImageEntry> listStill(const std::filesystem::path&, StillFormat);

} // namespace tandem::imaging
