#pragma once

#include <string>
#include <vector>

namespace tandem::bench {

/// Sentences for people: LibTorch, its matrix products and whether they are fast, threads, GPU. Measures for
/// a moment.
std::vector<std::string> describeMachine();

/// The best rate of float32 matrix products over a few shapes of the encoder, GFLOP/s, with the threads set
/// now.
double bestGemmGflops();

/// The name of the BLAS behind LibTorch ("OpenBLAS 0.3.21 ...") or "an unknown BLAS".
std::string blasName();

} // namespace tandem::bench
