#include "inference/kernels/softmax_rows.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/softmax_rows.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/vector_math-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {
using namespace vm;

inline constexpr hn::RebindToUnsigned<decltype(d)> kWords;
inline constexpr hn::Rebind<std::uint16_t, decltype(d)> kHalves;

HWY_INLINE V loadPart(const std::uint16_t* p, std::size_t n) {
    HWY_ALIGN std::uint16_t part[lanes] = {};
    if (n < lanes)
        std::memcpy(part, p, n * sizeof(std::uint16_t));
    const auto halves = n < lanes ? hn::Load(kHalves, part) : hn::LoadU(kHalves, p);
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(kWords, halves)));
}

// Nearest, ties away from zero.
HWY_INLINE void storePart(V v, std::uint16_t* p, std::size_t n) {
    const auto rounded =
        hn::ShiftRight<16>(hn::Add(hn::BitCast(kWords, v), hn::Set(kWords, std::uint32_t{0x8000})));
    const auto halves = hn::DemoteTo(kHalves, hn::BitCast(di, rounded));
    if (n >= lanes) {
        hn::StoreU(halves, kHalves, p);
        return;
    }
    HWY_ALIGN std::uint16_t part[lanes];
    hn::Store(halves, kHalves, part);
    std::memcpy(p, part, n * sizeof(std::uint16_t));
}

// The sum over a row of what f gives for its vectors; lanes behind the end do not count.
template <class F>
HWY_INLINE float rowSum(std::size_t columns, const F& f) {
    V sum = hn::Zero(d);
    for (std::size_t i = 0; i < columns; i += lanes)
        sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(d, columns - i), f(i, columns - i)));
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <class T>
HWY_INLINE void softmaxRow(std::size_t columns, float scale, T* x) {
    using vm::loadPart, vm::storePart, HWY_NAMESPACE::loadPart, HWY_NAMESPACE::storePart;
    V top = set(-3e38f);
    for (std::size_t i = 0; i < columns; i += lanes)
        top = hn::Max(top,
                      hn::IfThenElse(hn::FirstN(d, columns - i), loadPart(x + i, columns - i), set(-3e38f)));
    const V factor = set(scale * log2E), shift = hn::Mul(set(hn::GetLane(hn::MaxOfLanes(d, top))), factor);
    const auto power = [&](std::size_t i, std::size_t n)
                           HWY_ATTR { return exp2Below(hn::MulSub(loadPart(x + i, n), factor, shift)); };
    const V share = set(1 / rowSum(columns, power));
    for (std::size_t i = 0; i < columns; i += lanes)
        storePart(hn::Mul(power(i, columns - i), share), x + i, columns - i);
}

template <class T>
HWY_INLINE void gradientRow(std::size_t columns, float scale, const T* w, T* g) {
    using vm::loadPart, vm::storePart, HWY_NAMESPACE::loadPart, HWY_NAMESPACE::storePart;
    const V mean = set(rowSum(columns, [&](std::size_t i, std::size_t n) HWY_ATTR {
        return hn::Mul(loadPart(w + i, n), loadPart(g + i, n));
    }));
    for (std::size_t i = 0; i < columns; i += lanes) {
        const std::size_t n = columns - i;
        const V weight = hn::Mul(set(scale), loadPart(w + i, n));
        storePart(hn::Mul(weight, hn::Sub(loadPart(g + i, n), mean)), g + i, n);
    }
}

void softmaxFloats(std::size_t columns, float scale, float* x) {
    softmaxRow(columns, scale, x);
}
void softmaxHalves(std::size_t columns, float scale, std::uint16_t* x) {
    softmaxRow(columns, scale, x);
}
void gradientFloats(std::size_t columns, float scale, const float* w, float* g) {
    gradientRow(columns, scale, w, g);
}
void gradientHalves(std::size_t columns, float scale, const std::uint16_t* w, std::uint16_t* g) {
    gradientRow(columns, scale, w, g);
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(softmaxFloats);
HWY_EXPORT(softmaxHalves);
HWY_EXPORT(gradientFloats);
HWY_EXPORT(gradientHalves);

void softmaxRows(std::size_t rows, std::size_t columns, float scale, float* x) {
    for (std::size_t r = 0; r < rows; ++r)
        HWY_DYNAMIC_DISPATCH(softmaxFloats)(columns, scale, x + r * columns);
}
void softmaxRows(std::size_t rows, std::size_t columns, float scale, std::uint16_t* x) {
    for (std::size_t r = 0; r < rows; ++r)
        HWY_DYNAMIC_DISPATCH(softmaxHalves)(columns, scale, x + r * columns);
}
void softmaxRowsGradient(std::size_t rows, std::size_t columns, float scale, const float* weights, float* g) {
    for (std::size_t r = 0; r < rows; ++r)
        HWY_DYNAMIC_DISPATCH(gradientFloats)(columns, scale, weights + r * columns, g + r * columns);
}
void softmaxRowsGradient(std::size_t rows, std::size_t columns, float scale, const std::uint16_t* weights,
                         std::uint16_t* g) {
    for (std::size_t r = 0; r < rows; ++r)
        HWY_DYNAMIC_DISPATCH(gradientHalves)(columns, scale, weights + r * columns, g + r * columns);
}

} // namespace tandem::kernels
#endif
