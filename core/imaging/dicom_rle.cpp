#include "core/imaging/dicom_pixels.h"

namespace tandem::imaging {
namespace {

constexpr std::size_t headerBytes = 64;

std::uint32_t wordAt(std::span<const std::uint8_t> b, std::size_t at) {
    return b[at] | std::uint32_t{b[at + 1]} << 8 | std::uint32_t{b[at + 2]} << 16 |
           std::uint32_t{b[at + 3]} << 24;
}

/// One PackBits segment: every `step`-th byte of `out` from `start`. @return false if it is too short.
bool unpackSegment(std::span<const std::uint8_t> packed, std::vector<std::uint8_t>& out, std::size_t start,
                   std::size_t step, std::size_t count) {
    std::size_t at = 0, done = 0;
    const auto put = [&](std::uint8_t v) { out[start + step * done++] = v; };
    while (done < count) {
        if (at + 1 >= packed.size())
            return false;
        const std::uint8_t head = packed[at++];
        if (head < 128) {
            for (int n = 0; n <= head && done < count; ++n) {
                if (at >= packed.size())
                    return false;
                put(packed[at++]);
            }
        } else if (head > 128) {
            for (int n = 0; n < 257 - head && done < count; ++n)
                put(packed[at]);
            ++at;
        }
    }
    return true;
}

} // namespace

std::optional<std::vector<std::uint8_t>> decodeRle(const std::vector<std::uint8_t>& stream,
                                                   const PixelFormat& p) {
    const auto bytes = static_cast<std::size_t>(p.bitsAllocated) / 8,
               samples = static_cast<std::size_t>(p.samples);
    const std::size_t count = static_cast<std::size_t>(p.columns * p.rows), segments = bytes * samples;
    if (stream.size() < headerBytes || wordAt(stream, 0) != segments || segments > 15)
        return std::nullopt;
    // A run of two bytes stands for at most 128: a picture that is larger than that is not in the stream.
    if (count * segments / 64 > stream.size())
        return std::nullopt;
    std::vector<std::uint8_t> out(count * segments);
    for (std::size_t s = 0; s < segments; ++s) {
        const std::size_t from = wordAt(stream, 4 + 4 * s);
        const std::size_t to = s + 1 < segments ? wordAt(stream, 8 + 4 * s) : stream.size();
        if (from < headerBytes || to < from || to > stream.size())
            return std::nullopt;
        const std::size_t sample = s / bytes,
                          byte = bytes - 1 - s % bytes; // the most significant byte comes first
        if (!unpackSegment(std::span(stream).subspan(from, to - from), out, sample * bytes + byte, segments,
                           count))
            return std::nullopt;
    }
    return out;
}

} // namespace tandem::imaging
