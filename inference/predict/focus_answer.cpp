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

// Keeps what clicks and scribbles have decided so far, on the fine grid.
class Correction {
public:
    Correction(const SliceImage& slice, const FocusCrop& crop, const FocusSettings& settings)
        : grid_(crop.grid(fine)), settings_(settings), grey_(unitGrey(slice)), seeds_(grey_.size()),
          lines_(grey_.size()) {}

    // Marks the disc around a click, or around every cell of a scribble, that lies between it and the outline
    // of the mask it was made on.
    void add(const PointPrompt& p, const std::vector<float>& logitsBefore) {
        const PointPrompt onGrid = promptOnGrid(p, grid_);
        if (p.isScribble())
            decideLine(onGrid, logitsBefore);
        else
            decideDisc(onGrid.at, p.foreground, logitsBefore);
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
    static constexpr double farthest = fine / 8.0; // cells: what a distance is capped at

    std::vector<float> unitGrey(const SliceImage& slice) const {
        std::vector<float> v = sampleGrid(slice, grid_, 0);
        const float low = quantileOf(v, 0.01), high = quantileOf(v, 0.99);
        for (float& x : v)
            x = std::clamp((x - low) / std::max(high - low, 1e-6F), 0.0F, 1.0F);
        return v;
    }
    // Every cell at most `radius` from a place, with its distance.
    template <class Visit>
    static void visitDisc(const Point<SlicePx>& c, double radius, const Visit& visit) {
        const auto first = [=](double v) { return std::max(0, static_cast<int>(std::ceil(v - radius))); };
        const auto last = [=](double v) {
            return std::min(fine - 1, static_cast<int>(std::floor(v + radius)));
        };
        for (int j = first(c[1]); j <= last(c[1]); ++j)
            for (int i = first(c[0]); i <= last(c[0]); ++i)
                if (const double d = std::hypot(i - c[0], j - c[1]); d <= radius)
                    visit(static_cast<std::size_t>(j * fine + i), d);
    }
    void decideDisc(const Point<SlicePx>& c, bool foreground, const std::vector<float>& logitsBefore) {
        const double radius = settings_.clickReach * distanceToOutline(c, foreground, logitsBefore);
        visitDisc(c, std::max(radius, 0.75),
                  [&](std::size_t cell, double) { seeds_[cell] = foreground ? 1 : 2; });
    }
    void decideLine(const PointPrompt& scribble, const std::vector<float>& logitsBefore) {
        std::vector<SlicePixel> line = pixelsUnder(scribble, fine, fine);
        std::sort(line.begin(), line.end());
        line.erase(std::unique(line.begin(), line.end()), line.end());
        for (const SlicePixel& c : line)
            decideDisc({{static_cast<double>(c.x), static_cast<double>(c.y)}}, scribble.foreground,
                       logitsBefore);
        for (const SlicePixel& c : line)
            lines_[static_cast<std::size_t>(c.y * fine + c.x)] = scribble.foreground ? 1 : 2;
    }
    // Cells from a place to the nearest cell that the mask before already had as the prompt wants it; 0 if it
    // stands on one. Capped where there is no such cell, and at half the way to a scribble that says
    // otherwise.
    double distanceToOutline(const Point<SlicePx>& c, bool foreground,
                             const std::vector<float>& logits) const {
        double nearest = farthest;
        visitDisc(c, farthest, [&](std::size_t cell, double distance) {
            if ((logits[cell] > 0) == foreground)
                nearest = std::min(nearest, distance);
            if (lines_[cell] == (foreground ? 2 : 1))
                nearest = std::min(nearest, distance / 2);
        });
        return nearest;
    }

    CropGrid grid_;
    const FocusSettings& settings_;
    std::vector<float> grey_;
    std::vector<std::uint8_t> seeds_; // 0 open, 1 belongs, 2 does not
    std::vector<std::uint8_t> lines_; // the same, under scribbles alone
    bool anyClick_ = false;
};

// Clicks and scribbles win at their own pixels, a later one over an earlier.
void setPixels(std::vector<float>& logits, const SliceImage& slice, const std::vector<PointPrompt>& prompts) {
    const std::vector<std::uint8_t> decided = decidedPixels(prompts, slice.width, slice.height);
    for (std::size_t i = 0; i < decided.size(); ++i)
        if (decided[i])
            logits[i] = decided[i] == 1 ? certain : -certain;
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
// box's prior does. Its own mask tells: where it reaches the box's sides and the network is not sure of it, a
// constant and the prior are added.
void trustTightBox(FocusReply& reply, const std::vector<float>& prior, const FocusCrop& crop, int maskSize,
                   const FocusSettings& s) {
    if (s.priorWeight <= 0 && s.tightOffset == 0)
        return;
    const double gap = gapToBox(reply.logits, crop.grid(maskSize), crop.box);
    const double unsure =
        std::clamp((s.sureIou - reply.predictedIou) / std::max(s.sureIou - s.unsureIou, 1e-6), 0.0, 1.0);
    const double share = unsure * std::exp(-gap * gap / (s.priorReach * s.priorReach));
    for (std::size_t i = 0; i < reply.logits.size(); ++i)
        reply.logits[i] += static_cast<float>(share * (s.tightOffset + s.priorWeight * prior[i]));
}

std::vector<float> clipped(std::vector<float> logits) {
    for (float& v : logits)
        v = std::clamp(v, -certain, certain);
    return logits;
}

} // namespace

FocusAnswer answerFocus(const SliceImage& slice, const FocusCrop& crop, const Prompts& prompts, int maskSize,
                        const FocusSettings& settings, const FocusDecode& decode) {
    const std::vector<float> prior = priorMask(slice, crop, maskSize);
    FocusQuestion question{crop.modelBox(), {}, prior};
    const auto ask = [&] {
        FocusReply r = decode(question);
        addOffset(r.logits, settings.logitOffset);
        trustTightBox(r, prior, crop, maskSize, settings);
        return r;
    };
    FocusReply reply = ask();
    Correction correction(slice, crop, settings);
    std::vector<float> now = correction.apply(regrid(reply.logits, maskSize, fine));
    for (const PointPrompt& p : prompts.points) {
        correction.add(p, now);
        if (settings.networkClicks) {
            for (const Point<SlicePx>& along : pointsAlong(p, clicksOfScribble)) {
                const Point<ModelPx> at = crop.modelFromSlice(along);
                question.clicks.push_back({at[0], at[1], p.foreground});
            }
            question.maskPrompt = clipped(std::move(reply.logits));
            reply = ask();
        }
        now = correction.apply(regrid(reply.logits, maskSize, fine));
    }
    FocusAnswer answer{unsampleGrid(now, crop.grid(fine), slice.width, slice.height, -certain),
                       reply.predictedIou};
    setPixels(answer.logits, slice, prompts.points);
    return answer;
}

} // namespace tandem
