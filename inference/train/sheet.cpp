#include "inference/train/sheet.h"

#include "inference/train/canvas.h"
#include "inference/train/random.h"
#include "inference/train/sample.h"
#include "inference/train/whole_sample.h"

#include <algorithm>
#include <cmath>

namespace tandem::train {
namespace {

constexpr int side = 160, gap = 6, words = 12;

struct Cell {
    int x = 0, y = 0; ///< upper left corner on the canvas
    int of(double modelPx, int imageSize) const {
        return static_cast<int>(std::lround((modelPx + 0.5) * side / imageSize - 0.5));
    }
};

void drawGrey(Canvas& canvas, const Cell& cell, const TrainingSample& s, int imageSize) {
    const auto plane = static_cast<std::size_t>(imageSize) * static_cast<std::size_t>(imageSize);
    const auto [low, high] =
        std::minmax_element(s.input.begin(), s.input.begin() + static_cast<std::ptrdiff_t>(plane));
    const float range = std::max(*high - *low, 1e-6F);
    for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x) {
            const auto at =
                static_cast<std::size_t>(y * imageSize / side) * static_cast<std::size_t>(imageSize) +
                static_cast<std::size_t>(x * imageSize / side);
            const auto grey = static_cast<std::uint8_t>(255 * (s.input[at] - *low) / range);
            canvas.set(cell.x + x, cell.y + y, {grey, grey, grey});
        }
}

void drawOutline(Canvas& canvas, const Cell& cell, const TrainingSample& s, int maskSize) {
    const auto inside = [&](int x, int y) {
        const int u = x * maskSize / side, v = y * maskSize / side;
        return x >= 0 && y >= 0 && x < side && y < side &&
               s.target[static_cast<std::size_t>(v * maskSize + u)] > 0.5F;
    };
    for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
            if (inside(x, y) &&
                !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1)))
                canvas.set(cell.x + x, cell.y + y, {60, 230, 90});
}

void drawSample(Canvas& canvas, const Cell& cell, const TrainingSample& s, const std::string& source,
                const net::NetworkConfig& config) {
    const int size = config.imageSize;
    drawGrey(canvas, cell, s, size);
    drawOutline(canvas, cell, s, 4 * config.grid());
    canvas.rectangle(cell.x + cell.of(s.box.x0, size), cell.y + cell.of(s.box.y0, size),
                     cell.x + cell.of(s.box.x1, size), cell.y + cell.of(s.box.y1, size), {250, 210, 60});
    canvas.text(cell.x, cell.y + side + 3, source.substr(0, side / 6), {220, 220, 220});
}

} // namespace

Result<std::string> sheetOfSamples(const Plan& plan, const TaskSource& source, int columns, int rows) {
    Canvas canvas(columns * (side + gap) + gap, rows * (side + words + gap) + gap, {32, 32, 36});
    Random random(plan.recipe.seed);
    const net::NetworkConfig& c = plan.config;
    for (int n = 0; n < columns * rows;) {
        const auto task = source.draw(random);
        if (!task)
            return task.error();
        const auto sample = c.preprocess == net::Preprocess::Focus
                                ? makeSample(*task, plan.recipe, {c.imageSize, 4 * c.grid()}, random)
                                : makeWholeSample(*task, plan.recipe, c, random);
        if (!sample)
            continue;
        drawSample(canvas, {gap + n % columns * (side + gap), gap + n / columns * (side + words + gap)},
                   *sample, task->source, c);
        ++n;
    }
    return canvas.png();
}

} // namespace tandem::train
