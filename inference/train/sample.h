#pragma once

#include "inference/predict/focus.h"
#include "inference/predict/refiner_view.h"
#include "inference/train/random.h"
#include "inference/train/recipe.h"
#include "inference/train/task.h"

#include <array>
#include <functional>
#include <optional>
#include <vector>

namespace tandem {

/// A task as the network meets it, made by the functions that predict with it.
struct TrainingSample {
    std::vector<float> input;        ///< 3 x size x size, see focusInput
    std::vector<float> prior;        ///< first mask prompt, maskSize x maskSize; empty for whole slices
    std::vector<float> target;       ///< share of each cell that the object covers, maskSize x maskSize
    SliceBox box;                    ///< ModelPx
    std::string imageKey;            ///< see TrainingTask
    double refinerShare = 1;         ///< the refiner's square in units of the network's
    RefinerView view{};              ///< for a network with a refiner: what that sees
    std::vector<float> fineTarget{}; ///< and its target, on the view's cells
};

/// Says for an image and a box how probable each pixel is to be of the object (width * height values, 0..1);
/// an empty answer means that it cannot.
using Teacher = std::function<std::vector<float>(const SliceImage&, const SliceBox&)>;

/// Sides of a network's squares.
struct SampleSizes {
    int image = 256;      ///< input
    int mask = 64;        ///< logits
    int refinerCells = 0; ///< 0: no refiner
    double refinerCropScale = 1;
};

/// Turns, mirrors, stretches and shifts a task onto a patch of about `patchSide` pixels, changes its grey
/// values, draws a box as a person would, and prepares the crop. Nothing if the object is lost on the way.
/// @param teacher  if given, the target is what it says instead of the task's mask
std::optional<TrainingSample> makeSample(const TrainingTask&, const Recipe&, const SampleSizes&, Random&,
                                         const Teacher& teacher = {});

/// How carelessly a box is drawn; one habit for its four edges.
struct BoxHabit {
    enum class Kind {
        Tight,   ///< each edge within a pixel or so
        Hand,    ///< outward by about a share of the picture's side
        Relative ///< -3 .. +15 % of the box
    } kind = Kind::Tight;
    double handShare = 0; ///< of the picture's side

    static BoxHabit choose(const Recipe&, Random&);
    /// About how much longer than the object a box gets; both sides in one unit.
    double stretch(double objectSide, double imageSide) const;
    /// `pixel` is the size of an original pixel, `imageSide` the picture's longer side, in the pixels of
    /// `tight`.
    SliceBox draw(const SliceBox& tight, double pixel, double imageSide, Random&) const;
};

/// A corrective click on logits (cut at 0) against a target (cut at 0.5): a cell of the largest component of
/// the error, its innermost one or (half the time, if `random` is given) any. Nothing if there is no error.
struct CellClick {
    std::int64_t x = 0, y = 0;
    bool foreground = true;
};
std::optional<CellClick> correctiveClick(std::span<const float> logits, std::span<const float> target,
                                         int maskSize, Random* random);

/// Smallest box of a mask's pixels; nothing for an empty mask.
std::optional<SliceBox> tightBox(const SliceMask&);

} // namespace tandem
