#pragma once

#include "core/measure/grey_crop.h"
#include "core/measure/prompt_grid.h"
#include "core/result.h"
#include "core/usecases/label_lean.h"
#include "core/usecases/segmenter.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace tandem {

/// The `focus` preprocessing convention: the network looks at a square crop around the prompt's box, so a
/// prompt costs an encode of its own (two where its box is read twice, see box_reading.h), and further clicks
/// on the same object reuse it. Used alike by trainer and predictor. Everything here is pure; thread: any.
/// Frames: SlicePx for prompts and boxes, ModelPx for the network's input.

/// The square that the network sees. Two prompts with equal crops share an embedding.
struct FocusCrop {
    double centreX = 0, centreY = 0; ///< SlicePx
    double side = 1;                 ///< slice pixels
    int size = 256;                  ///< the network's image_size
    SliceBox box;                    ///< the prompt's box, or the one estimated around its points (SlicePx)
    double pictureShare = 0; ///< the box's longer side in units of the picture's; 0: the network is not told

    /// The crop's square cut into cells x cells.
    CropGrid grid(int cells) const;
    /// A place of the slice in the network's input (pixel centres).
    Point<ModelPx> modelFromSlice(const Point<SlicePx>&) const;
    /// Whether a place of the slice lies inside the box's outer edges (SlicePx).
    bool boxHolds(double x, double y) const;
    /// The box in the network's input, mapped by its outer edges: first and last covered pixel.
    SliceBox modelBox() const;
    friend bool operator==(const FocusCrop&, const FocusCrop&) = default;
};

/// A second reading of a box, as drawn by hand (`hand` in `focus`; see box_reading.h): a logistic regression
/// says how likely it is.
struct HandReading {
    double share = 0; ///< a hand stays outside an object by so much of the picture's longer side; 0: boxes
                      ///< are read as they are
    double bias = 0;
    double ownIou = 0, innerIou = 0; ///< weights of the logits of the IoUs that are predicted for the box as
                                     ///< it is and moved inward
    double lengthLeft = 0; ///< weight of what is left of the box's lengths (the smaller share of both)
};

/// Numbers that belong to a trained model (`focus` in its tandem.config); the defaults suit none in
/// particular.
struct FocusSettings {
    double cropScale = 2.0;  ///< crop side / longer box side
    double logitOffset = 0;  ///< added to the network's logits before cutting at 0 (calibration)
    double walkerWeight = 0; ///< 0: logits as they are; else weight of the network's probability in a random
                             ///< walker on the crop's grey values that moves the outline to edges
    double clickWeight = 0.02; ///< the same weight close to clicks
    double clickFade = 2.5;    ///< how far that is: full within so many radii (at least 1) of the disc that a
                               ///< click decides, none beyond twice as many
    double clickReach =
        0.8; ///< radius of the disc that a click decides, in units of its distance to the old outline
    bool networkClicks =
        true; ///< clicks are shown to the network too (else only the local correction sees them)
    bool pictureCue = false; ///< the network is told how large the box is in the picture: a hand-drawn one is
                             ///< off by a share of the picture, so that of a small object may be far off
    bool learnFromClicks = true; ///< clicks teach which grey values belong to the object
    double priorWeight = 0;  ///< how far the network's answer leans on the box's prior (priorMask) when its
                             ///< mask fills the box, which a box that was drawn tightly shows
    double tightOffset = 0;  ///< added to the logits in the same measure
    double priorReach = 0.1; ///< how quickly both fade: gap between mask and box, in box sides
    double unsureIou = 1, sureIou = 2; ///< both fade, too, from the first predicted IoU to the second: a
                                       ///< network that is sure of itself needs no such help (by default
                                       ///< none is: no IoU is above 1)
    double iouBias = 0,
           iouGain = 1; ///< after clicks, logit(told IoU) = iouBias + iouGain * logit(expectedIou
                        ///< of the answer's probabilities); the network's guess is of the box
    HandReading hand;
    bool exactBox = false; ///< of the request, not of the model: the box is known to lie tightly round its
                           ///< object, so the mask reaches its sides
    std::shared_ptr<const BoxLean> lean; ///< of the request, not of the model: added to every reply in the
                                         ///< frame of the crop's box
};

/// The crop of one object's prompts: square of cropScale x the longer box side (box at least 6 px), centred
/// on the box, grown if need be until it holds every point and scribble. Without a box, one is estimated
/// around the foreground points from the most stable region of similar grey. Error: InvalidArgument if there
/// is neither a box nor a foreground point, or the box is not finite or inside out.
Result<FocusCrop> makeFocusCrop(const SliceImage&, const Prompts&, int size, const FocusSettings& = {});

/// The network's input for a crop of a slice with one component, 3 x size x size, channel first, final (no
/// mean and deviation to be applied): 0: grey, percentiles 1..99 of the crop to -1..1, clipped to +-2, -1
/// outside the slice; 1: 1 - r^2 inside the box (r = elliptic radius), outside it -1, or with a pictureShare
/// s -1 - log2(s) / 5, kept within -1..0; 2: 2p - 1 for the probability p of a random walker between the
/// box's middle and its outside.
std::vector<float> focusInput(const SliceImage&, const FocusCrop&);

/// The mask prompt before any click, of a slice with one component: 0.6 E + 1.5 R clipped to +-6 on maskSize
/// x maskSize cells. E = 6 (1 - r) clipped to +-6; R = log ratio of the crop's grey histograms inside and
/// around the box.
std::vector<float> priorMask(const SliceImage&, const FocusCrop&, int maskSize);

/// What the network is asked, all in ModelPx.
struct FocusQuestion {
    SliceBox box;
    struct Click {
        double x = 0, y = 0;
        bool foreground = true;
    };
    std::vector<Click> clicks;
    std::vector<float> maskPrompt; ///< maskSize * maskSize
};
/// What it answers: low-res logits of mask 0 (maskSize * maskSize) and its predicted IoU.
struct FocusReply {
    std::vector<float> logits;
    float predictedIou = 0;
};
using FocusDecode = std::function<FocusReply(const FocusQuestion&)>;

struct RefinerQuestion;
/// Logits after a click, on the question's cells; see net::refine.
using FocusRefine = std::function<std::vector<float>(const RefinerQuestion&)>;

/// What a focus answer asks of a model.
struct FocusNetwork {
    FocusDecode decode;
    FocusRefine refine; ///< of a model with a refiner, else empty
    int refinerCells = 0;
    double refinerCropScale = 1; ///< see refinerCrop

    FocusNetwork(FocusDecode d) : decode(std::move(d)) {} // NOLINT(google-explicit-constructor)
    FocusNetwork(FocusDecode d, FocusRefine r, int cells, double cropScale)
        : decode(std::move(d)), refine(std::move(r)), refinerCells(cells), refinerCropScale(cropScale) {}
};

/// Logits on the slice's grid.
struct FocusAnswer {
    std::vector<float> logits; ///< height * width of the slice; -10 outside the crop
    float predictedIou = 0;
    double clickEvidence = 0; ///< log probability of the clicks and scribbles under the masks that each was
                              ///< made on (at least log 0.05), each counted half as much as the one before:
                              ///< people click on what is wrong in the mask they see, which in time speaks
                              ///< against any reading of the box that is shown
    std::optional<double> looseEvidence = {}; ///< see Proposal
};

/// What the prompts of one object have led to so far. Filled and read by answerFocus: where the prompts begin
/// with those remembered, it goes on from there. One memory for one slice, crop, model and its settings.
class FocusMemory {
public:
    FocusMemory();
    FocusMemory(FocusMemory&&) noexcept;
    FocusMemory& operator=(FocusMemory&&) noexcept;
    ~FocusMemory();

    struct State;

private:
    friend FocusAnswer answerFocus(const SliceImage&, const FocusCrop&, const Prompts&, int,
                                   const FocusSettings&, const FocusNetwork&, FocusMemory*);
    std::unique_ptr<State> state_;
};

/// Asks the network for the object of `prompts` on a slice with one component: once for the box, then once
/// per click or scribble in their order, each with the logits before it as mask prompt (a scribble is shown
/// as several clicks along it); a click decides its surroundings (a disc up to the old outline, and from
/// there a random walker on the grey values with the network's probability as prior, which has learnt from
/// the clicks which grey values belong), a scribble those of all
/// its pixels, but at most half the way to an earlier scribble that says otherwise. A model with a refiner
/// redraws the mask after each of them, too: the more of them, the more that counts (0.4, 0.64, 0.78 ... of
/// the probability). Both always win at their own pixels. The embedding of `crop` must be in place; `decode`
/// is called 1 + number of clicks and scribbles times (once where the network is not shown them), less what
/// `memory` holds.
FocusAnswer answerFocus(const SliceImage&, const FocusCrop&, const Prompts&, int maskSize,
                        const FocusSettings&, const FocusNetwork&, FocusMemory* memory = nullptr);

} // namespace tandem
