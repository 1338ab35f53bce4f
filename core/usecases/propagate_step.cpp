#include "core/usecases/propagate_step.h"

#include "core/measure/components.h"
#include "core/measure/distance_transform.h"
#include "core/measure/grey_crop.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace tandem {
namespace {

template <class Inside>
std::optional<SliceBox> boxOver(const PixelWindow& w, Inside&& inside) {
    std::int64_t x0 = w.x0 + w.width, y0 = w.y0 + w.height, x1 = -1, y1 = -1;
    for (std::int64_t y = w.y0; y < w.y0 + w.height; ++y)
        for (std::int64_t x = w.x0; x < w.x0 + w.width; ++x)
            if (inside(x, y)) {
                x0 = std::min(x0, x);
                x1 = std::max(x1, x);
                y0 = std::min(y0, y);
                y1 = std::max(y1, y);
            }
    if (x1 < 0)
        return std::nullopt;
    return SliceBox{static_cast<double>(x0), static_cast<double>(y0), static_cast<double>(x1),
                    static_cast<double>(y1)};
}

// A value of a patch between its pixels; its rim goes on outside.
float sample(const SlicePatch& p, double x, double y) {
    const double cx =
        std::clamp(x - static_cast<double>(p.window.x0), 0.0, static_cast<double>(p.window.width - 1));
    const double cy =
        std::clamp(y - static_cast<double>(p.window.y0), 0.0, static_cast<double>(p.window.height - 1));
    const auto x0 = static_cast<std::int64_t>(cx), y0 = static_cast<std::int64_t>(cy);
    const std::int64_t x1 = std::min(x0 + 1, p.window.width - 1), y1 = std::min(y0 + 1, p.window.height - 1);
    const double fx = cx - static_cast<double>(x0), fy = cy - static_cast<double>(y0);
    const auto value = [&p](std::int64_t i, std::int64_t j) {
        return static_cast<double>(p.values[static_cast<std::size_t>(j * p.window.width + i)]);
    };
    return static_cast<float>((1 - fy) * ((1 - fx) * value(x0, y0) + fx * value(x1, y0)) +
                              fy * ((1 - fx) * value(x0, y1) + fx * value(x1, y1)));
}

// Where a coordinate of one interval lies in another one; by the outer edges of the pixels.
double carried(double v, double from0, double from1, double to0, double to1) {
    const double share = (v - (from0 - 0.5)) / (from1 - from0 + 1);
    return to0 - 0.5 + share * (to1 - to0 + 1);
}

std::vector<std::uint8_t> insideOf(const SlicePatch& p) {
    std::vector<std::uint8_t> inside(p.values.size());
    for (std::size_t i = 0; i < inside.size(); ++i)
        inside[i] = p.values[i] > 0;
    return inside;
}

// Distance to the outline, positive inside; what lies beyond the window is not looked at.
std::vector<float> signedDistances(const std::vector<std::uint8_t>& in, const PixelWindow& w,
                                   std::array<double, 2> spacing) {
    std::vector<std::uint8_t> out(in.size());
    for (std::size_t i = 0; i < in.size(); ++i)
        out[i] = !in[i];
    const std::array<std::int64_t, 3> size{w.width, w.height, 1};
    const auto toIn = squaredDistance(in, size, {spacing[0], spacing[1], 1});
    const auto toOut = squaredDistance(out, size, {spacing[0], spacing[1], 1});
    const double half = 0.25 * (spacing[0] + spacing[1]), farthest = 1e6;
    std::vector<float> d(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) {
        const double distance = std::min(farthest, std::sqrt(in[i] ? toOut[i] : toIn[i])) - half;
        d[i] = static_cast<float>(in[i] ? distance : -distance);
    }
    return d;
}

// Leaves out what is in but hangs together with nothing expected.
void dropStrays(SlicePatch& mask, const SlicePatch& expected) {
    const std::vector<std::uint8_t> inside = insideOf(mask);
    const Components parts = connectedComponents(inside, {mask.window.width, mask.window.height, 1}, true);
    std::vector<std::uint8_t> keeps(parts.voxels.size());
    for (std::size_t i = 0; i < inside.size(); ++i)
        if (inside[i] && expected.values[i] > 0)
            keeps[static_cast<std::size_t>(parts.label[i])] = 1;
    for (std::size_t i = 0; i < inside.size(); ++i)
        if (inside[i] && !keeps[static_cast<std::size_t>(parts.label[i])])
            mask.values[i] = -mask.values[i];
}

void smooth(std::array<float, 32>& bins) {
    const std::array<float, 32> v = bins;
    for (std::size_t i = 0; i < v.size(); ++i)
        bins[i] = 0.25F * v[i == 0 ? 0 : i - 1] + 0.5F * v[i] + 0.25F * v[std::min(i + 1, v.size() - 1)];
}

} // namespace

std::int64_t SlicePatch::area() const {
    return std::count_if(values.begin(), values.end(), [](float v) { return v > 0; });
}

std::optional<SliceBox> boundingBox(const SlicePatch& p) {
    return boxOver(p.window, [&p](std::int64_t x, std::int64_t y) { return p.at(x, y) > 0; });
}

SliceBox grownBox(const SliceBox& b, double margin, std::int64_t width, std::int64_t height) {
    const double right = static_cast<double>(width - 1), bottom = static_cast<double>(height - 1);
    return {
        std::clamp(std::floor(b.x0 - margin), 0.0, right), std::clamp(std::floor(b.y0 - margin), 0.0, bottom),
        std::clamp(std::ceil(b.x1 + margin), 0.0, right), std::clamp(std::ceil(b.y1 + margin), 0.0, bottom)};
}

SliceBox boxBetween(const SliceBox& from, const SliceBox& to, double t) {
    return {from.x0 + t * (to.x0 - from.x0), from.y0 + t * (to.y0 - from.y0), from.x1 + t * (to.x1 - from.x1),
            from.y1 + t * (to.y1 - from.y1)};
}

PixelWindow windowOf(const SliceBox& b) {
    const auto x0 = static_cast<std::int64_t>(std::floor(b.x0)),
               y0 = static_cast<std::int64_t>(std::floor(b.y0));
    return {x0, y0, static_cast<std::int64_t>(std::ceil(b.x1)) - x0 + 1,
            static_cast<std::int64_t>(std::ceil(b.y1)) - y0 + 1};
}

SliceMask maskOf(const SlicePatch& p, std::int64_t width, std::int64_t height) {
    SliceMask mask(width, height);
    for (std::int64_t y = p.window.y0; y < p.window.y0 + p.window.height; ++y)
        for (std::int64_t x = p.window.x0; x < p.window.x0 + p.window.width; ++x)
            mask.at(x, y) = p.at(x, y) > 0;
    return mask;
}

SlicePatch signedDistance(const SliceMask& mask, const PixelWindow& w, std::array<double, 2> spacing) {
    std::vector<std::uint8_t> in(static_cast<std::size_t>(w.pixels()));
    for (std::int64_t y = 0; y < w.height; ++y)
        for (std::int64_t x = 0; x < w.width; ++x)
            in[static_cast<std::size_t>(y * w.width + x)] = mask.at(w.x0 + x, w.y0 + y) != 0;
    return {w, signedDistances(in, w, spacing)};
}

double depthOf(const SlicePatch& d) {
    return d.values.empty() ? 0 : static_cast<double>(*std::max_element(d.values.begin(), d.values.end()));
}

void dropTongues(SlicePatch& mask, double radius, double leastShare, std::array<double, 2> spacing) {
    const std::array<std::int64_t, 3> size{mask.window.width, mask.window.height, 1};
    std::vector<std::uint8_t> core = insideOf(mask);
    const std::vector<float> depth = signedDistances(core, mask.window, spacing);
    for (std::size_t i = 0; i < core.size(); ++i)
        core[i] = static_cast<double>(depth[i]) > radius;
    const Components parts = connectedComponents(core, size, true);
    if (parts.count() == 0)
        return;
    const double least =
        leastShare * static_cast<double>(parts.voxels[static_cast<std::size_t>(parts.largest())]);
    for (std::size_t i = 0; i < core.size(); ++i)
        core[i] =
            core[i] && static_cast<double>(parts.voxels[static_cast<std::size_t>(parts.label[i])]) >= least;
    const auto away = squaredDistance(core, size, {spacing[0], spacing[1], 1});
    const double reach = radius + 0.5 * (spacing[0] + spacing[1]); // the opening, and a pixel of its rim
    for (std::size_t i = 0; i < core.size(); ++i)
        if (mask.values[i] > 0 && away[i] > reach * reach)
            mask.values[i] = -mask.values[i];
}

SlicePatch shapeBetween(const SliceMask& from, const SliceMask& to, double t, const PixelWindow& w,
                        std::array<double, 2> spacing) {
    const auto fromBox = boundingBox(from), toBox = boundingBox(to);
    SlicePatch shape{w, std::vector<float>(static_cast<std::size_t>(w.pixels()), -1e6F)};
    if (!fromBox || !toBox)
        return shape;
    const SliceBox between = boxBetween(*fromBox, *toBox, t);
    const SlicePatch a = signedDistance(from, {0, 0, from.width, from.height}, spacing);
    const SlicePatch b = signedDistance(to, {0, 0, to.width, to.height}, spacing);
    for (std::int64_t y = 0; y < w.height; ++y)
        for (std::int64_t x = 0; x < w.width; ++x) {
            const auto px = static_cast<double>(w.x0 + x), py = static_cast<double>(w.y0 + y);
            const auto at = [&](const SlicePatch& d, const SliceBox& box) {
                return sample(d, carried(px, between.x0, between.x1, box.x0, box.x1),
                              carried(py, between.y0, between.y1, box.y0, box.y1));
            };
            shape.values[static_cast<std::size_t>(y * w.width + x)] =
                static_cast<float>((1 - t) * at(a, *fromBox) + t * at(b, *toBox));
        }
    return shape;
}

Appearance::Appearance(const SliceImage& grey, const SliceMask& mask, const PixelWindow& around) {
    std::vector<float> inside, outside, all;
    for (std::int64_t y = around.y0; y < around.y0 + around.height; ++y)
        for (std::int64_t x = around.x0; x < around.x0 + around.width; ++x) {
            const float v = grey.values[static_cast<std::size_t>(y * grey.width + x)];
            if (!std::isfinite(v))
                continue;
            (mask.at(x, y) ? inside : outside).push_back(v);
            all.push_back(v);
        }
    if (inside.empty())
        return;
    low_ = quantileOf(all, 0.01);
    high_ = std::max(quantileOf(all, 0.99), low_ + 1e-6F * std::max(1.0F, std::abs(low_)));
    for (float v : inside)
        mean_ += v / static_cast<double>(inside.size());
    for (float v : inside)
        deviation_ += (v - mean_) * (v - mean_) / static_cast<double>(inside.size());
    deviation_ = std::max(std::sqrt(deviation_), 0.02 * static_cast<double>(high_ - low_));
    std::array<float, 32> in{}, out{};
    for (float v : inside)
        in[binOf(v)] += 1.0F / static_cast<float>(inside.size());
    for (float v : outside)
        out[binOf(v)] += 1.0F / static_cast<float>(outside.size());
    for (int pass = 0; pass < 2; ++pass) {
        smooth(in);
        smooth(out);
    }
    constexpr float rare = 0.01F; // share of a bin below which nothing is concluded
    for (std::size_t i = 0; i < ratio_.size(); ++i)
        ratio_[i] = std::clamp(std::log((in[i] + rare) / (out[i] + rare)), -3.0F, 3.0F);
}

std::size_t Appearance::binOf(float grey) const {
    const float share = (grey - low_) / (high_ - low_);
    return static_cast<std::size_t>(std::clamp(share * 32.0F, 0.0F, 31.0F));
}

float Appearance::logRatio(float grey) const {
    return std::isfinite(grey) ? ratio_[binOf(grey)] : 0.0F;
}

SlicePatch combine(const Proposal& p, const SlicePatch& expected, const SlicePatch* anchor,
                   const SliceImage& grey, const Appearance& appearance, const VoiceWeights& weights) {
    SlicePatch sum{expected.window, std::vector<float>(expected.values.size())};
    const PixelWindow& w = sum.window;
    const auto clipped = [](float v, double most) { return std::clamp(static_cast<double>(v), -most, most); };
    for (std::int64_t y = 0; y < w.height; ++y)
        for (std::int64_t x = 0; x < w.width; ++x) {
            const auto here = static_cast<std::size_t>(y * w.width + x);
            const auto there = static_cast<std::size_t>((w.y0 + y) * grey.width + w.x0 + x);
            double v = weights.bias + weights.network * clipped(p.logits[there], weights.networkClip) +
                       weights.shape * clipped(expected.values[here], weights.distanceClip) +
                       weights.appearance * static_cast<double>(appearance.logRatio(grey.values[there]));
            if (anchor)
                v += weights.anchor * clipped(anchor->values[here], weights.distanceClip);
            sum.values[here] = static_cast<float>(v);
        }
    dropStrays(sum, expected);
    return sum;
}

void limitArea(SlicePatch& patch, std::int64_t most) {
    if (patch.area() <= most)
        return;
    std::vector<float> sorted = patch.values;
    const auto limit = sorted.begin() + std::max<std::int64_t>(most, 0);
    std::nth_element(sorted.begin(), limit, sorted.end(), std::greater<>());
    const float least = *limit;
    for (float& v : patch.values)
        v -= least;
}

StepFigures figuresOf(const SlicePatch& mask, std::int64_t areaBefore, float predictedIou,
                      const SliceImage& grey, const Appearance& appearance) {
    StepFigures f{static_cast<double>(predictedIou), 0, 0, 0, 0};
    double sum = 0;
    for (std::int64_t y = mask.window.y0; y < mask.window.y0 + mask.window.height; ++y)
        for (std::int64_t x = mask.window.x0; x < mask.window.x0 + mask.window.width; ++x) {
            const float v = grey.values[static_cast<std::size_t>(y * grey.width + x)];
            if (mask.at(x, y) <= 0 || !std::isfinite(v))
                continue;
            ++f.area;
            sum += static_cast<double>(v);
            f.support += static_cast<double>(appearance.logRatio(v));
        }
    f.areaRatio = static_cast<double>(f.area) / static_cast<double>(std::max<std::int64_t>(areaBefore, 1));
    if (f.area == 0)
        return f;
    f.support /= static_cast<double>(f.area);
    f.drift = std::abs(sum / static_cast<double>(f.area) - appearance.mean()) /
              std::max(appearance.deviation(), 1e-12);
    return f;
}

StopReason brokenRule(const StepFigures& f, const StopRules& r, double usualIou) {
    if (f.area < r.leastArea)
        return StopReason::Empty;
    if (f.predictedIou < r.leastIou * usualIou)
        return StopReason::LowIou;
    if (f.areaRatio > r.mostGrowth)
        return StopReason::AreaGrew;
    if (f.areaRatio < r.leastShrinkage)
        return StopReason::AreaShrank;
    if (f.drift > r.mostDrift || f.support < r.leastSupport)
        return StopReason::GreyDrifted;
    return StopReason::None;
}

} // namespace tandem
