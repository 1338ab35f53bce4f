#pragma once

#include <algorithm>
#include <cmath>

namespace tandem {

/// The probability that belongs to a log-odds. Real is a floating-point type.
template <class Real>
Real logistic(Real odds) {
    return 1 / (1 + std::exp(-odds));
}

/// The log-odds of a probability, which is first kept within least .. 1 - least.
template <class Real>
Real logit(Real p, Real least) {
    p = std::clamp(p, least, 1 - least);
    return std::log(p / (1 - p));
}

} // namespace tandem
