#pragma once

#include <cmath>

namespace tandem {

/// The probability that belongs to a log-odds. Real is a floating-point type.
template <class Real>
Real logistic(Real odds) {
    return 1 / (1 + std::exp(-odds));
}

} // namespace tandem
