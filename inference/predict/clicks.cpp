#include "inference/predict/clicks.h"

#include <algorithm>
#include <cmath>

namespace tandem::predict {
namespace {

constexpr double kSigma = 1.5; // px
constexpr std::int64_t kReach = 5;
constexpr float kMargin = 1;

struct Click {
    std::int64_t x, y;
    float sign;
};

void raiseAround(std::vector<float>& logits, std::int64_t width, std::int64_t height, const Click& c) {
    const float here = logits[static_cast<std::size_t>(c.y * width + c.x)];
    const double lacking = kMargin - c.sign * here;
    if (lacking <= 0)
        return;
    for (std::int64_t y = std::max<std::int64_t>(0, c.y - kReach); y <= std::min(height - 1, c.y + kReach);
         ++y)
        for (std::int64_t x = std::max<std::int64_t>(0, c.x - kReach); x <= std::min(width - 1, c.x + kReach);
             ++x) {
            const auto squared = static_cast<double>((x - c.x) * (x - c.x) + (y - c.y) * (y - c.y));
            const double bell = std::exp(-squared / (2 * kSigma * kSigma));
            logits[static_cast<std::size_t>(y * width + x)] += static_cast<float>(c.sign * lacking * bell);
        }
}

} // namespace

void letClicksWin(std::vector<float>& logits, std::int64_t width, std::int64_t height,
                  std::span<const PointPrompt> points) {
    std::vector<Click> clicks;
    for (const PointPrompt& p : points)
        for (const SlicePixel& at : pixelsUnder(p, width, height))
            clicks.push_back({at.x, at.y, p.foreground ? 1.0f : -1.0f});
    for (const Click& c : clicks)
        raiseAround(logits, width, height, c);
    for (const Click& c : clicks) { // a later neighbour's bell may have turned an earlier click over
        float& here = logits[static_cast<std::size_t>(c.y * width + c.x)];
        here = c.sign * std::max(kMargin, c.sign * here);
    }
}

} // namespace tandem::predict
