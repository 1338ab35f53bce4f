#pragma once

#include "core/geometry/frames.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// A click, or a scribble: a short free-hand stroke. Either says "this belongs" or "this does not" about the
/// pixels under it; a click is a scribble of one point.
struct PointPrompt {
    Point<SlicePx> at;
    bool foreground = true;
    std::vector<Point<SlicePx>> along = {}; ///< where a scribble goes on from `at`, in straight lines

    bool isScribble() const { return !along.empty(); }
    friend bool operator==(const PointPrompt&, const PointPrompt&) = default;
};

/// One pixel of a slice, as an index.
struct SlicePixel {
    std::int64_t x = 0, y = 0;
    friend auto operator<=>(const SlicePixel&, const SlicePixel&) = default;
};

/// All points of a prompt in their order: `at`, then `along`.
std::vector<Point<SlicePx>> verticesOf(const PointPrompt&);

/// The pixels under a prompt: those of its points and of the straight lines between them (8-connected, one
/// per step of the longer axis), in their order; the same pixel may come twice. What lies outside a slice of
/// width x height is left out, as are points that are not finite; cost: the length inside the slice.
/// Thread: any; pure, as everything here.
std::vector<SlicePixel> pixelsUnder(const PointPrompt&, std::int64_t width, std::int64_t height);

/// What prompts decide about the pixels under them, the later one where they cross.
/// @return height * width: 0 nothing, 1 belongs, 2 does not
std::vector<std::uint8_t> decidedPixels(std::span<const PointPrompt>, std::int64_t width,
                                        std::int64_t height);

/// As how many clicks a scribble is shown to a network that knows only clicks.
inline constexpr int clicksOfScribble = 4;

/// At most `count` (at least 1) points evenly spread over a prompt's length, each in the middle of its share:
/// what a network that knows only clicks is shown. Of a click, and of a stroke without length: `at` alone.
std::vector<Point<SlicePx>> pointsAlong(const PointPrompt&, int count);

/// The stroke's length in slice pixels; 0 for a click.
double lengthOf(const PointPrompt&);

} // namespace tandem
