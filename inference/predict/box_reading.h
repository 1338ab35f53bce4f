#pragma once
// Private to inference/.

#include "inference/predict/focus.h"

#include <cmath>
#include <cstdint>
#include <optional>

namespace tandem {

/// A box may be drawn tightly, or by hand: then it lies outside its object by a share of the picture's side.
/// Nobody says which, so a box can be read both ways: as it is, and moved inward. Everything here is pure;
/// thread: any. Frame: SlicePx.

/// The numbers for a person whose boxes have been seen: the constant moved by how often they were loose, the
/// share by how loose. A model that reads boxes as they are (share 0) stays so.
HandReading inLightOf(HandReading, const DrawingHabit&);

/// A box moved inward as by a hand's slack; sides at the picture's edge stay, and at least 30 % of a length
/// remains. Empty: a box that the share would move by less than half a pixel, or with a share of 0.
std::optional<SliceBox> innerBox(const SliceBox&, std::int64_t width, std::int64_t height, double share);

/// Log-odds that the inner box is the object's, from what the network predicted of its own masks before any
/// click (logistic regression, `settings`) and from how likely each reading found the clicks that came since.
double innerOdds(const FocusAnswer& own, const FocusAnswer& inner, const SliceBox& ownBox,
                 const SliceBox& innerBox, const HandReading& settings);

/// Log-odds below which the inner box need not be asked about: 1 in 50.
inline const double surelyOwnOdds = -std::log(49.0);

/// Whether no predicted IoU of the inner box could bring its odds up to surelyOwnOdds.
bool surelyOwn(const FocusAnswer& own, const SliceBox& ownBox, const SliceBox& innerBox, const HandReading&);

/// Both readings, each as likely as the odds say: logits of the mixture of their probabilities.
FocusAnswer mixReadings(FocusAnswer own, const FocusAnswer& inner, double innerOdds);

} // namespace tandem
