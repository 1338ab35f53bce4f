#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tandem {

/// x of A x = b by Cholesky's method. A (n x n, row by row) is symmetric and positive definite, and only read
/// on and below the diagonal; n is the size of b. Thread: any; pure.
std::vector<double> solveSymmetric(std::vector<double> a, std::vector<double> b);

} // namespace tandem
