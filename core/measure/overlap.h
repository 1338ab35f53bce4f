#pragma once

#include "core/image/label_map.h"

#include <cstdint>
#include <span>

namespace tandem {

/// Dice similarity coefficient 2|A and B| / (|A| + |B|) of two masks of equal length (non-zero = in); 1 if
/// both are empty. Thread: any; pure.
double dice(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

inline double dice(const SliceMask& a, const SliceMask& b) {
    return dice(a.inside, b.inside);
}

/// The IoU to be expected of a mask (logit > 0) if its pixels' probabilities p = logistic(logit) are true and
/// independent: sum of p over the mask / (pixels of the mask + sum of p over the rest); 0 of an empty mask.
/// Beyond a logit of 7 (one in a thousand) a pixel is taken as certain: a picture has many that are not
/// doubted at all. Thread: any; pure.
double expectedIou(std::span<const float> logits);

} // namespace tandem
