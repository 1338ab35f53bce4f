#include "core/measure/detail_grey.h"

#include "core/geometry/matrix3.h"
#include "core/measure/gaussian_blur.h"
#include "core/measure/grey_crop.h"
#include "core/measure/lit_cells.h"
#include "core/measure/prompt_grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace tandem {
namespace {

using Direction = std::array<double, 3>;
using Bands = std::array<std::vector<float>, 3>; // of red, green and blue

constexpr std::int64_t cellsAlong = 256;
constexpr double fine = 0.8, coarse = 4; // cells
constexpr float lift = 20;               // of 255

SliceImage onGrid(const SliceImage& grey, const CropGrid& g) {
    return {g.width, g.height, 1, sampleGrid(grey, g, 0)};
}

SliceImage logarithm(const SliceImage& colours, std::size_t c) {
    SliceImage out{colours.width, colours.height, 1, {}};
    out.values.reserve(colours.values.size() / 3);
    for (std::size_t i = c; i < colours.values.size(); i += 3)
        out.values.push_back(std::log(std::max(colours.values[i], 0.0F) + lift));
    return out;
}

// Extremes, a highlight's rim for one, do not count more than the 2nd or the 98th percentile.
void tame(std::vector<float>& v) {
    const float low = quantileOf(v, 0.02), high = quantileOf(v, 0.98);
    for (float& x : v)
        x = std::clamp(x, low, high);
}

Matrix3 covarianceOf(const Bands& bands) {
    const auto n = static_cast<double>(bands[0].size());
    Direction mean{};
    for (std::size_t i = 0; i < 3; ++i)
        for (const float v : bands[i])
            mean[i] += static_cast<double>(v) / n;
    Matrix3 out{};
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            for (std::size_t at = 0; at < bands[0].size(); ++at)
                out[i][j] += (static_cast<double>(bands[i][at]) - mean[i]) *
                             (static_cast<double>(bands[j][at]) - mean[j]) / n;
    return out;
}

Direction times(const Matrix3& m, const Direction& d) {
    Direction out{};
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            out[i] += m[i][j] * d[j];
    return out;
}

// The mix w with the largest (w . details w) / (w . shading w), to which the mean variance of shading is
// added for every colour: by power iteration. Its absolute values add up to 1; 0 where there is no detail.
Direction clearest(const Matrix3& details, Matrix3 shading) {
    const double variance = (shading[0][0] + shading[1][1] + shading[2][2]) / 3 + 1e-9;
    for (std::size_t i = 0; i < 3; ++i)
        shading[i][i] += variance;
    const Matrix3 whiten = inverse(shading);
    Direction w{0.3, 0.4, 0.3};
    for (int step = 0; step < 200; ++step) {
        w = times(whiten, times(details, w));
        const double size = std::abs(w[0]) + std::abs(w[1]) + std::abs(w[2]);
        if (size < 1e-12)
            return {};
        for (double& v : w)
            v /= size;
    }
    return w;
}

// How the details of a mix go with those of brightness.
double brightness(const Matrix3& details, const Direction& w) {
    const Direction d = times(details, w);
    return d[0] * static_cast<double>(luminanceWeights[0]) + d[1] * static_cast<double>(luminanceWeights[1]) +
           d[2] * static_cast<double>(luminanceWeights[2]);
}

} // namespace

SliceImage detailGrey(const SliceImage& colours, const SliceBox& box) {
    const CropGrid grid = gridOver(box, cellsAlong);
    const std::vector<std::uint8_t> lit = litCells(onGrid(luminance(colours), grid), coarse);
    if (std::count(lit.begin(), lit.end(), 1) < 64)
        return luminance(colours);
    std::array<SliceImage, 3> logs;
    Bands details, shading;
    for (std::size_t c = 0; c < 3; ++c) {
        logs[c] = logarithm(colours, c);
        SliceImage sharp = onGrid(logs[c], grid), smooth = sharp;
        blur(sharp, fine);
        blur(smooth, coarse);
        for (std::size_t i = 0; i < sharp.values.size(); ++i)
            sharp.values[i] -= smooth.values[i];
        details[c] = chosen(sharp.values, lit);
        shading[c] = chosen(smooth.values, lit);
        tame(details[c]);
    }
    const Matrix3 covariance = covarianceOf(details);
    Direction w = clearest(covariance, covarianceOf(shading));
    if (w == Direction{})
        return luminance(colours);
    if (brightness(covariance, w) < 0)
        for (double& v : w)
            v = -v;
    SliceImage out{colours.width, colours.height, 1, std::vector<float>(logs[0].values.size())};
    for (std::size_t c = 0; c < 3; ++c)
        for (std::size_t i = 0; i < out.values.size(); ++i)
            out.values[i] += static_cast<float>(w[c]) * logs[c].values[i];
    const float darkest = quantileOf(chosen(onGrid(out, grid).values, lit), 0.02);
    for (float& v : out.values)
        v = std::max(v, darkest);
    return out;
}

} // namespace tandem
