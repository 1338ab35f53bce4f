#include "inference/predict/box_reading.h"

#include "core/measure/logistic.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double leastLength = 0.3;
constexpr double leastIou = 1e-3; // and most: 1 less that

double oddsOf(double ownIou, double innerIou, const SliceBox& own, const SliceBox& inner,
              const HandReading& s) {
    const double across = (inner.x1 - inner.x0 + 1) / (own.x1 - own.x0 + 1);
    const double down = (inner.y1 - inner.y0 + 1) / (own.y1 - own.y0 + 1);
    return s.bias + s.ownIou * logit(ownIou, leastIou) + s.innerIou * logit(innerIou, leastIou) +
           s.lengthLeft * std::min(across, down);
}

} // namespace

HandReading inLightOf(HandReading s, const DrawingHabit& habit) {
    if (s.share <= 0)
        return s;
    s.bias += looseOdds(habit);
    s.share = expectedSlack(habit, s.share);
    return s;
}

std::optional<SliceBox> innerBox(const SliceBox& b, std::int64_t width, std::int64_t height, double share) {
    const double slack = share * static_cast<double>(std::max(width, height));
    if (slack < 0.5)
        return std::nullopt;
    const double x = std::min(slack, (1 - leastLength) / 2 * (b.x1 - b.x0));
    const double y = std::min(slack, (1 - leastLength) / 2 * (b.y1 - b.y0));
    SliceBox inner = b;
    if (b.x0 > 0)
        inner.x0 += x;
    if (b.x1 < static_cast<double>(width - 1))
        inner.x1 -= x;
    if (b.y0 > 0)
        inner.y0 += y;
    if (b.y1 < static_cast<double>(height - 1))
        inner.y1 -= y;
    if (inner == b)
        return std::nullopt;
    return inner;
}

double innerOdds(const FocusAnswer& own, const FocusAnswer& inner, const SliceBox& ownBox,
                 const SliceBox& innerBox, const HandReading& s) {
    return oddsOf(own.predictedIou, inner.predictedIou, ownBox, innerBox, s) + inner.clickEvidence -
           own.clickEvidence;
}

bool surelyOwn(const FocusAnswer& own, const SliceBox& ownBox, const SliceBox& innerBox,
               const HandReading& s) {
    return std::max(oddsOf(own.predictedIou, 1, ownBox, innerBox, s),
                    oddsOf(own.predictedIou, 0, ownBox, innerBox, s)) < surelyOwnOdds;
}

FocusAnswer mixReadings(FocusAnswer own, const FocusAnswer& inner, double innerOdds) {
    const double share = logistic(innerOdds);
    for (std::size_t i = 0; i < own.logits.size(); ++i) {
        if (own.logits[i] == inner.logits[i])
            continue; // nearly all of a picture lies outside both crops
        const double p =
            (1 - share) * logistic<double>(own.logits[i]) + share * logistic<double>(inner.logits[i]);
        own.logits[i] = static_cast<float>(std::log(p / (1 - p)));
    }
    own.predictedIou = static_cast<float>((1 - share) * own.predictedIou + share * inner.predictedIou);
    return own;
}

} // namespace tandem
