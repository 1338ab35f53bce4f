#include "core/measure/region_growing.h"

#include "core/measure/flood.h"
#include "core/measure/grey_crop.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem {
namespace {

struct Pixel {
    std::int64_t x = 0, y = 0;
};

class Growing {
public:
    Growing(const SliceImage& slice, const SliceBox& box)
        : grey_(luminance(slice)), mask_(grey_.width, grey_.height) {
        const auto cut = [](double v, std::int64_t size) {
            return static_cast<std::int64_t>(std::clamp(std::round(v), 0.0, static_cast<double>(size - 1)));
        };
        first_ = {cut(box.x0, grey_.width), cut(box.y0, grey_.height)};
        last_ = {cut(box.x1, grey_.width), cut(box.y1, grey_.height)};
        float low = greyAt(first_), high = low;
        for (std::int64_t y = first_.y; y <= last_.y; ++y)
            for (std::int64_t x = first_.x; x <= last_.x; ++x) {
                low = std::min(low, greyAt({x, y}));
                high = std::max(high, greyAt({x, y}));
            }
        least_ = 0.05 * (static_cast<double>(high) - static_cast<double>(low));
    }

    void add(double x, double y, bool foreground) {
        const Pixel seed{std::llround(x), std::llround(y)};
        if (!inBox(seed))
            return;
        const std::array<double, 2> like = likeness(seed);
        const double mean = like[0], tolerance = like[1];
        const SliceMask region =
            floodFrom(mask_.width, mask_.height, {seed.x, seed.y}, [&](std::int64_t px, std::int64_t py) {
                return inBox({px, py}) && std::abs(static_cast<double>(greyAt({px, py})) - mean) <= tolerance;
            });
        for (std::size_t i = 0; i < region.inside.size(); ++i)
            if (region.inside[i])
                mask_.inside[i] = foreground;
    }

    void set(double x, double y, bool foreground) {
        if (const Pixel p{std::llround(x), std::llround(y)}; inBox(p))
            mask_.at(p.x, p.y) = foreground;
    }

    SliceMask mask() && { return std::move(mask_); }

private:
    bool inBox(const Pixel& p) const {
        return p.x >= first_.x && p.x <= last_.x && p.y >= first_.y && p.y <= last_.y;
    }
    float greyAt(const Pixel& p) const {
        return grey_.values[static_cast<std::size_t>(p.y * grey_.width + p.x)];
    }
    // Mean grey around a pixel, and how far a pixel of its region may be from it.
    std::array<double, 2> likeness(const Pixel& p) const {
        double n = 0, sum = 0, squares = 0;
        for (std::int64_t y = p.y - 2; y <= p.y + 2; ++y)
            for (std::int64_t x = p.x - 2; x <= p.x + 2; ++x)
                if (inBox({x, y})) {
                    const double v = static_cast<double>(greyAt({x, y}));
                    n += 1;
                    sum += v;
                    squares += v * v;
                }
        const double mean = sum / n;
        return {mean, std::max(least_, 2.5 * std::sqrt(std::max(0.0, squares / n - mean * mean)))};
    }

    SliceImage grey_;
    SliceMask mask_;
    Pixel first_, last_;
    double least_ = 0;
};

} // namespace

SliceMask grownMask(const SliceImage& slice, const SliceBox& box, std::span<const PointPrompt> clicks) {
    Growing growing(slice, box);
    growing.add((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, true);
    for (const PointPrompt& click : clicks)
        growing.add(click.at[0], click.at[1], click.foreground);
    for (const PointPrompt& click : clicks)
        growing.set(click.at[0], click.at[1], click.foreground);
    return std::move(growing).mask();
}

} // namespace tandem
