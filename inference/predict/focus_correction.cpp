#include "inference/predict/focus_correction.h"

#include "core/measure/logistic.h"
#include "core/measure/pixel_classifier.h"
#include "core/measure/random_walker.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int fine = correctionCells;
constexpr double farthest = fine / 8.0; // cells: what a distance to an outline is capped at

std::vector<std::uint8_t> outsideOf(const FocusCrop& crop, const CropGrid& g) {
    std::vector<std::uint8_t> outside;
    outside.reserve(static_cast<std::size_t>(g.width * g.height));
    for (std::int64_t j = 0; j < g.height; ++j)
        for (std::int64_t i = 0; i < g.width; ++i)
            outside.push_back(!crop.boxHolds(g.centreX(i), g.centreY(j)));
    return outside;
}

// Every cell at most `radius` from a place, with its distance.
template <class Visit>
void visitDisc(const Point<SlicePx>& c, double radius, const Visit& visit) {
    const auto first = [=](double v) { return std::max(0, static_cast<int>(std::ceil(v - radius))); };
    const auto last = [=](double v) { return std::min(fine - 1, static_cast<int>(std::floor(v + radius))); };
    for (int j = first(c[1]); j <= last(c[1]); ++j)
        for (int i = first(c[0]); i <= last(c[0]); ++i)
            if (const double d = std::hypot(i - c[0], j - c[1]); d <= radius)
                visit(static_cast<std::size_t>(j) * fine + static_cast<std::size_t>(i), d);
}

} // namespace

FocusCorrection::FocusCorrection(const SliceImage& slice, const FocusCrop& crop,
                                 const FocusSettings& settings)
    : grid_(crop.grid(fine)), settings_(settings), grey_(unitGrey(slice, grid_)),
      trust_(grey_.size(), static_cast<float>(settings.walkerWeight)), seeds_(grey_.size()),
      lines_(grey_.size()), outside_(outsideOf(crop, grid_)) {}

void FocusCorrection::add(const PointPrompt& p, const std::vector<float>& logitsBefore) {
    for (float& t : trust_)
        t = std::max(t, static_cast<float>(settings_.clickWeight));
    const PointPrompt onGrid = promptOnGrid(p, grid_);
    if (p.isScribble())
        decideLine(onGrid, logitsBefore);
    else
        decideDisc(onGrid.at, p.foreground, logitsBefore);
    ++(p.foreground ? foreground_ : background_);
}

std::vector<float> FocusCorrection::apply(std::vector<float> logits) const {
    const bool anyClick = foreground_ + background_ > 0;
    if ((anyClick ? settings_.clickWeight : settings_.walkerWeight) <= 0)
        return logits;
    if (anyClick && settings_.learnFromClicks)
        logits = learnFromClicks({fine, fine, grey_, logits, seeds_, outside_, foreground_, background_});
    std::vector<float> prior(logits.size());
    std::transform(logits.begin(), logits.end(), prior.begin(), logistic<float>);
    std::vector<float> p = randomWalker({fine, fine, grey_, seeds_, 400, prior, trust_}, 1e-3, 200);
    std::transform(p.begin(), p.end(), p.begin(), [](float v) { return logit(v, 1e-4F); });
    return p;
}

void FocusCorrection::decideDisc(const Point<SlicePx>& c, bool foreground,
                                 const std::vector<float>& logitsBefore) {
    const double radius =
        std::max(settings_.clickReach * distanceToOutline(c, foreground, logitsBefore), 0.75);
    visitDisc(c, radius, [&](std::size_t cell, double) { seeds_[cell] = foreground ? 1 : 2; });
    doubtAround(c, std::max(radius, 1.0));
}

void FocusCorrection::decideLine(const PointPrompt& scribble, const std::vector<float>& logitsBefore) {
    std::vector<SlicePixel> line = pixelsUnder(scribble, fine, fine);
    std::sort(line.begin(), line.end());
    line.erase(std::unique(line.begin(), line.end()), line.end());
    for (const SlicePixel& c : line)
        decideDisc({{static_cast<double>(c.x), static_cast<double>(c.y)}}, scribble.foreground, logitsBefore);
    for (const SlicePixel& c : line)
        lines_[static_cast<std::size_t>(c.y * fine + c.x)] = scribble.foreground ? 1 : 2;
}

// Whoever clicks says that the network is wrong here: near the disc it counts as little as clickWeight says,
// from twice clickFade radii on as much as before.
void FocusCorrection::doubtAround(const Point<SlicePx>& c, double radius) {
    const double reach = std::max(settings_.clickFade, 1.0) * radius;
    const double near = settings_.clickWeight, far = std::max(settings_.walkerWeight, near);
    visitDisc(c, 2 * reach, [&](std::size_t cell, double distance) {
        const double t = near + (far - near) * std::clamp(distance / reach - 1, 0.0, 1.0);
        trust_[cell] = std::min(trust_[cell], static_cast<float>(t));
    });
}

// Cells from a place to the nearest cell that the mask before already had as the prompt wants it; 0 if it
// stands on one. Capped where there is no such cell, and at half the way to a scribble that says otherwise.
double FocusCorrection::distanceToOutline(const Point<SlicePx>& c, bool foreground,
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

} // namespace tandem
