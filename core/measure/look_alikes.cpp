#include "core/measure/look_alikes.h"

#include "core/geometry/matrix3.h"
#include "core/measure/baselines.h"
#include "core/measure/bends.h"
#include "core/measure/components.h"
#include "core/measure/gaussian_blur.h"
#include "core/measure/least_squares.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace tandem {
namespace {

constexpr std::int64_t longest = 384; // cells
constexpr std::int64_t reach = 2;     // cells around an example that are examples too
constexpr double weakShare = 0.15;    // weight of the box in units of what was pointed at
constexpr double smallWeights = 10;   // how much large weights of features cost
constexpr double least = 0.03, most = 0.2;
constexpr float steepness = 4, nowhere = -10;

CropGrid gridAround(const SliceBox& b, const SliceImage& s) {
    const double around = 0.3 * (std::max(b.x1 - b.x0, b.y1 - b.y0) + 1);
    const auto edge = [](double v, std::int64_t size) {
        return std::clamp(v, -0.5, static_cast<double>(size) - 0.5);
    };
    const double left = edge(b.x0 - 0.5 - around, s.width), right = edge(b.x1 + 0.5 + around, s.width);
    const double top = edge(b.y0 - 0.5 - around, s.height), bottom = edge(b.y1 + 0.5 + around, s.height);
    const double step = std::max(1.0, std::max(right - left, bottom - top) / static_cast<double>(longest));
    const auto cells = [step](double length) {
        return std::max<std::int64_t>(1, std::llround(length / step));
    };
    CropGrid g{left, top, 1, 1, cells(right - left), cells(bottom - top)};
    g.stepX = (right - left) / static_cast<double>(g.width);
    g.stepY = (bottom - top) / static_cast<double>(g.height);
    return g;
}

// Mean 0 and deviation 1; a constant becomes 0.
void standardise(std::vector<float>& v) {
    double sum = 0, squares = 0;
    for (const float x : v)
        sum += static_cast<double>(x);
    const double mean = sum / static_cast<double>(v.size());
    for (const float x : v)
        squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(v.size()));
    for (float& x : v)
        x = static_cast<float>((static_cast<double>(x) - mean) / std::max(deviation, 1e-9));
}

using Colours = std::array<std::vector<float>, 3>; // or what was made of them
using Direction = std::array<double, 3>;

// Optical densities of red, green and blue, each less its mean.
Colours densitiesOf(const SliceImage& colours, const CropGrid& g) {
    Colours densities;
    for (std::size_t c = 0; c < 3; ++c) {
        std::array<float, 3> one{};
        one[c] = 1;
        densities[c] = sampleGrid(mixed(colours, one), g, 0);
        double sum = 0;
        for (float& v : densities[c]) {
            v = -std::log(std::clamp(v / 255, 0.02F, 1.0F));
            sum += static_cast<double>(v);
        }
        const auto mean = static_cast<float>(sum / static_cast<double>(densities[c].size()));
        for (float& v : densities[c])
            v -= mean;
    }
    return densities;
}

// The direction of the largest variance that a symmetric matrix holds, which is then taken out of it.
// Source: power iteration with deflation.
Direction takeLargest(Matrix3& covariance) {
    Direction v{1, 0.9, 0.8}; // no axis is favoured, none is orthogonal to it by chance
    double size = 0;
    for (int step = 0; step < 200; ++step) {
        Direction next{};
        for (std::size_t i = 0; i < 3; ++i)
            for (std::size_t j = 0; j < 3; ++j)
                next[i] += covariance[i][j] * v[j];
        size = std::sqrt(next[0] * next[0] + next[1] * next[1] + next[2] * next[2]);
        if (size < 1e-12)
            return {};
        for (std::size_t i = 0; i < 3; ++i)
            v[i] = next[i] / size;
    }
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            covariance[i][j] -= size * v[i] * v[j];
    return v;
}

// The colours' principal components, the one that varies most first.
Colours principal(const Colours& densities) {
    Matrix3 covariance{};
    const auto n = static_cast<double>(densities[0].size());
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            for (std::size_t at = 0; at < densities[0].size(); ++at)
                covariance[i][j] +=
                    static_cast<double>(densities[i][at]) * static_cast<double>(densities[j][at]) / n;
    Colours out;
    for (std::vector<float>& component : out) {
        const Direction d = takeLargest(covariance);
        component.resize(densities[0].size());
        for (std::size_t at = 0; at < component.size(); ++at)
            for (std::size_t c = 0; c < 3; ++c)
                component[at] += static_cast<float>(d[c]) * densities[c][at];
    }
    return out;
}

} // namespace

LookAlikes::LookAlikes(const SliceImage& slice, const SliceBox& box) : grid_(gridAround(box, slice)) {
    const auto count = static_cast<std::size_t>(grid_.width * grid_.height);
    examples_.resize(count);
    for (std::int64_t j = 0; j < grid_.height; ++j)
        for (std::int64_t i = 0; i < grid_.width; ++i)
            inBox_.push_back(box.holds(grid_.centreX(i), grid_.centreY(j)));
    const auto component = [this](std::vector<float> values) {
        return SliceImage{grid_.width, grid_.height, 1, std::move(values)};
    };
    if (slice.components == 3) {
        Colours colours = principal(densitiesOf(slice, grid_));
        for (std::size_t c = 0; c < 3; ++c)
            addFeaturesOf(component(std::move(colours[c])), c == 0);
    } else {
        addFeaturesOf(component(sampleGrid(slice, grid_, 0)), true);
    }
    features_.emplace_back(count, 1.0F);
    box_ = sumsOver(2, [this](std::size_t i) { return inBox_[i] != 0; });
    rest_ = sumsOver(2, [this](std::size_t i) { return inBox_[i] == 0; });
}

void LookAlikes::addFeature(std::vector<float> values) {
    standardise(values);
    features_.push_back(std::move(values));
}

void LookAlikes::addFeaturesOf(const SliceImage& s, bool bends) {
    constexpr std::array<double, 5> sigmas{0.7, 1.5, 3, 6, 12};
    std::array<SliceImage, 5> blurred;
    for (std::size_t i = 0; i < sigmas.size(); ++i) {
        blurred[i] = s;
        blur(blurred[i], sigmas[i]);
    }
    for (std::size_t i = 0; i < 3; ++i) {
        std::vector<float> difference = blurred[i].values;
        for (std::size_t at = 0; at < difference.size(); ++at)
            difference[at] -= blurred[i + 2].values[at];
        addFeature(std::move(difference));
    }
    for (std::size_t i = 0; i < 3; ++i)
        addFeature(blurred[i].values);
    if (bends)
        for (std::size_t i = 1; i < 3; ++i)
            for (std::vector<float>& bend : bendsOf(blurred[i]))
                addFeature(std::move(bend));
}

void LookAlikes::show(std::span<const SlicePixel> cells, bool foreground) {
    for (const SlicePixel& c : cells)
        for (std::int64_t y = std::max<std::int64_t>(0, c.y - reach);
             y <= std::min(grid_.height - 1, c.y + reach); ++y)
            for (std::int64_t x = std::max<std::int64_t>(0, c.x - reach);
                 x <= std::min(grid_.width - 1, c.x + reach); ++x)
                if ((x - c.x) * (x - c.x) + (y - c.y) * (y - c.y) <= reach * reach)
                    examples_[static_cast<std::size_t>(y * grid_.width + x)] = foreground ? 1 : 2;
}

// Sums over every step-th cell of every step-th row that is used.
template <class Use>
LookAlikes::Sums LookAlikes::sumsOver(int step, const Use& use) const {
    const std::size_t n = features_.size();
    Sums sums{0, Gram(n * n), std::vector<double>(n)};
    std::vector<double> f(n);
    for (std::int64_t y = 0; y < grid_.height; y += step)
        for (std::int64_t x = 0; x < grid_.width; x += step) {
            const auto at = static_cast<std::size_t>(y * grid_.width + x);
            if (!use(at))
                continue;
            for (std::size_t i = 0; i < n; ++i)
                f[i] = static_cast<double>(features_[i][at]);
            for (std::size_t i = 0; i < n; ++i) {
                sums.values[i] += f[i];
                for (std::size_t j = 0; j <= i; ++j)
                    sums.products[i * n + j] += f[i] * f[j];
            }
            sums.cells += 1;
        }
    return sums;
}

// The least of sum w (score - target)^2 + smallWeights * (weights of features)^2, where what was pointed at
// has a weight of 1 for each kind and target, and the cells inside and outside the box weakShare.
std::vector<float> LookAlikes::logits() const {
    const std::size_t n = features_.size();
    Gram a(n * n);
    std::vector<double> b(n);
    const auto add = [&](const Sums& s, double weight, double target) {
        for (std::size_t i = 0; i < n && s.cells > 0; ++i) {
            b[i] += weight * target * s.values[i] / s.cells;
            for (std::size_t j = 0; j <= i; ++j)
                a[i * n + j] += weight * s.products[i * n + j] / s.cells;
        }
    };
    add(box_, weakShare, 1);
    add(rest_, weakShare, -1);
    add(sumsOver(1, [this](std::size_t i) { return examples_[i] == 1; }), 1, 1);
    add(sumsOver(1, [this](std::size_t i) { return examples_[i] == 2; }), 1, -1);
    for (std::size_t i = 0; i < n; ++i)
        a[i * n + i] += smallWeights * (i + 1 < n ? 1 : 1e-3);
    const std::vector<double> weights = solveSymmetric(std::move(a), std::move(b));
    std::vector<float> scores(examples_.size());
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t at = 0; at < scores.size(); ++at)
            scores[at] += static_cast<float>(weights[i]) * features_[i][at];
    const float cut = cutOf(scores);
    for (std::size_t at = 0; at < scores.size(); ++at)
        scores[at] = inBox_[at] ? steepness * (scores[at] - cut) : nowhere;
    constexpr std::int64_t smallest = 6; // cells
    dropSpecks(scores, {grid_.width, grid_.height, 1}, smallest, false, examples_);
    return scores;
}

// Where scores begin to mean "belongs": 0, or with examples of one kind only, which say nothing about that,
// Otsu's threshold.
float LookAlikes::cutOf(const std::vector<float>& scores) const {
    const auto shown = [this](std::uint8_t kind) {
        return std::find(examples_.begin(), examples_.end(), kind) != examples_.end();
    };
    if (shown(1) && shown(2))
        return 0;
    std::vector<float> inside;
    for (std::size_t at = 0; at < scores.size(); ++at)
        if (inBox_[at])
            inside.push_back(scores[at]);
    const float low = quantileOf(inside, 1 - most), high = quantileOf(inside, 1 - least);
    return std::clamp(otsuThreshold(inside), low, high);
}

} // namespace tandem
