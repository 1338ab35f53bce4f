#include "core/imaging/dicom_pixels.h"

#include <algorithm>

namespace tandem::imaging {
namespace {

/// Segments that may stand before the frame header: tables, comments, application data, JPEG-LS parameters.
bool hasLength(std::uint8_t marker) {
    return (marker >= 0xE0 && marker <= 0xEF) || marker == 0xFE || marker == 0xDB || marker == 0xC4 ||
           marker == 0xDD || marker == 0xCC || marker == 0xF8;
}

bool isFrameHeader(std::uint8_t marker) {
    const bool jpeg = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    return jpeg || marker == 0xF7; // F7: JPEG-LS
}

/// Length, precision, rows, columns, components: ITU-T T.81 B.2.2.
bool frameHeaderFits(std::span<const std::uint8_t> b, const PixelFormat& p) {
    const auto pair = [&](std::size_t at) { return std::int64_t{b[at]} << 8 | b[at + 1]; };
    return b.size() >= 8 && b[2] >= 2 && b[2] <= 16 && pair(3) == p.rows && pair(5) == p.columns &&
           b[7] == p.samples;
}

} // namespace

bool isSoundJpeg(std::span<const std::uint8_t> b, const PixelFormat& p) {
    if (b.size() < 4 || b[0] != 0xFF || b[1] != 0xD8)
        return false;
    for (std::size_t at = 2; at + 4 <= b.size();) {
        if (b[at] != 0xFF)
            return false;
        const std::uint8_t marker = b[at + 1];
        if (isFrameHeader(marker))
            return frameHeaderFits(b.subspan(at + 2), p);
        const std::size_t length = std::size_t{b[at + 2]} << 8 | b[at + 3];
        if (!hasLength(marker) || length < 2)
            return false;
        at += 2 + length;
    }
    return false;
}

} // namespace tandem::imaging
