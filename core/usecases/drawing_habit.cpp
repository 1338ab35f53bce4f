#include "core/usecases/drawing_habit.h"

#include "core/files/json.h"
#include "core/measure/logistic.h"
#include "core/usecases/segmenter.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double keptOfOlder = 0.95;
constexpr double looseFrom = 0.015; // half the slack that models are calibrated for
constexpr double priorBoxes = 0.5, strangersLoose = 0.05;
constexpr double leastSlack = 0.01, mostSlack = 0.08;

double logit(double p) {
    return std::log(p / (1 - p));
}

double looseShare(const DrawingHabit& h) {
    return (priorBoxes * strangersLoose + h.loose) / (priorBoxes + h.tight + h.loose);
}

// The smallest box of the mask's part inside a box; inside out if there is none.
SliceBox boxInside(const SliceBox& b, const SliceMask& mask) {
    SliceBox found{b.x1, b.y1, b.x0, b.y0};
    bool any = false;
    const auto first = [](double v) { return std::max<std::int64_t>(0, std::llround(v)); };
    const std::int64_t x1 = std::min(mask.width - 1, static_cast<std::int64_t>(std::llround(b.x1)));
    const std::int64_t y1 = std::min(mask.height - 1, static_cast<std::int64_t>(std::llround(b.y1)));
    for (std::int64_t y = first(b.y0); y <= y1; ++y)
        for (std::int64_t x = first(b.x0); x <= x1; ++x)
            if (mask.at(x, y)) {
                any = true;
                found.x0 = std::min(found.x0, static_cast<double>(x));
                found.x1 = std::max(found.x1, static_cast<double>(x));
                found.y0 = std::min(found.y0, static_cast<double>(y));
                found.y1 = std::max(found.y1, static_cast<double>(y));
            }
    return any ? found : SliceBox{1, 1, 0, 0};
}

} // namespace

std::optional<double> boxSlack(const SliceBox& b, const SliceMask& mask) {
    const SliceBox part = boxInside(b, mask);
    if (part.x1 < part.x0)
        return std::nullopt;
    double sum = 0;
    int sides = 0;
    const auto add = [&](bool atEdge, double gap) {
        if (atEdge)
            return;
        sum += std::max(0.0, gap);
        ++sides;
    };
    add(b.x0 <= 0, part.x0 - b.x0);
    add(b.y0 <= 0, part.y0 - b.y0);
    add(b.x1 >= static_cast<double>(mask.width - 1), b.x1 - part.x1);
    add(b.y1 >= static_cast<double>(mask.height - 1), b.y1 - part.y1);
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

double looseOdds(const DrawingHabit& h) {
    return logit(looseShare(h)) - logit(strangersLoose);
}

BoxReading likelyReading(const DrawingHabit& h) {
    const double loose = looseShare(h);
    if (loose >= 0.8)
        return BoxReading::Loose;
    return loose < 0.01 ? BoxReading::Tight : BoxReading::Unknown;
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
