#include "core/imaging/stills.h"

#include <array>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

/// What the two headers of a Windows bitmap say (BITMAPFILEHEADER, BITMAPINFOHEADER).
struct Bitmap {
    std::uint64_t pixelOffset = 0, paletteOffset = 0, paletteSize = 0;
    std::int64_t width = 0, height = 0;
    bool topDown = false;
    std::uint32_t bits = 0, compression = 0;

    std::uint64_t rowBytes() const { return (static_cast<std::uint64_t>(width) * bits + 31) / 32 * 4; }
};

std::uint32_t number(const Bytes& b, std::size_t at, std::size_t bytes) {
    std::uint32_t value = 0;
    for (std::size_t n = bytes; n-- > 0;)
        value = value << 8 | b[at + n];
    return value;
}

Bitmap readHead(const Bytes& b) {
    Bitmap m;
    m.pixelOffset = number(b, 10, 4);
    const std::uint32_t head = number(b, 14, 4);
    m.paletteOffset = std::uint64_t{14} + head;
    m.width = static_cast<std::int32_t>(number(b, 18, 4));
    const auto height = static_cast<std::int32_t>(number(b, 22, 4));
    m.topDown = height < 0;
    m.height = m.topDown ? -static_cast<std::int64_t>(height) : height;
    m.bits = number(b, 28, 2);
    m.compression = number(b, 30, 4);
    const std::uint32_t used = number(b, 46, 4);
    if (m.bits <= 8)
        m.paletteSize = used == 0 || used > (1U << m.bits) ? 1U << m.bits : used;
    return m;
}

/// The number of one pixel of up to 8 bits, most significant first.
std::uint8_t indexAt(const std::uint8_t* row, std::int64_t x, std::uint32_t bits) {
    const auto bit = static_cast<std::uint64_t>(x) * bits;
    return static_cast<std::uint8_t>(row[bit / 8] >> (8 - bits - bit % 8) & ((1U << bits) - 1));
}

using Palette = std::vector<std::array<std::uint8_t, 3>>;

Palette readPalette(const Bytes& bytes, const Bitmap& m) {
    Palette palette(256);
    for (std::size_t n = 0; n < m.paletteSize; ++n)
        for (std::size_t c = 0; c < 3; ++c)
            palette[n][c] = bytes[m.paletteOffset + 4 * n + 2 - c];
    return palette;
}

bool isGreyRamp(const Palette& palette, const Bitmap& m) {
    for (std::size_t n = 0; n < m.paletteSize; ++n)
        if (palette[n][0] != n || palette[n][1] != n || palette[n][2] != n)
            return false;
    return m.bits == 8;
}

} // namespace

Result<StillPixels> decodeBmp(const Bytes& bytes, const fs::path& path, StillUse use) {
    const auto damaged = [&] {
        return readError(ErrorCode::FormatInvalid, path, "the BMP is truncated or damaged.");
    };
    if (bytes.size() < 54 || number(bytes, 14, 4) < 40)
        return damaged();
    const Bitmap m = readHead(bytes);
    const bool depth = m.bits == 1 || m.bits == 4 || m.bits == 8 || m.bits == 24 || m.bits == 32;
    if (m.compression != 0 || !depth)
        return readError(ErrorCode::FormatUnsupported, path,
                         "it is a compressed or rare kind of BMP. Save it as PNG.");
    constexpr std::int64_t most = 1 << 20;
    if (m.width < 1 || m.height < 1 || m.width > most || m.height > most ||
        m.paletteOffset + 4 * m.paletteSize > bytes.size() ||
        m.pixelOffset + m.rowBytes() * static_cast<std::uint64_t>(m.height) > bytes.size())
        return damaged();
    const Palette palette = readPalette(bytes, m);
    const bool oneNumber = m.bits <= 8 && (use == StillUse::Labels || isGreyRamp(palette, m));
    std::vector<std::uint8_t> out;
    out.reserve(static_cast<std::size_t>(m.width * m.height * (oneNumber ? 1 : 3)));
    for (std::int64_t y = 0; y < m.height; ++y) {
        const auto stored = static_cast<std::uint64_t>(m.topDown ? y : m.height - 1 - y);
        const std::uint8_t* row = bytes.data() + m.pixelOffset + stored * m.rowBytes();
        for (std::int64_t x = 0; x < m.width; ++x) {
            if (oneNumber)
                out.push_back(indexAt(row, x, m.bits));
            else if (m.bits <= 8)
                out.insert(out.end(), palette[indexAt(row, x, m.bits)].begin(),
                           palette[indexAt(row, x, m.bits)].end());
            else
                for (std::size_t c = 0; c < 3; ++c) // stored as blue, green, red
                    out.push_back(row[static_cast<std::size_t>(x) * (m.bits / 8) + 2 - c]);
        }
    }
    return StillPixels{m.width, m.height, oneNumber ? 1 : 3, std::move(out)};
}

} // namespace tandem::imaging
