#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/usecases/mask_box.h"
#include "core/usecases/segmenter.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tandem {

/// One step of a propagation, in pieces: everything here is pure. Frame: SlicePx. Thread: any.

/// A rectangle of whole pixels of a slice.
struct PixelWindow {
    std::int64_t x0 = 0, y0 = 0, width = 0, height = 0;
    std::int64_t pixels() const { return width * height; }
    friend bool operator==(const PixelWindow&, const PixelWindow&) = default;
};

/// A part of a slice with a value for each pixel; above 0 is in, and so is nothing outside the window.
struct SlicePatch {
    PixelWindow window;
    std::vector<float> values; ///< window.height * window.width
    float at(std::int64_t x, std::int64_t y) const {
        return values[static_cast<std::size_t>((y - window.y0) * window.width + x - window.x0)];
    }
    std::int64_t area() const;
};

/// Smallest and largest pixel that is in (as in mask_box.h); nothing for an empty patch.
std::optional<SliceBox> boundingBox(const SlicePatch&);

/// A box with each edge moved outward by `margin` pixels, in whole pixels, kept inside width x height.
SliceBox grownBox(const SliceBox&, double margin, std::int64_t width, std::int64_t height);
/// The box a share t (0..1) of the way from one box to another, edge by edge.
SliceBox boxBetween(const SliceBox& from, const SliceBox& to, double t);
/// The whole pixels of a box.
PixelWindow windowOf(const SliceBox&);

/// What is in a patch as a mask of the slice.
SliceMask maskOf(const SlicePatch&, std::int64_t width, std::int64_t height);

/// Distance of each pixel of `window` to the outline of a mask: positive inside, negative outside, +-0.5 on
/// either side of an edge between pixels at unit spacing.
/// @param spacing  length of a step along x and y, in the unit of the result
SlicePatch signedDistance(const SliceMask&, const PixelWindow&, std::array<double, 2> spacing);

/// The outline a share t of the way between two others: their signed distances (about the boxes of the masks)
/// are laid over each other box on box and blended. Shape-based interpolation after Raya and Udupa, 1990.
SlicePatch shapeBetween(const SliceMask& from, const SliceMask& to, double t, const PixelWindow&,
                        std::array<double, 2> spacing);

/// How an object's grey values differ from those around it, learnt on a slice where its mask is known.
class Appearance {
public:
    /// @param grey  one component (luminance); the surroundings are the pixels of `around` that are not in
    /// the
    ///              mask
    Appearance(const SliceImage& grey, const SliceMask&, const PixelWindow& around);

    /// Log of how much likelier a value is inside than around, -3..3 (histograms of 32 bins, smoothed); 0
    /// where both are alike.
    float logRatio(float grey) const;
    double mean() const { return mean_; }
    double deviation() const { return deviation_; }

private:
    std::size_t binOf(float grey) const;
    std::array<float, 32> ratio_{};
    float low_ = 0, high_ = 1;
    double mean_ = 0, deviation_ = 0;
};

/// Weights with which the voices about a pixel are added up.
struct VoiceWeights {
    double network = 1, networkClip = 4; ///< its logits, clipped
    double shape = 1;                    ///< signed distance to the outline expected, in steps, clipped
    double anchor = 1; ///< signed distance to the outline of the key slice, in steps times the root of their
                       ///< number, clipped
    double distanceClip = 4; ///< of both distances
    double appearance = 3;   ///< log ratio of the grey values
    double bias = -1;        ///< added everywhere: outlines shrink where nothing speaks for them
};

/// The network's answer, the outline that is expected and the grey values added up. What is in but not
/// connected with anything expected (8 neighbours) is left out.
/// @param expected  signed distance to the outline expected, in units of the way an outline moves from slice
/// to
///                  slice; the result has its window
SlicePatch combine(const Proposal&, const SlicePatch& expected, const SlicePatch* anchor,
                   const SliceImage& grey, const Appearance&, const VoiceWeights&);

/// How deep the deepest place of an outline lies, in the unit of its signed distance.
double depthOf(const SlicePatch& signedDistance);

/// Cuts off what hangs on a mask by less than twice `radius` (an opening with a disc), and parts under a
/// share of the largest one: tongues into a neighbour of the same grey. A mask that is thinner everywhere
/// stays whole.
/// @param spacing  length of a step along x and y, in the unit of `radius`
void dropTongues(SlicePatch&, double radius, double leastShare, std::array<double, 2> spacing);

/// How a mask compares with the one on the slice before and with the first one.
struct StepFigures {
    double predictedIou = 0;
    double areaRatio = 1; ///< area / area before
    double drift = 0;     ///< |mean grey - first mean| / first deviation
    double support = 0;   ///< mean log ratio of its grey values: below 0 they look like the surroundings
    std::int64_t area = 0;
};
StepFigures figuresOf(const SlicePatch&, std::int64_t areaBefore, float predictedIou, const SliceImage& grey,
                      const Appearance&);

/// Keeps the surest pixels where more than `most` are in: the values are lowered alike.
void limitArea(SlicePatch&, std::int64_t most);

/// When to stop.
struct StopRules {
    double leastIou = 0.5;        ///< predicted IoU, as a share of what is usual for the object
    double mostGrowth = 2;        ///< area / area before, before it is limited
    double leastShrinkage = 0.25; ///< the same, below
    double mostDrift = 2;         ///< of the mean grey value, in deviations of the key mask
    double leastSupport = -0.25;  ///< mean log ratio
    std::int64_t leastArea = 2;   ///< pixels
};

enum class StopReason { None, End, Empty, LowIou, AreaGrew, AreaShrank, GreyDrifted };
/// The first rule that a step breaks. @param usualIou  predicted IoU on the key slice, or on the first one
/// beside it
StopReason brokenRule(const StepFigures&, const StopRules&, double usualIou);

} // namespace tandem
