#include "inference/predict/preprocess.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace tandem::predict {
namespace {

// Output i of one axis = sum of weights[n] * input[first + n].
struct Taps {
    std::int64_t first = 0;
    std::vector<int> weights;
};

constexpr int kFixedPoint = 22;

// Source: Pillow, Resample.c, precompute_coeffs and normalize_coeffs_8bpc with the triangle filter.
std::vector<Taps> triangleTaps(std::int64_t in, std::int64_t out) {
    std::vector<Taps> taps(static_cast<std::size_t>(out));
    const double scale = static_cast<double>(in) / static_cast<double>(out), support = std::max(scale, 1.0);
    for (std::int64_t i = 0; i < out; ++i) {
        const double centre = (static_cast<double>(i) + 0.5) * scale;
        const auto low = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - support + 0.5));
        const auto high = std::min<std::int64_t>(in, static_cast<std::int64_t>(centre + support + 0.5));
        std::vector<double> k;
        double sum = 0;
        for (std::int64_t j = low; j < high; ++j) {
            k.push_back(
                std::max(0.0, 1.0 - std::abs((static_cast<double>(j) - centre + 0.5) * (1.0 / support))));
            sum += k.back();
        }
        Taps& t = taps[static_cast<std::size_t>(i)];
        t.first = low;
        for (const double w : k)
            t.weights.push_back(static_cast<int>(w / sum * (1 << kFixedPoint) + 0.5));
    }
    return taps;
}

std::uint8_t clip8(int fixed) {
    return static_cast<std::uint8_t>(std::clamp(fixed >> kFixedPoint, 0, 255));
}

RgbImage resizeWidth(const RgbImage& in, std::int64_t width) {
    if (in.width == width)
        return in;
    const std::vector<Taps> taps = triangleTaps(in.width, width);
    RgbImage out{width, in.height,
                 std::vector<std::uint8_t>(static_cast<std::size_t>(width * in.height * 3))};
    std::uint8_t* to = out.pixels.data();
    for (std::int64_t y = 0; y < in.height; ++y)
        for (const Taps& t : taps) {
            const std::uint8_t* from = in.pixels.data() + (y * in.width + t.first) * 3;
            std::array<int, 3> sum{1 << (kFixedPoint - 1), 1 << (kFixedPoint - 1), 1 << (kFixedPoint - 1)};
            for (const int w : t.weights)
                for (std::size_t c = 0; c < 3; ++c)
                    sum[c] += w * *from++;
            for (const int s : sum)
                *to++ = clip8(s);
        }
    return out;
}

RgbImage resizeHeight(const RgbImage& in, std::int64_t height) {
    if (in.height == height)
        return in;
    const std::vector<Taps> taps = triangleTaps(in.height, height);
    const auto row = static_cast<std::size_t>(in.width * 3);
    RgbImage out{in.width, height, std::vector<std::uint8_t>(row * static_cast<std::size_t>(height))};
    std::vector<int> sums(row);
    for (std::size_t y = 0; y < taps.size(); ++y) {
        std::fill(sums.begin(), sums.end(), 1 << (kFixedPoint - 1));
        const std::uint8_t* from = in.pixels.data() + static_cast<std::size_t>(taps[y].first) * row;
        for (const int w : taps[y].weights)
            for (std::size_t x = 0; x < row; ++x)
                sums[x] += w * *from++;
        std::transform(sums.begin(), sums.end(), out.pixels.begin() + static_cast<std::ptrdiff_t>(y * row),
                       clip8);
    }
    return out;
}

// Index mirrored about the edge pixels' centres: d c b | a b c d | c b a.
std::size_t mirrored(std::int64_t i, std::int64_t n) {
    if (n == 1)
        return 0;
    const std::int64_t period = 2 * (n - 1);
    i = std::abs(i) % period;
    return static_cast<std::size_t>(i < n ? i : period - i);
}

using Line = std::vector<double>;

Line gaussianFiltered(const Line& in, double sigma) {
    const auto n = static_cast<std::int64_t>(in.size()), radius = static_cast<std::int64_t>(4 * sigma + 0.5);
    Line kernel;
    double sum = 0;
    for (std::int64_t k = -radius; k <= radius; ++k) {
        kernel.push_back(std::exp(-0.5 * static_cast<double>(k * k) / (sigma * sigma)));
        sum += kernel.back();
    }
    Line out(in.size());
    for (std::int64_t i = 0; i < n; ++i) {
        double value = 0;
        for (std::int64_t k = -radius; k <= radius; ++k)
            value += kernel[static_cast<std::size_t>(k + radius)] * in[mirrored(i + k, n)];
        out[static_cast<std::size_t>(i)] = value / sum;
    }
    return out;
}

// Solves (c[i-1] + 4 c[i] + c[i+1]) / 6 = s[i] with c[-1] = c[1] and c[n] = c[n-2].
Line splineCoefficients(Line s) {
    const std::size_t n = s.size();
    if (n == 1)
        return s;
    Line upper(n);
    for (std::size_t i = 0; i < n; ++i) {
        const double below = i == 0 ? 0 : i + 1 == n ? 2 : 1, above = i == 0 ? 2 : 1;
        const double pivot = 4 - (i == 0 ? 0 : below * upper[i - 1]);
        upper[i] = above / pivot;
        s[i] = (6 * s[i] - (i == 0 ? 0 : below * s[i - 1])) / pivot;
    }
    for (std::size_t i = n - 1; i-- > 0;)
        s[i] -= upper[i] * s[i + 1];
    return s;
}

double cubicSpline(double u) {
    u = std::abs(u);
    if (u < 1)
        return 2.0 / 3.0 - u * u + u * u * u / 2;
    return u < 2 ? (2 - u) * (2 - u) * (2 - u) / 6 : 0;
}

Line splineLine(const Line& in, std::int64_t out) {
    const auto n = static_cast<std::int64_t>(in.size());
    if (n == out)
        return in;
    const double factor = static_cast<double>(n) / static_cast<double>(out);
    const Line c = splineCoefficients(factor > 1 ? gaussianFiltered(in, (factor - 1) / 2) : in);
    Line result(static_cast<std::size_t>(out));
    for (std::int64_t i = 0; i < out; ++i) {
        const double t = (static_cast<double>(i) + 0.5) * factor - 0.5;
        const auto floor = static_cast<std::int64_t>(std::floor(t));
        for (std::int64_t k = floor - 1; k <= floor + 2; ++k)
            result[static_cast<std::size_t>(i)] +=
                c[mirrored(k, n)] * cubicSpline(t - static_cast<double>(k));
    }
    return result;
}

// Half-pixel centres, edge clamped.
Line bilinearLine(const Line& in, std::int64_t out) {
    const auto n = static_cast<std::int64_t>(in.size());
    const double factor = static_cast<double>(n) / static_cast<double>(out);
    Line result(static_cast<std::size_t>(out));
    for (std::int64_t i = 0; i < out; ++i) {
        const double t = std::max(0.0, (static_cast<double>(i) + 0.5) * factor - 0.5);
        const auto low = std::min(n - 1, static_cast<std::int64_t>(t)), high = std::min(n - 1, low + 1);
        const double f = t - static_cast<double>(low);
        result[static_cast<std::size_t>(i)] =
            (1 - f) * in[static_cast<std::size_t>(low)] + f * in[static_cast<std::size_t>(high)];
    }
    return result;
}

using Resample = std::function<Line(const Line&, std::int64_t)>;

// Resamples both axes of interleaved RGB, rows first.
Line resampled(const RgbImage& in, std::int64_t height, std::int64_t width, const Resample& resample) {
    Line wide(static_cast<std::size_t>(in.height * width * 3)),
        out(static_cast<std::size_t>(height * width * 3));
    const auto line = [](const auto& from, std::int64_t start, std::int64_t step, std::int64_t n) {
        Line l(static_cast<std::size_t>(n));
        for (std::int64_t i = 0; i < n; ++i)
            l[static_cast<std::size_t>(i)] =
                static_cast<double>(from[static_cast<std::size_t>(start + i * step)]);
        return l;
    };
    const auto store = [](Line& to, std::int64_t start, std::int64_t step, const Line& l) {
        for (std::size_t i = 0; i < l.size(); ++i)
            to[static_cast<std::size_t>(start + static_cast<std::int64_t>(i) * step)] = l[i];
    };
    for (std::int64_t y = 0; y < in.height; ++y)
        for (std::int64_t c = 0; c < 3; ++c)
            store(wide, y * width * 3 + c, 3,
                  resample(line(in.pixels, y * in.width * 3 + c, 3, in.width), width));
    for (std::int64_t x = 0; x < width * 3; ++x)
        store(out, x, width * 3, resample(line(wide, x, width * 3, in.height), height));
    return out;
}

PlanarImage scaledToUnit(const Line& values, std::int64_t side) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double minimum = *low, span = std::max(*high - *low, 1e-8);
    PlanarImage out{side, side, std::vector<float>(values.size())};
    const std::size_t pixels = values.size() / 3;
    for (std::size_t i = 0; i < values.size(); ++i)
        out.values[i % 3 * pixels + i / 3] = static_cast<float>((values[i] - minimum) / span);
    return out;
}

GreyWindow usableWindow(const SliceImage& slice, GreyWindow window) {
    if (window.width > 0 && std::isfinite(window.width) && std::isfinite(window.level))
        return window;
    double low = INFINITY, high = -INFINITY;
    for (const float v : slice.values)
        if (std::isfinite(v)) {
            low = std::min<double>(low, v);
            high = std::max<double>(high, v);
        }
    return low < high ? GreyWindow{(low + high) / 2, high - low, window.inverted} : GreyWindow{0, 1};
}

std::uint8_t greyLevel(double scaled) {
    return std::isnan(scaled) ? std::uint8_t{0}
                              : static_cast<std::uint8_t>(std::clamp(
                                    scaled + 1e-6, 0.0, 255.0)); // truncated, but 254.999... is 255
}

} // namespace

RgbImage rgbFrom(const SliceImage& slice, GreyWindow window) {
    const GreyWindow w = usableWindow(slice, window);
    const bool colour = slice.components == 3;
    const double sign = w.inverted && !colour ? -1 : 1;
    const double low = colour ? 0 : w.level - sign * w.width / 2, scale = colour ? 1 : sign * 255 / w.width;
    const auto pixels = static_cast<std::size_t>(slice.width * slice.height);
    const auto components = static_cast<std::size_t>(slice.components);
    RgbImage out{slice.width, slice.height, std::vector<std::uint8_t>(pixels * 3)};
    for (std::size_t i = 0; i < pixels; ++i)
        for (std::size_t c = 0; c < 3; ++c) {
            const double value = slice.values[i * components + (colour ? c : 0)];
            out.pixels[i * 3 + c] = greyLevel((value - low) * scale);
        }
    return out;
}

std::array<std::int64_t, 2> longestSide(std::int64_t height, std::int64_t width, std::int64_t side) {
    const double k = static_cast<double>(side) * 1.0 / static_cast<double>(std::max(height, width));
    const auto scaled = [&](std::int64_t n) {
        return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(n) * k + 0.5));
    };
    return {scaled(height), scaled(width)};
}

RgbImage resizePillow(const RgbImage& image, std::int64_t height, std::int64_t width) {
    return resizeHeight(resizeWidth(image, width), height);
}

PlanarImage normaliseAndPad(const RgbImage& resized, const net::NetworkConfig& config) {
    const std::int64_t side = config.imageSize;
    PlanarImage out{side, side, std::vector<float>(static_cast<std::size_t>(side * side * 3))};
    for (std::size_t c = 0; c < 3; ++c) {
        const auto mean = static_cast<float>(config.pixelMean[c]),
                   deviation = static_cast<float>(config.pixelStd[c]);
        float* plane = out.values.data() + static_cast<std::int64_t>(c) * side * side;
        for (std::int64_t y = 0; y < resized.height; ++y)
            for (std::int64_t x = 0; x < resized.width; ++x) {
                const auto value = resized.pixels[static_cast<std::size_t>(y * resized.width + x) * 3 + c];
                plane[y * side + x] = (static_cast<float>(value) - mean) / deviation;
            }
    }
    return out;
}

std::vector<double> resizeSpline(const RgbImage& image, std::int64_t height, std::int64_t width) {
    std::vector<double> out = resampled(image, height, width, splineLine);
    const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
    for (double& v : out)
        v = std::clamp(v, static_cast<double>(*low), static_cast<double>(*high));
    return out;
}

PlanarImage medsamInput(const RgbImage& image, std::int64_t side) {
    std::vector<double> values = resizeSpline(image, side, side);
    for (double& v : values)
        v = std::floor(v + 1e-6); // as a cast to uint8, but 99.999... from rounding stays 100
    return scaledToUnit(values, side);
}

PlanarImage medsamInputBilinear(const RgbImage& image, std::int64_t side) {
    return scaledToUnit(resampled(image, side, side, bilinearLine), side);
}

} // namespace tandem::predict
