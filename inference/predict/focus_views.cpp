#include "inference/predict/focus.h"

#include <algorithm>

namespace tandem {
namespace {

bool leftToRight(int view) {
    return view % 2 == 1;
}
bool upsideDown(int view) {
    return view >= 2;
}

} // namespace

std::vector<float> mirrored(std::vector<float> mask, int view, int maskSize) {
    const auto side = static_cast<std::ptrdiff_t>(maskSize);
    if (leftToRight(view))
        for (auto row = mask.begin(); row != mask.end(); row += side)
            std::reverse(row, row + side);
    if (upsideDown(view))
        for (std::ptrdiff_t y = 0; y < side / 2; ++y)
            std::swap_ranges(mask.begin() + y * side, mask.begin() + (y + 1) * side,
                             mask.begin() + (side - 1 - y) * side);
    return mask;
}

FocusQuestion mirrored(FocusQuestion q, int view, int size, int maskSize) {
    const double last = size - 1;
    if (leftToRight(view)) {
        q.box = {last - q.box.x1, q.box.y0, last - q.box.x0, q.box.y1};
        for (FocusQuestion::Click& c : q.clicks)
            c.x = last - c.x;
    }
    if (upsideDown(view)) {
        q.box = {q.box.x0, last - q.box.y1, q.box.x1, last - q.box.y0};
        for (FocusQuestion::Click& c : q.clicks)
            c.y = last - c.y;
    }
    if (!q.maskPrompt.empty())
        q.maskPrompt = mirrored(std::move(q.maskPrompt), view, maskSize);
    return q;
}

} // namespace tandem
