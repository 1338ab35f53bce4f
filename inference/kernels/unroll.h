#pragma once

#include <cstddef>

// TANDEM_UNROLLED (i, n): a loop of i over 0..n-1 (n known) that is unrolled at once, for arrays of vectors
// that must live in registers. Otherwise GCC unrolls so late that it has already put the array in memory: 84
// moves around each tile of 14 x 2 vectors.
#if defined(__clang__)
#define TANDEM_UNROLL_NEXT _Pragma("unroll")
#elif defined(__GNUC__)
#define TANDEM_UNROLL_NEXT _Pragma("GCC unroll 16")
#else
#define TANDEM_UNROLL_NEXT
#endif
#define TANDEM_UNROLLED(i, n) TANDEM_UNROLL_NEXT for (std::size_t i = 0; i < (n); ++i)
