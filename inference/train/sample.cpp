#include "inference/train/sample.h"

#include "core/measure/components.h"
#include "inference/train/patch.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem {
namespace {

constexpr int coarsePatch = 208, finePatch = 416;

// Where a refiner sees many cells, large objects keep more of their detail.
int patchSideFor(double objectSide, const SampleSizes& sizes) {
    return sizes.refinerCells > 128 ? std::clamp(static_cast<int>(2.4 * objectSide), coarsePatch, finePatch)
                                    : coarsePatch;
}

// A hand-drawn edge is off by a share of the picture, but not by more than most of a small object.
double handSlack(double handShare, double imageSide, double objectSide) {
    return std::min(handShare * imageSide, 0.8 * objectSide);
}

} // namespace

std::optional<SliceBox> tightBox(const SliceMask& m) {
    std::int64_t x0 = m.width, y0 = m.height, x1 = -1, y1 = -1;
    for (std::int64_t y = 0; y < m.height; ++y)
        for (std::int64_t x = 0; x < m.width; ++x)
            if (m.at(x, y)) {
                x0 = std::min(x0, x);
                x1 = std::max(x1, x);
                y0 = std::min(y0, y);
                y1 = std::max(y1, y);
            }
    if (x1 < 0)
        return std::nullopt;
    return SliceBox{static_cast<double>(x0), static_cast<double>(y0), static_cast<double>(x1),
                    static_cast<double>(y1)};
}

BoxHabit BoxHabit::choose(const Recipe& recipe, Random& r) {
    const double share = r.uniform();
    if (share < recipe.tightShare)
        return {Kind::Tight, 0};
    if (share < recipe.tightShare + recipe.handShare)
        return {Kind::Hand, 0.03 * r.uniform(0.3, 1.2)};
    return {Kind::Relative, 0};
}

double BoxHabit::stretch(double objectSide, double imageSide) const {
    if (kind == Kind::Hand)
        return 1 + 2 * handSlack(handShare, imageSide, objectSide) / objectSide;
    return kind == Kind::Tight ? 1.05 : 1.3;
}

SliceBox BoxHabit::draw(const SliceBox& t, double pixel, double imageSide, Random& r) const {
    const auto edge = [&](double side) {
        if (kind == Kind::Hand)
            return handSlack(handShare, imageSide, side) * r.uniform(0.85, 1.15);
        if (kind == Kind::Relative)
            return side * r.uniform(-0.03, 0.15);
        return r.chance(0.5) ? pixel * r.uniform(-0.6, 0.8) : 0.0;
    };
    const double w = t.x1 - t.x0 + 1, h = t.y1 - t.y0 + 1;
    const SliceBox b{t.x0 - edge(w), t.y0 - edge(h), t.x1 + edge(w), t.y1 + edge(h)};
    return b.x1 < b.x0 || b.y1 < b.y0 ? t : b;
}

std::optional<TrainingSample> makeSample(const TrainingTask& task, const Recipe& recipe,
                                         const SampleSizes& sizes, Random& r, const Teacher& teacher) {
    const std::optional<SliceBox> object = tightBox(task.mask);
    if (!object)
        return std::nullopt;
    const BoxHabit habit = BoxHabit::choose(recipe, r);
    const double side = std::max(object->x1 - object->x0, object->y1 - object->y0) + 1;
    const int patchSide = patchSideFor(side, sizes);
    Patch patch =
        renderPatch(task, patchSide, habit.stretch(side, task.imageSide) * recipe.focus.cropScale / 2,
                    recipe.bendShare, r);
    const std::optional<SliceBox> tight = tightBox(patch.mask);
    if (!tight || std::count(patch.mask.inside.begin(), patch.mask.inside.end(), 1) < 12)
        return std::nullopt;
    changeGrey(patch.image, patch.mask, recipe, r);
    Prompts prompts;
    prompts.box = habit.draw(*tight, patch.pixel, patch.imageSide, r);
    Result<FocusCrop> crop = makeFocusCrop(patch.image, prompts, sizes.image, recipe.focus);
    if (!crop)
        return std::nullopt;
    crop->pictureShare *= static_cast<double>(patchSide) / patch.imageSide; // a patch is part of a picture
    SliceImage truth{patch.mask.width, patch.mask.height, 1, {}};
    truth.values.assign(patch.mask.inside.begin(), patch.mask.inside.end());
    if (teacher)
        truth.values = teacher(patch.image, *prompts.box);
    if (truth.values.empty())
        return std::nullopt;
    TrainingSample sample{focusInput(patch.image, *crop),
                          priorMask(patch.image, *crop, sizes.mask),
                          sampleGrid(truth, crop->grid(sizes.mask), 0),
                          crop->modelBox(),
                          {}};
    if (sizes.refinerCells > 0) {
        const FocusCrop fine = refinerCrop(*crop, {}, sizes.refinerCropScale);
        sample.refinerShare = fine.side / crop->side;
        sample.view = refinerView(patch.image, fine, sizes.refinerCells);
        sample.fineTarget = sampleGrid(truth, fine.grid(sizes.refinerCells), 0);
    }
    return sample;
}

std::optional<CellClick> correctiveClick(std::span<const float> logits, std::span<const float> target,
                                         int maskSize, Random* random) {
    const std::array<std::int64_t, 3> size{maskSize, maskSize, 1};
    std::optional<CellClick> click;
    std::int64_t largest = 0;
    for (bool missing : {true, false}) {
        std::vector<std::uint8_t> error(logits.size());
        for (std::size_t i = 0; i < error.size(); ++i)
            error[i] = missing ? logits[i] <= 0 && target[i] > 0.5F : logits[i] > 0 && target[i] <= 0.5F;
        const Components c = connectedComponents(error, size);
        const std::int32_t n = c.largest();
        if (n == 0 || c.voxels[static_cast<std::size_t>(n)] <= largest)
            continue;
        largest = c.voxels[static_cast<std::size_t>(n)];
        const auto at = innermost(c, n, maskSize, maskSize);
        click = CellClick{at[0], at[1], missing};
        if (random && random->chance(0.5)) {
            std::int64_t skip = random->below(largest);
            for (std::size_t i = 0; i < c.label.size(); ++i)
                if (c.label[i] == n && skip-- == 0)
                    click = CellClick{static_cast<std::int64_t>(i) % maskSize,
                                      static_cast<std::int64_t>(i) / maskSize, missing};
        }
    }
    return click;
}

} // namespace tandem
