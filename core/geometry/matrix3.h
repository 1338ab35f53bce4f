#pragma once

#include <array>
#include <cstddef>

namespace tandem {

/// A 3 x 3 matrix, rows first.
using Matrix3 = std::array<std::array<double, 3>, 3>;

inline double determinant(const Matrix3& m) {
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

/// By cofactors; of a singular matrix not finite.
inline Matrix3 inverse(const Matrix3& m) {
    const double d = determinant(m);
    Matrix3 out{};
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 3; ++c) {
            const std::size_t r1 = (c + 1) % 3, r2 = (c + 2) % 3, c1 = (r + 1) % 3, c2 = (r + 2) % 3;
            out[r][c] = (m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]) / d;
        }
    return out;
}

} // namespace tandem
