#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tandem {

/// A picture as PNG, not compressed: for charts and sheets of rooms that know no image library.
/// @param rgb  width * height * 3 bytes, rows from the top
/// @return the file's bytes; empty if the sizes do not fit or are not 1 .. 32768. Thread: any; pure.
/// Source: PNG specification (W3C, 2nd edition); RFC 1950 and 1951 (stored blocks).
std::string encodePng(std::int64_t width, std::int64_t height, std::span<const std::uint8_t> rgb);

} // namespace tandem
