#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tandem {

struct SliceBox;
struct SliceMask;

/// How somebody draws boxes, from the masks that became of them: a box that lies tightly around its object
/// and one that a hand has drawn with slack ask for different masks, and nobody says which one it is. Counts,
/// of which older boxes make up less and less (each new one takes a twentieth off). A value; thread: any.
struct DrawingHabit {
    double tight = 0, loose = 0; ///< boxes
    double slack = 0; ///< sum over the loose ones: how far their sides lie outside, in units of the slice's
                      ///< longer side
    friend bool operator==(const DrawingHabit&, const DrawingHabit&) = default;
};

/// How far a box's sides lie outside the part of the mask that it holds: mean over those that are not at the
/// slice's edge, in units of the slice's longer side. Nothing if there is no such side or no such part.
std::optional<double> boxSlack(const SliceBox&, const SliceMask&);

/// Learns from a box and the mask that was accepted for it. A mean slack of 1.5 % and more is a loose box.
void learnBox(DrawingHabit&, const SliceBox&, const SliceMask&);

/// Of whoever draws boxes tightly, always: a program's own boxes around an outline.
inline DrawingHabit exactBoxes() {
    return {20, 0, 0};
}

/// Of whoever draws with the slack that models are calibrated for (3 % of the slice's longer side), always.
DrawingHabit looseBoxes();

/// Log-odds that the next box is a loose one, less those of a stranger's box (one in twenty): the posterior
/// mean under a beta prior worth half a box. 0 where nothing is known.
double looseOdds(const DrawingHabit&);

/// What the next box is taken for.
enum class BoxReading { Unknown, Tight, Loose };
/// Loose from a probability of 0.8 on (two boxes), tight below one in a hundred (three).
BoxReading likelyReading(const DrawingHabit&);

/// The slack of a loose box: mean of those seen and of half a one with the stranger's, kept within 1 % and 8
/// % of the slice's longer side.
double expectedSlack(const DrawingHabit&, double stranger);

/// Log-odds that a stranger's box is a loose one.
double strangersLooseOdds();

/// Who drew some boxes of which no mask is known yet, all by one hand, from what a network makes of each
/// (Proposal::looseEvidence): somebody who draws tightly, or with a stranger's slack, or nothing where that
/// stays open. Slices of one object say much the same, so that many boxes count as six.
DrawingHabit habitBehind(std::span<const double> looseEvidence);

/// {"tight": ..., "loose": ..., "slack": ...}
std::string habitAsJson(const DrawingHabit&);
/// Nothing known where the text is none of habitAsJson.
DrawingHabit habitFromJson(std::string_view);

} // namespace tandem
