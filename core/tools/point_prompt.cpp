#include "core/tools/point_prompt.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

bool isFinite(const Point<SlicePx>& p) {
    return std::isfinite(p[0]) && std::isfinite(p[1]);
}

// The pixel that covers a point; places beyond any image are brought near enough to count with.
SlicePixel pixelOf(const Point<SlicePx>& p) {
    constexpr double far = 1e6;
    return {std::llround(std::clamp(p[0], -far, far)), std::llround(std::clamp(p[1], -far, far))};
}

std::int64_t floorDivided(std::int64_t a, std::int64_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

// Those of a line's steps 0..count at which a coordinate that goes evenly from a to b may be in 0..size-1.
struct Steps {
    std::int64_t first, last;
    void keepInside(std::int64_t a, std::int64_t b, std::int64_t count, std::int64_t size) {
        if (b < a) { // mirrored, it goes up
            a = size - 1 - a;
            b = size - 1 - b;
        }
        if (a == b) {
            if (a < 0 || a >= size)
                last = first - 1;
            return;
        }
        first = std::max(first, floorDivided((-1 - 2 * a) * count, 2 * (b - a)) - 1);
        last = std::min(last, floorDivided((2 * (size - a) - 1) * count, 2 * (b - a)) + 1);
    }
};

// Without the line's first pixel, which stands there already.
void addLine(std::vector<SlicePixel>& out, SlicePixel a, SlicePixel b, std::int64_t width,
             std::int64_t height) {
    const std::int64_t dx = b.x - a.x, dy = b.y - a.y, count = std::max(std::abs(dx), std::abs(dy));
    if (count == 0)
        return;
    Steps steps{1, count};
    steps.keepInside(a.x, b.x, count, width);
    steps.keepInside(a.y, b.y, count, height);
    for (std::int64_t n = steps.first; n <= steps.last; ++n) {
        const SlicePixel p{a.x + floorDivided(2 * n * dx + count, 2 * count),
                           a.y + floorDivided(2 * n * dy + count, 2 * count)};
        if (p.x >= 0 && p.y >= 0 && p.x < width && p.y < height)
            out.push_back(p);
    }
}

double distance(const Point<SlicePx>& a, const Point<SlicePx>& b) {
    return std::hypot(b[0] - a[0], b[1] - a[1]);
}

} // namespace

std::vector<Point<SlicePx>> verticesOf(const PointPrompt& prompt) {
    std::vector<Point<SlicePx>> all{prompt.at};
    all.insert(all.end(), prompt.along.begin(), prompt.along.end());
    return all;
}

std::vector<SlicePixel> pixelsUnder(const PointPrompt& prompt, std::int64_t width, std::int64_t height) {
    std::vector<SlicePixel> out;
    bool begun = false;
    SlicePixel before;
    for (const Point<SlicePx>& vertex : verticesOf(prompt)) {
        if (!isFinite(vertex))
            continue;
        const SlicePixel here = pixelOf(vertex);
        if (begun)
            addLine(out, before, here, width, height);
        else if (here.x >= 0 && here.y >= 0 && here.x < width && here.y < height)
            out.push_back(here);
        begun = true;
        before = here;
    }
    return out;
}

std::vector<std::uint8_t> decidedPixels(std::span<const PointPrompt> prompts, std::int64_t width,
                                        std::int64_t height) {
    std::vector<std::uint8_t> decided(static_cast<std::size_t>(width * height));
    for (const PointPrompt& prompt : prompts)
        for (const SlicePixel& p : pixelsUnder(prompt, width, height))
            decided[static_cast<std::size_t>(p.y * width + p.x)] = prompt.foreground ? 1 : 2;
    return decided;
}

std::vector<Point<SlicePx>> pointsAlong(const PointPrompt& prompt, int count) {
    const double length = lengthOf(prompt);
    if (!(length > 0))
        return {prompt.at};
    const std::vector<Point<SlicePx>> vertices = verticesOf(prompt);
    std::vector<Point<SlicePx>> out;
    double gone = 0; // up to vertices[n]
    for (std::size_t n = 0; n + 1 < vertices.size(); ++n) {
        const Point<SlicePx>&a = vertices[n], &b = vertices[n + 1];
        const double leg = distance(a, b);
        for (; std::ssize(out) < count;) {
            const double wanted = (static_cast<double>(out.size()) + 0.5) * length / count;
            if (wanted > gone + leg)
                break;
            const double share = (wanted - gone) / leg;
            out.push_back({{a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])}});
        }
        gone += leg;
    }
    return out;
}

double lengthOf(const PointPrompt& prompt) {
    double length = 0;
    const Point<SlicePx>* before = &prompt.at;
    for (const Point<SlicePx>& p : prompt.along) {
        length += distance(*before, p);
        before = &p;
    }
    return length;
}

} // namespace tandem
