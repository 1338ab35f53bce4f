#include "core/files/png.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tandem {
namespace {

std::array<std::uint32_t, 256> crcTable() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t n = 0; n < 256; ++n) {
        std::uint32_t c = n;
        for (int bit = 0; bit < 8; ++bit)
            c = c & 1 ? 0xedb88320U ^ (c >> 1) : c >> 1;
        table[n] = c;
    }
    return table;
}

std::uint32_t crcOf(std::string_view bytes) {
    static const std::array<std::uint32_t, 256> table = crcTable();
    std::uint32_t c = 0xffffffffU;
    for (const char byte : bytes)
        c = table[(c ^ static_cast<std::uint8_t>(byte)) & 0xff] ^ (c >> 8);
    return c ^ 0xffffffffU;
}

std::uint32_t adlerOf(std::string_view bytes) {
    std::uint32_t a = 1, b = 0;
    for (const char byte : bytes) {
        a = (a + static_cast<std::uint8_t>(byte)) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

void putBig(std::string& to, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        to.push_back(static_cast<char>(value >> shift & 0xff));
}

void putChunk(std::string& file, const std::string& typeAndData) {
    putBig(file, static_cast<std::uint32_t>(typeAndData.size() - 4));
    file += typeAndData;
    putBig(file, crcOf(typeAndData));
}

// A zlib stream of stored blocks.
std::string stored(std::string_view raw) {
    std::string out("\x78\x01", 2);
    for (std::size_t at = 0; at < raw.size();) {
        const std::size_t n = std::min<std::size_t>(65535, raw.size() - at);
        out.push_back(at + n == raw.size() ? 1 : 0);
        for (const std::size_t length : {n, ~n}) {
            out.push_back(static_cast<char>(length & 0xff));
            out.push_back(static_cast<char>(length >> 8 & 0xff));
        }
        out += raw.substr(at, n);
        at += n;
    }
    putBig(out, adlerOf(raw));
    return out;
}

} // namespace

std::string encodePng(std::int64_t width, std::int64_t height, std::span<const std::uint8_t> rgb) {
    constexpr std::int64_t most = 1 << 15;
    if (width < 1 || height < 1 || width > most || height > most ||
        rgb.size() != static_cast<std::size_t>(3 * width * height))
        return {};
    std::string raw;
    raw.reserve(rgb.size() + static_cast<std::size_t>(height));
    const auto row = static_cast<std::size_t>(3 * width);
    for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
        raw.push_back(0); // no filter
        raw.append(reinterpret_cast<const char*>(rgb.data()) + y * row, row);
    }
    std::string file("\x89PNG\r\n\x1a\n"), head("IHDR");
    putBig(head, static_cast<std::uint32_t>(width));
    putBig(head, static_cast<std::uint32_t>(height));
    head += std::string("\x08\x02\x00\x00\x00", 5); // 8 bits, RGB
    putChunk(file, head);
    putChunk(file, "IDAT" + stored(raw));
    putChunk(file, "IEND");
    return file;
}

} // namespace tandem
