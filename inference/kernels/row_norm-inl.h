// LayerNorm of one row, compiled once for each instruction set (see micro_kernel-inl.h).
#if defined(TANDEM_ROW_NORM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TANDEM_ROW_NORM_INL
#undef TANDEM_ROW_NORM_INL
#else
#define TANDEM_ROW_NORM_INL
#endif

#include "inference/kernels/vector_math-inl.h"

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

// Mean and 1 / standard deviation of one row. What rounding left in the mean is taken off in the second pass.
HWY_INLINE void rowStatistics(const float* row, std::size_t n, float eps, float& mean, float& scale) {
    using namespace vm;
    const float count = static_cast<float>(n);
    V sum = hn::Zero(d);
    for (std::size_t i = 0; i < n; i += lanes)
        sum = hn::Add(sum, loadPart(row + i, n - i));
    mean = hn::GetLane(hn::SumOfLanes(d, sum)) / count;
    const V centre = set(mean);
    V square = hn::Zero(d), drift = hn::Zero(d);
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const V x = hn::Sub(hn::LoadU(d, row + i), centre);
        drift = hn::Add(drift, x);
        square = hn::MulAdd(x, x, square);
    }
    float squares = hn::GetLane(hn::SumOfLanes(d, square)), left = hn::GetLane(hn::SumOfLanes(d, drift));
    for (; i < n; ++i) {
        const float x = row[i] - mean;
        left += x;
        squares += x * x;
    }
    left /= count;
    mean += left;
    scale = 1.f / __builtin_sqrtf(HWY_MAX(0.f, squares / count - left * left) + eps);
}

HWY_INLINE void normalisePart(const float* row, std::size_t n, float mean, float scale, const float* gain,
                              const float* bias, float* out) {
    using namespace vm;
    const V m = set(mean), s = set(scale);
    for (std::size_t i = 0; i < n; i += lanes) {
        const V x = hn::Mul(hn::Sub(loadPart(row + i, n - i), m), s);
        storePart(hn::MulAdd(x, loadPart(gain + i, n - i), loadPart(bias + i, n - i)), out + i, n - i);
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
