#include "core/measure/parts_answer.h"

#include "core/measure/prompt_grid.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tandem {
namespace {

constexpr float certain = 6, outside = -10;
constexpr std::int64_t reach = 16; // cells

// Changes what a prompt's cells hang together with.
class Correction {
public:
    Correction(std::vector<float>& logits, const CropGrid& g)
        : logits_(logits), g_(g), seen_(logits.size()) {}

    void apply(const SlicePixel& cell, bool foreground) {
        const float own = logits_[at(cell)];
        const float least = foreground ? std::min(own, 0.0F) - 0.2F : 0.0F;
        std::fill(seen_.begin(), seen_.end(), 0);
        std::vector<SlicePixel> open{cell};
        seen_[at(cell)] = 1;
        while (!open.empty()) {
            const SlicePixel c = open.back();
            open.pop_back();
            logits_[at(c)] = foreground ? certain : -certain;
            for (const auto& [dx, dy] : {std::pair<int, int>{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) {
                const SlicePixel next{c.x + dx, c.y + dy};
                if (!isNear(next, cell) || seen_[at(next)])
                    continue;
                seen_[at(next)] = 1;
                if (logits_[at(next)] > least)
                    open.push_back(next);
            }
        }
    }

private:
    std::size_t at(const SlicePixel& c) const { return static_cast<std::size_t>(c.y * g_.width + c.x); }
    bool isNear(const SlicePixel& c, const SlicePixel& from) const {
        const std::int64_t dx = c.x - from.x, dy = c.y - from.y;
        return c.x >= 0 && c.y >= 0 && c.x < g_.width && c.y < g_.height &&
               dx * dx + dy * dy <= reach * reach;
    }

    std::vector<float>& logits_;
    const CropGrid& g_;
    std::vector<std::uint8_t> seen_;
};

} // namespace

std::vector<float> answerParts(const PartsField& field, std::span<const PointPrompt> prompts,
                               std::int64_t width, std::int64_t height) {
    std::vector<float> logits = field.logits;
    Correction correction(logits, field.grid);
    for (const PointPrompt& p : prompts)
        for (const SlicePixel& cell :
             pixelsUnder(promptOnGrid(p, field.grid), field.grid.width, field.grid.height))
            correction.apply(cell, p.foreground);
    return unsampleGrid(logits, field.grid, width, height, outside);
}

} // namespace tandem
