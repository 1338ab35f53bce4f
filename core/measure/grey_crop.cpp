#include "core/measure/grey_crop.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tandem {
namespace {

// Where a place lies along one axis: between two cells, clamped at the edge.
struct Between {
    std::size_t first = 0, second = 0;
    float share = 0; // of the second
};
Between between(double x, std::int64_t cells) {
    x = std::clamp(x, 0.0, static_cast<double>(cells - 1));
    const auto first = static_cast<std::int64_t>(x);
    return {static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(first + 1, cells - 1)),
            static_cast<float>(x - static_cast<double>(first))};
}

// Bilinear, of two rows.
float bilinear(const float* above, const float* below, const Between& x, float down) {
    const float upper = above[x.first] + x.share * (above[x.second] - above[x.first]);
    const float lower = below[x.first] + x.share * (below[x.second] - below[x.first]);
    return upper + down * (lower - upper);
}

int samplesFor(double step) {
    return std::clamp(static_cast<int>(std::ceil(step - 1e-9)), 1, 4);
}

// The samples of a grid's columns or rows, `each` to a cell; and which cells' centres lie on the slice.
struct Samples {
    std::vector<Between> places;
    std::vector<std::uint8_t> onSlice;
    std::size_t each = 1;
};
template <class Centre>
Samples samplesAlong(std::int64_t cells, double step, std::int64_t pixels, const Centre& centre) {
    const int each = samplesFor(step);
    Samples samples{{}, {}, static_cast<std::size_t>(each)};
    for (std::int64_t i = 0; i < cells; ++i) {
        const double c = centre(i);
        samples.onSlice.push_back(c >= -0.5 && c <= static_cast<double>(pixels) - 0.5);
        for (int a = 0; a < each; ++a)
            samples.places.push_back(between(c + ((a + 0.5) / each - 0.5) * step, pixels));
    }
    return samples;
}

} // namespace

SliceImage mixed(const SliceImage& s, const std::array<float, 3>& w) {
    SliceImage grey{s.width, s.height, 1, std::vector<float>(s.values.size() / 3)};
    for (std::size_t i = 0; i < grey.values.size(); ++i)
        grey.values[i] = w[0] * s.values[3 * i] + w[1] * s.values[3 * i + 1] + w[2] * s.values[3 * i + 2];
    return grey;
}

SliceImage luminance(const SliceImage& s) {
    return s.components == 3 ? mixed(s, luminanceWeights) : s;
}

std::vector<float> sampleGrid(const SliceImage& grey, const CropGrid& g, float outside) {
    const auto width = static_cast<std::size_t>(g.width), height = static_cast<std::size_t>(g.height);
    std::vector<float> out(width * height, outside);
    const Samples columns =
        samplesAlong(g.width, g.stepX, grey.width, [&g](std::int64_t i) { return g.centreX(i); });
    const Samples rows =
        samplesAlong(g.height, g.stepY, grey.height, [&g](std::int64_t j) { return g.centreY(j); });
    const auto stride = static_cast<std::size_t>(grey.width);
    const auto count = static_cast<float>(columns.each * rows.each);
    for (std::size_t j = 0; j < height; ++j)
        for (std::size_t i = 0; i < width; ++i) {
            if (!rows.onSlice[j] || !columns.onSlice[i])
                continue;
            float sum = 0;
            for (std::size_t b = 0; b < rows.each; ++b) {
                const Between& y = rows.places[j * rows.each + b];
                const float* above = grey.values.data() + y.first * stride;
                const float* below = grey.values.data() + y.second * stride;
                for (std::size_t a = 0; a < columns.each; ++a)
                    sum += bilinear(above, below, columns.places[i * columns.each + a], y.share);
            }
            out[j * width + i] = sum / count;
        }
    return out;
}

std::vector<float> unitGrey(const SliceImage& grey, const CropGrid& g) {
    std::vector<float> v = sampleGrid(grey, g, 0);
    const float low = quantileOf(v, 0.01), high = quantileOf(v, 0.99);
    for (float& x : v)
        x = std::clamp((x - low) / std::max(high - low, 1e-6F), 0.0F, 1.0F);
    return v;
}

std::vector<float> unsampleGrid(std::span<const float> cells, const CropGrid& g, std::int64_t sliceWidth,
                                std::int64_t sliceHeight, float outside) {
    std::vector<float> out(static_cast<std::size_t>(sliceWidth * sliceHeight), outside);
    const auto reaches = [](double v, std::int64_t n) {
        return v >= -0.5 && v <= static_cast<double>(n) - 0.5;
    };
    std::vector<std::pair<std::size_t, Between>> columns; // that the grid reaches
    for (std::int64_t x = 0; x < sliceWidth; ++x)
        if (const double u = (static_cast<double>(x) - g.left) / g.stepX - 0.5; reaches(u, g.width))
            columns.emplace_back(static_cast<std::size_t>(x), between(u, g.width));
    const auto width = static_cast<std::size_t>(g.width);
    for (std::int64_t y = 0; y < sliceHeight; ++y) {
        const double v = (static_cast<double>(y) - g.top) / g.stepY - 0.5;
        if (!reaches(v, g.height))
            continue;
        const Between row = between(v, g.height);
        const float* above = cells.data() + row.first * width;
        const float* below = cells.data() + row.second * width;
        float* to = out.data() + static_cast<std::size_t>(y * sliceWidth);
        for (const auto& [x, column] : columns)
            to[x] = bilinear(above, below, column, row.share);
    }
    return out;
}

float quantileOf(std::vector<float> values, double fraction) {
    if (values.empty())
        return 0;
    const auto rank =
        static_cast<std::ptrdiff_t>(std::llround(fraction * static_cast<double>(values.size() - 1)));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return values[static_cast<std::size_t>(rank)];
}

} // namespace tandem
