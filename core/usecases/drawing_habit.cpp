#include "core/usecases/drawing_habit.h"

#include "core/files/json.h"
#include "core/measure/logistic.h"
#include "core/usecases/mask_box.h"
#include "core/usecases/segmenter.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem {
namespace {

constexpr double keptOfOlder = 0.95;
constexpr double strangersSlack = 0.03; // that models are calibrated for
constexpr double looseFrom = strangersSlack / 2;
constexpr double priorBoxes = 0.5, strangersLoose = 0.05;
constexpr double leastSlack = 0.01, mostSlack = 0.08;
constexpr double surelyLoose = 0.8, surelyTight = 0.01; // shares of loose boxes
constexpr double mostWitnesses = 6;

double looseShare(const DrawingHabit& h) {
    return (priorBoxes * strangersLoose + h.loose) / (priorBoxes + h.tight + h.loose);
}

} // namespace

std::optional<double> boxSlack(const SliceBox& b, const SliceMask& mask) {
    const auto part = boundingBox(mask, b);
    if (!part)
        return std::nullopt;
    double sum = 0;
    int sides = 0;
    const auto add = [&](bool atEdge, double gap) {
        if (atEdge)
            return;
        sum += std::max(0.0, gap);
        ++sides;
    };
    add(b.x0 <= 0, part->x0 - b.x0);
    add(b.y0 <= 0, part->y0 - b.y0);
    add(b.x1 >= static_cast<double>(mask.width - 1), b.x1 - part->x1);
    add(b.y1 >= static_cast<double>(mask.height - 1), b.y1 - part->y1);
    if (sides == 0)
        return std::nullopt;
    return sum / sides / static_cast<double>(std::max(mask.width, mask.height));
}

void learnBox(DrawingHabit& habit, const SliceBox& box, const SliceMask& mask) {
    const auto slack = boxSlack(box, mask);
    if (!slack)
        return;
    habit.tight *= keptOfOlder;
    habit.loose *= keptOfOlder;
    habit.slack *= keptOfOlder;
    if (*slack < looseFrom) {
        habit.tight += 1;
    } else {
        habit.loose += 1;
        habit.slack += *slack;
    }
}

DrawingHabit looseBoxes() {
    return {0, 20, 20 * strangersSlack};
}

double strangersLooseOdds() {
    return logit(strangersLoose, 0.0);
}

double looseOdds(const DrawingHabit& h) {
    return logit(looseShare(h), 0.0) - strangersLooseOdds();
}

DrawingHabit habitBehind(std::span<const double> evidence) {
    if (evidence.empty())
        return {};
    const auto n = static_cast<double>(evidence.size());
    const double sum = std::accumulate(evidence.begin(), evidence.end(), 0.0);
    const double loose = logistic(strangersLooseOdds() + sum * std::min(1.0, mostWitnesses / n));
    if (loose >= surelyLoose)
        return looseBoxes();
    return loose < surelyTight ? exactBoxes() : DrawingHabit{};
}

BoxReading likelyReading(const DrawingHabit& h) {
    const double loose = looseShare(h);
    if (loose >= surelyLoose)
        return BoxReading::Loose;
    return loose < surelyTight ? BoxReading::Tight : BoxReading::Unknown;
}

double expectedSlack(const DrawingHabit& h, double stranger) {
    return std::clamp((priorBoxes * stranger + h.slack) / (priorBoxes + h.loose), leastSlack, mostSlack);
}

std::string habitAsJson(const DrawingHabit& h) {
    JsonValue json(JsonValue::Object{});
    json.set("tight", h.tight);
    json.set("loose", h.loose);
    json.set("slack", h.slack);
    return writeJson(json);
}

DrawingHabit habitFromJson(std::string_view text) {
    const auto json = parseJson(text);
    if (!json || !json->isObject())
        return {};
    const auto number = [&](const char* name) {
        const JsonValue* value = json->find(name);
        const double n = value ? value->numberOr(-1) : -1;
        return std::isfinite(n) ? n : -1;
    };
    const DrawingHabit h{number("tight"), number("loose"), number("slack")};
    return h.tight >= 0 && h.loose >= 0 && h.slack >= 0 && h.slack <= h.loose ? h : DrawingHabit{};
}

} // namespace tandem
