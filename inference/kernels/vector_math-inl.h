// Elementary functions on vectors, compiled once for each instruction set (see micro_kernel-inl.h).
#if defined(TANDEM_VECTOR_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TANDEM_VECTOR_MATH_INL
#undef TANDEM_VECTOR_MATH_INL
#else
#define TANDEM_VECTOR_MATH_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {
namespace vm {
namespace hn = hwy::HWY_NAMESPACE;
inline constexpr hn::ScalableTag<float> d;
inline constexpr hn::ScalableTag<std::int32_t> di;
inline constexpr std::size_t lanes = hn::MaxLanes(d);
using V = hn::Vec<decltype(d)>;

/// The first n floats of p, zeros behind; reads nothing beyond p[n-1].
HWY_INLINE V loadPart(const float* p, std::size_t n) {
    if (n >= lanes)
        return hn::LoadU(d, p);
    HWY_ALIGN float part[lanes] = {};
    std::memcpy(part, p, n * sizeof(float));
    return hn::Load(d, part);
}

/// Writes the first n lanes and nothing beyond p[n-1].
HWY_INLINE void storePart(V v, float* p, std::size_t n) {
    if (n >= lanes) {
        hn::StoreU(v, d, p);
        return;
    }
    HWY_ALIGN float part[lanes];
    hn::Store(v, d, part);
    std::memcpy(p, part, n * sizeof(float));
}

HWY_INLINE V set(float x) {
    return hn::Set(d, x);
}

/// 2^x. Relative error < 2e-7 for -126 <= x <= 127; outside, the value at the nearer end.
/// Source: range reduction to [-1/2, 1/2], polynomial of degree 6 through the Chebyshev nodes (error 2e-8).
HWY_INLINE V exp2(V x) {
    x = hn::Min(hn::Max(x, set(-126.f)), set(127.f));
    const V whole = hn::Round(x);
    const V f = hn::Sub(x, whole);
    V p = set(0.00015461444854736328f);
    p = hn::MulAdd(p, f, set(0.0013400427997112274f));
    p = hn::MulAdd(p, f, set(0.009618056938052177f));
    p = hn::MulAdd(p, f, set(0.05550327152013779f));
    p = hn::MulAdd(p, f, set(0.24022650718688965f));
    p = hn::MulAdd(p, f, set(0.6931471824645996f));
    p = hn::MulAdd(p, f, set(1.f));
    const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(di, whole));
    return hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
}

/// e^x with the range of exp2; relative error < 2e-7 + 6e-8 |x|.
HWY_INLINE V exp(V x) {
    return exp2(hn::Mul(x, set(1.44269504088896341f)));
}

/// 1 / (1 + e^-x); absolute error < 3e-7.
HWY_INLINE V sigmoid(V x) {
    return hn::Div(set(1.f), hn::Add(set(1.f), exp(hn::Neg(x))));
}

/// x Phi(x) with the normal distribution Phi (the erf form of GELU). |error| < 3e-7 max(1, |x|), any x.
/// x Phi(x) = max(x, 0) - |x| Phi(-|x|), so that nothing cancels; Phi(-a) = exp(-a^2/2) Q(1 / (1 + 0.4 a))
/// with a polynomial Q of degree 8 through the Chebyshev nodes.
HWY_INLINE V gelu(V x) {
    const V a = hn::Min(hn::Abs(x), set(15.f));
    const V t = hn::Div(set(1.f), hn::MulAdd(a, set(0.4f), set(1.f)));
    V q = set(-0.03998109698295593f);
    q = hn::MulAdd(q, t, set(0.20233292877674103f));
    q = hn::MulAdd(q, t, set(-0.3770277202129364f));
    q = hn::MulAdd(q, t, set(0.25453364849090576f));
    q = hn::MulAdd(q, t, set(-0.014657406136393547f));
    q = hn::MulAdd(q, t, set(0.15929999947547913f));
    q = hn::MulAdd(q, t, set(0.15558373928070068f));
    q = hn::MulAdd(q, t, set(0.15992914140224457f));
    q = hn::MulAdd(q, t, set(-1.323813648923533e-05f));
    const V tail = hn::Mul(q, exp2(hn::Mul(hn::Mul(a, a), set(-0.72134752044448170f))));
    return hn::NegMulAdd(a, tail, hn::Max(x, hn::Zero(d)));
}

} // namespace vm
} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
