#pragma once

#include "core/image/volume.h"
#include "inference/predict/focus.h"

#include <vector>

namespace tandem {

/// What a refiner looks at: a square of cropScale x the longer box side around the middle of the network's
/// crop, grown until it holds every point and scribble, but not beyond that crop.
FocusCrop refinerCrop(FocusCrop, const std::vector<PointPrompt>&, double cropScale);
/// On how many cells: `cells`, or twice as many where a cell would be larger than 2.5 slice pixels.
int refinerCells(const FocusCrop& refinerCrop, int cells);

/// What a refiner (net::refine) sees of an object besides logits: all maps are cells x cells on the crop's
/// square, row by row. Used alike by trainer and predictor. Pure; thread: any.
struct RefinerView {
    int cells = 0;
    std::vector<float> grey; ///< percentiles 1..99 of the crop to -1..1, clipped to +-2, -1 outside the slice
    std::vector<float> box;  ///< 1 - r^2 inside the box (r = elliptic radius, at least -1), -1 outside
    std::vector<float> inBox; ///< 1 inside the box, else 0
};
/// @param slice  with one component
/// @param crop   the refiner's own, see refinerCrop
RefinerView refinerView(const SliceImage& slice, const FocusCrop&, int cells);

/// Clicks and scribbles that say in, and those that say out: a bell of 2.5/128 of the crop's side around
/// every cell under them (1 there; the highest bell counts).
struct RefinerClicks {
    std::vector<float> in, out; ///< cells x cells

    explicit RefinerClicks(int cells);
    /// @param onGrid  in cells: whole numbers are their centres
    void add(const PointPrompt& onGrid);

private:
    int cells_;
};

/// What a refiner is asked after a click; logits are those of the view's cells.
struct RefinerQuestion {
    const RefinerView& view;
    const RefinerClicks& clicks;
    const std::vector<float>& start;  ///< for the box alone
    const std::vector<float>& prior;  ///< see priorMask
    const std::vector<float>& latest; ///< that the latest click was made on
};

} // namespace tandem
