#include "core/measure/baselines.h"
#include "core/measure/distance_transform.h"
#include "core/measure/random_walker.h"
#include "inference/predict/focus.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int fine = 128;        // cells of the grid that outlines are corrected on
constexpr float certain = 10.0F; // logit where a click stands, and (negative) outside the crop

float sigmoid(float t) {
    return 1 / (1 + std::exp(-t));
}

float logit(float p) {
    p = std::clamp(p, 1e-4F, 1 - 1e-4F);
    return std::log(p / (1 - p));
}

// Values on one grid of the crop's square brought to another one of it.
std::vector<float> regrid(std::span<const float> v, int from, int to) {
    const double step = static_cast<double>(to) / from;
    return unsampleGrid(v, {-0.5, -0.5, step, step, from, from}, to, to, 0);
}

// Keeps what clicks have decided so far, on the fine grid.
class Correction {
public:
    Correction(const SliceImage& slice, const FocusCrop& crop, const FocusSettings& settings)
        : crop_(crop), settings_(settings), grey_(unitGrey(slice)), seeds_(grey_.size()) {}

    // Marks the disc around a click that lies between it and the outline of the mask it was made on.
    void addClick(const PointPrompt& p, const std::vector<float>& logitsBefore) {
        const CropGrid g = crop_.grid(fine);
        const double cx = (p.at[0] - g.left) / g.stepX - 0.5, cy = (p.at[1] - g.top) / g.stepY - 0.5;
        const double radius = settings_.clickReach * distanceToOutline(cx, cy, p.foreground, logitsBefore);
        for (int j = 0; j < fine; ++j)
            for (int i = 0; i < fine; ++i)
                if (const double d = std::hypot(i - cx, j - cy); d <= std::max(radius, 0.75))
                    seeds_[static_cast<std::size_t>(j * fine + i)] = p.foreground ? 1 : 2;
        anyClick_ = true;
    }

    // The outline moved to edges and to what clicks have decided. In and out: logits on the fine grid.
    std::vector<float> apply(std::vector<float> logits) const {
        const double weight = anyClick_ ? settings_.clickWeight : settings_.walkerWeight;
        if (weight <= 0)
            return logits;
        std::vector<float> prior(logits.size()), trust(logits.size());
        for (std::size_t i = 0; i < logits.size(); ++i) {
            prior[i] = sigmoid(logits[i]);
            trust[i] = static_cast<float>(weight);
        }
        std::vector<float> p = randomWalker({fine, fine, grey_, seeds_, 400, prior, trust}, 1e-3, 200);
        for (float& v : p)
            v = logit(v);
        return p;
    }

private:
    std::vector<float> unitGrey(const SliceImage& slice) const {
        std::vector<float> v = sampleGrid(luminance(slice), crop_.grid(fine), 0);
        const float low = quantileOf(v, 0.01), high = quantileOf(v, 0.99);
        for (float& x : v)
            x = std::clamp((x - low) / std::max(high - low, 1e-6F), 0.0F, 1.0F);
        return v;
    }
    // Cells from (cx, cy) to the nearest cell that the mask before already had as the click wants it; 0 if it
    // stands on one. Capped where there is no such cell.
    double distanceToOutline(double cx, double cy, bool foreground, const std::vector<float>& logits) const {
        double nearest = fine / 8.0;
        for (int j = 0; j < fine; ++j)
            for (int i = 0; i < fine; ++i)
                if ((logits[static_cast<std::size_t>(j * fine + i)] > 0) == foreground)
                    nearest = std::min(nearest, std::hypot(i - cx, j - cy));
        return nearest;
    }

    const FocusCrop& crop_;
    const FocusSettings& settings_;
    std::vector<float> grey_;
    std::vector<std::uint8_t> seeds_;
    bool anyClick_ = false;
};

void setPixel(std::vector<float>& logits, const SliceImage& slice, const PointPrompt& p) {
    const auto x = std::llround(p.at[0]), y = std::llround(p.at[1]);
    if (x >= 0 && y >= 0 && x < slice.width && y < slice.height)
        logits[static_cast<std::size_t>(y * slice.width + x)] = p.foreground ? certain : -certain;
}

void addOffset(std::vector<float>& logits, double offset) {
    for (float& v : logits)
        v += static_cast<float>(offset);
}

// How far the mask stays away from the sides of its box: mean over the sides, in units of the box's side.
double gapToBox(const std::vector<float>& logits, const CropGrid& g, const SliceBox& b) {
    double x0 = b.x1, y0 = b.y1, x1 = b.x0, y1 = b.y0;
    for (int j = 0; j < g.height; ++j)
        for (int i = 0; i < g.width; ++i)
            if (logits[static_cast<std::size_t>(j * g.width + i)] > 0) {
                x0 = std::min(x0, g.centreX(i));
                x1 = std::max(x1, g.centreX(i));
                y0 = std::min(y0, g.centreY(j));
                y1 = std::max(y1, g.centreY(j));
            }
    const double w = b.x1 - b.x0 + 1, h = b.y1 - b.y0 + 1;
    return (std::max(0.0, x0 - b.x0) / w + std::max(0.0, b.x1 - x1) / w + std::max(0.0, y0 - b.y0) / h +
            std::max(0.0, b.y1 - y1) / h) /
           4;
}

// A network hedges about how loose a box is: inside a tight one it draws too little and errs more than the
// ellipse. Its own mask tells: where it reaches the box's sides, a constant and logits of the inscribed
// ellipse are added.
void trustTightBox(std::vector<float>& logits, const FocusCrop& crop, int maskSize, const FocusSettings& s) {
    if (s.ellipseWeight <= 0 && s.tightOffset == 0)
        return;
    const CropGrid g = crop.grid(maskSize);
    const double gap = gapToBox(logits, g, crop.box);
    const double tight = std::exp(-gap * gap / (s.ellipseReach * s.ellipseReach));
    const auto w = static_cast<float>(s.ellipseWeight * tight),
               offset = static_cast<float>(s.tightOffset * tight);
    for (int j = 0; j < g.height; ++j)
        for (int i = 0; i < g.width; ++i) {
            const double r = ellipticRadius(crop.box, g.centreX(i), g.centreY(j));
            logits[static_cast<std::size_t>(j * g.width + i)] +=
                offset + w * static_cast<float>(std::clamp(6 * (1 - r), -6.0, 6.0));
        }
}

std::vector<float> clipped(std::vector<float> logits) {
    for (float& v : logits)
        v = std::clamp(v, -certain, certain);
    return logits;
}

} // namespace

FocusAnswer answerFocus(const SliceImage& slice, const FocusCrop& crop, const Prompts& prompts, int maskSize,
                        const FocusSettings& settings, const FocusDecode& decode) {
    FocusQuestion question{crop.modelBox(), {}, priorMask(slice, crop, maskSize)};
    const auto ask = [&] {
        FocusReply r = decode(question);
        addOffset(r.logits, settings.logitOffset);
        trustTightBox(r.logits, crop, maskSize, settings);
        return r;
    };
    FocusReply reply = ask();
    Correction correction(slice, crop, settings);
    std::vector<float> now = correction.apply(regrid(reply.logits, maskSize, fine));
    for (const PointPrompt& p : prompts.points) {
        correction.addClick(p, now);
        if (settings.networkClicks) {
            const Point<ModelPx> at = crop.modelFromSlice(p.at);
            question.clicks.push_back({at[0], at[1], p.foreground});
            question.maskPrompt = clipped(std::move(reply.logits));
            reply = ask();
        }
        now = correction.apply(regrid(reply.logits, maskSize, fine));
    }
    FocusAnswer answer{unsampleGrid(now, crop.grid(fine), slice.width, slice.height, -certain),
                       reply.predictedIou};
    for (const PointPrompt& p : prompts.points)
        setPixel(answer.logits, slice, p);
    return answer;
}

} // namespace tandem
