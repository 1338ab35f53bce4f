#include "app/gui/document/slice_composer.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

using Pixel = std::uint32_t;

// Two neighbouring voxels and how far a sample lies between them.
struct Tap {
    std::int32_t low = 0, high = 0;
    float fraction = 0;
};

Tap tapAt(double place, std::int64_t count) {
    const double p = std::clamp(place, 0.0, static_cast<double>(count - 1));
    const auto low = static_cast<std::int64_t>(p);
    return {static_cast<std::int32_t>(low), static_cast<std::int32_t>(std::min(low + 1, count - 1)),
            static_cast<float>(p - static_cast<double>(low))};
}

// The voxel that covers a coordinate, or -1.
std::int32_t voxelCovering(double place, std::int64_t count) {
    const double n = std::floor(place + 0.5);
    return n >= 0 && n < static_cast<double>(count) ? static_cast<std::int32_t>(n) : -1;
}

// One axis of a picture: for every device pixel the voxel that covers its centre, and the samples to average.
struct Axis {
    std::vector<std::int32_t> nearest;
    std::vector<Tap> taps; ///< tapsPerPixel for each pixel
    int tapsPerPixel = 1;
    int first = 0, last = -1; ///< pixels on the slice

    Axis(double start, double step, int pixels, std::int64_t count) {
        tapsPerPixel = std::clamp(static_cast<int>(std::ceil(step - 0.01)), 1, 8);
        for (int p = 0; p < pixels; ++p) {
            nearest.push_back(voxelCovering(start + (p + 0.5) * step, count));
            if (nearest.back() >= 0) {
                first = last < 0 ? p : first;
                last = p;
            }
            for (int t = 0; t < tapsPerPixel; ++t)
                taps.push_back(tapAt(start + (p + (t + 0.5) / tapsPerPixel) * step, count));
        }
    }
    const Tap* tapsOf(int pixel) const {
        return taps.data() + static_cast<std::size_t>(pixel * tapsPerPixel);
    }
};

// One row of grey values between the slice's rows, averaged over the rows that a pixel covers.
void blendRows(const ScreenSlice<float>& slice, const Tap* taps, int count, std::vector<float>& out) {
    const std::size_t n = static_cast<std::size_t>(slice.width * slice.components);
    out.assign(n, 0.0F);
    const float share = 1.0F / static_cast<float>(count);
    for (int t = 0; t < count; ++t) {
        const float* a = slice.row(taps[t].low);
        const float* b = slice.row(taps[t].high);
        const float f = taps[t].fraction;
        for (std::size_t i = 0; i < n; ++i)
            out[i] += share * (a[i] + f * (b[i] - a[i]));
    }
}

// Turns grey values into 0..255 through a window; an inverted one falls from its upper end.
struct WindowScale {
    float low, scale;
    explicit WindowScale(const GreyWindow& w)
        : low(static_cast<float>(w.level + (w.inverted ? w.width : -w.width) / 2)),
          scale((w.inverted ? -255.0F : 255.0F) / static_cast<float>(std::max(w.width, 1e-6))) {}
    Pixel operator()(float value) const {
        const float g = (value - low) * scale + 0.5F;
        return g > 0 ? static_cast<Pixel>(std::min(g, 255.0F)) : 0u; // a NaN fails the comparison
    }
};

float sampleRow(const float* row, const Tap* taps, int count, int components, int component) {
    float sum = 0;
    for (int t = 0; t < count; ++t) {
        const float a = row[taps[t].low * components + component];
        const float b = row[taps[t].high * components + component];
        sum += a + taps[t].fraction * (b - a);
    }
    return sum / static_cast<float>(count);
}

void drawGreyRow(const std::vector<float>& row, const Axis& u, int components, const WindowScale& window,
                 std::vector<float>& scratch, Pixel* out) {
    scratch.resize(static_cast<std::size_t>(u.last - u.first + 1));
    for (int c = 0; c < std::min(components, 3); ++c) {
        const int shift = 16 - 8 * c;
        for (int x = u.first; x <= u.last; ++x) {
            const Tap* taps = u.tapsOf(x);
            if (u.tapsPerPixel > 1 || components > 1) {
                scratch[static_cast<std::size_t>(x - u.first)] =
                    sampleRow(row.data(), taps, u.tapsPerPixel, components, c);
                continue;
            }
            const float low = row[static_cast<std::size_t>(taps->low)],
                        high = row[static_cast<std::size_t>(taps->high)];
            scratch[static_cast<std::size_t>(x - u.first)] = low + taps->fraction * (high - low);
        }
        for (std::size_t n = 0; n < scratch.size(); ++n) {
            const Pixel g = window(scratch[n]);
            Pixel& pixel = out[u.first + static_cast<int>(n)];
            if (components == 1)
                pixel = 0xff000000u | g * 0x010101u;
            else
                pixel = (c == 0 ? 0xff000000u : pixel) | g << shift;
        }
    }
}

Pixel mixed(Pixel under, Pixel over, unsigned share256) {
    const Pixel keep = 256 - share256;
    const Pixel rb = (((under & 0xff00ffu) * keep + (over & 0xff00ffu) * share256) >> 8) & 0xff00ffu;
    const Pixel g = (((under & 0x00ff00u) * keep + (over & 0x00ff00u) * share256) >> 8) & 0x00ff00u;
    return 0xff000000u | rb | g;
}

// A row of a mask, one value a device pixel; 0 beyond the slice.
template <class Value>
bool spreadRow(const ScreenSlice<Value>& slice, const Axis& u, std::int32_t v, std::vector<Value>& out) {
    out.assign(u.nearest.size(), Value{0});
    if (v < 0)
        return false;
    const Value* row = slice.row(v);
    Value any{0};
    for (int x = u.first; x <= u.last; ++x) {
        out[static_cast<std::size_t>(x)] = row[u.nearest[static_cast<std::size_t>(x)]];
        any = static_cast<Value>(any | out[static_cast<std::size_t>(x)]);
    }
    return any != 0;
}

// The rows of a mask that a pixel row and its neighbours at the outline's thickness show.
template <class Value>
class MaskRows {
public:
    MaskRows(const ScreenSlice<Value>& slice, const Axis& u, const Axis& v, int thickness)
        : slice_(slice), u_(u), v_(v), thickness_(thickness) {}

    /// Fetches the rows around pixel row y; false if the row itself holds no mask.
    bool fetch(int y) {
        fetchOne(y - thickness_, above_);
        fetchOne(y + thickness_, below_);
        fetchOne(y, middle_);
        return middle_.any;
    }
    Value at(int x) const { return middle_.values[static_cast<std::size_t>(x)]; }
    bool onOutline(int x) const {
        const Value own = at(x);
        const auto n = static_cast<std::size_t>(x);
        return own != above_.values[n] || own != below_.values[n] || own != beside(x - thickness_) ||
               own != beside(x + thickness_);
    }

private:
    struct Row {
        std::vector<Value> values;
        std::int64_t voxel = -2; ///< -2: nothing fetched yet, -1: beyond the slice
        bool any = false;
    };
    // Beyond the picture a mask goes on as at its edge; beyond the slice there is none.
    void fetchOne(int y, Row& row) {
        const int last = static_cast<int>(v_.nearest.size()) - 1;
        const std::int32_t voxel = v_.nearest[static_cast<std::size_t>(std::clamp(y, 0, last))];
        if (row.voxel == voxel)
            return;
        row.any = spreadRow(slice_, u_, voxel, row.values);
        row.voxel = voxel;
    }
    Value beside(int x) const { return at(std::clamp(x, 0, static_cast<int>(middle_.values.size()) - 1)); }

    const ScreenSlice<Value>& slice_;
    const Axis& u_;
    const Axis& v_;
    int thickness_;
    Row middle_, above_, below_;
};

void drawLabels(const SlicePicture& picture, const Axis& u, const Axis& v, Pixel* pixels, int width) {
    const int thickness = std::max(1, static_cast<int>(std::lround(1.25 * picture.devicePixelRatio)));
    const auto fill = static_cast<unsigned>(std::lround(256 * std::clamp(picture.fillOpacity, 0.0, 1.0)));
    MaskRows<std::uint16_t> rows(*picture.labels, u, v, thickness);
    for (int y = v.first; y <= v.last; ++y) {
        if (!rows.fetch(y))
            continue;
        Pixel* out = pixels + static_cast<std::ptrdiff_t>(y) * width;
        for (int x = u.first; x <= u.last; ++x) {
            const Pixel colour = picture.labelColours[rows.at(x)];
            if (colour)
                out[x] = rows.onOutline(x) ? colour : mixed(out[x], colour, fill);
        }
    }
}

void drawProposal(const SlicePicture& picture, const Axis& u, const Axis& v, Pixel* pixels, int width) {
    const int thickness = std::max(1, static_cast<int>(std::lround(1.75 * picture.devicePixelRatio)));
    const int dash = std::max(2, static_cast<int>(std::lround(4 * picture.devicePixelRatio)));
    MaskRows<std::uint8_t> rows(*picture.proposal, u, v, thickness);
    for (int y = v.first; y <= v.last; ++y) {
        if (!rows.fetch(y))
            continue;
        Pixel* out = pixels + static_cast<std::ptrdiff_t>(y) * width;
        for (int x = u.first; x <= u.last; ++x) {
            if (!rows.at(x))
                continue;
            const int stripe = (x + y) / dash;
            if (rows.onOutline(x))
                out[x] = stripe % 2                 ? picture.proposalColour
                         : picture.proposalIsSketch ? out[x]
                                                    : 0xffffffffu;
            else if (!picture.proposalIsSketch || stripe % 4 == 0)
                out[x] = mixed(out[x], picture.proposalColour, 77);
        }
    }
}

} // namespace

void placePicture(SlicePicture& picture, const ViewTransform& view, const ScreenTurn& turn) {
    const Affine<SlicePx, ViewPx> sliceFromView = view.sliceFromView();
    const ScreenOrientation& o = view.orientation();
    const std::size_t across = o.transpose ? 1 : 0;
    const Point<SlicePx> corner = sliceFromView(Point<ViewPx>{});
    const double a = corner[across], b = corner[1 - across];
    picture.u0 = o.flipHorizontal ? static_cast<double>(turn.screenWidth() - 1) - a : a;
    picture.v0 = o.flipVertical ? static_cast<double>(turn.screenHeight() - 1) - b : b;
    picture.voxelsPerPixelU = std::abs(sliceFromView.linear[across][0]) / picture.devicePixelRatio;
    picture.voxelsPerPixelV = std::abs(sliceFromView.linear[1 - across][1]) / picture.devicePixelRatio;
}

void composeSlice(const SlicePicture& picture, std::uint32_t* pixels, int width, int height) {
    std::fill_n(pixels, static_cast<std::ptrdiff_t>(width) * height, picture.background);
    if (!picture.grey || picture.grey->empty())
        return;
    const ScreenSlice<float>& grey = *picture.grey;
    const Axis u(picture.u0, picture.voxelsPerPixelU, width, grey.width);
    const Axis v(picture.v0, picture.voxelsPerPixelV, height, grey.height);
    const WindowScale window(picture.window);
    std::vector<float> row, scratch;
    for (int y = v.first; y <= v.last; ++y) {
        blendRows(grey, v.tapsOf(y), v.tapsPerPixel, row);
        drawGreyRow(row, u, grey.components, window, scratch,
                    pixels + static_cast<std::ptrdiff_t>(y) * width);
    }
    if (picture.labels && picture.labelColours && !picture.labels->empty())
        drawLabels(picture, u, v, pixels, width);
    if (picture.proposal && !picture.proposal->empty())
        drawProposal(picture, u, v, pixels, width);
}

} // namespace tandem
