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
inline constexpr float log2E = 1.44269504088896341f;

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

// 2^whole * p for the whole number that `shifted` = whole + 1.5 * 2^23 holds in its low bits.
HWY_INLINE V scaleByPower(V p, V shifted) {
    const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
    return hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
}

/// 2^x. Relative error < 2e-7 for -126 <= x <= 127; outside, the value at the nearer end.
/// Source: range reduction to [-1/2, 1/2], polynomial of degree 6 through the Chebyshev nodes (error 2e-8).
HWY_INLINE V exp2(V x) {
    x = hn::Min(hn::Max(x, set(-126.f)), set(127.f));
    const V shifted = hn::Add(x, set(12582912.f)); // rounds to a whole number
    const V f = hn::Sub(x, hn::Sub(shifted, set(12582912.f)));
    V p = set(0.00015461444854736328f);
    p = hn::MulAdd(p, f, set(0.0013400427997112274f));
    p = hn::MulAdd(p, f, set(0.009618056938052177f));
    p = hn::MulAdd(p, f, set(0.05550327152013779f));
    p = hn::MulAdd(p, f, set(0.24022650718688965f));
    p = hn::MulAdd(p, f, set(0.6931471824645996f));
    p = hn::MulAdd(p, f, set(1.f));
    return scaleByPower(p, shifted);
}

/// 2^x for x <= 0, relative error < 4e-7: the exponential of a softmax. Degree 5 (error 1.6e-7).
HWY_INLINE V exp2Below(V x) {
    x = hn::Max(x, set(-126.f));
    const V shifted = hn::Add(x, set(12582912.f));
    const V f = hn::Sub(x, hn::Sub(shifted, set(12582912.f)));
    V p = set(0.0013390863314270973f);
    p = hn::MulAdd(p, f, set(0.009676031768321991f));
    p = hn::MulAdd(p, f, set(0.055503569543361664f));
    p = hn::MulAdd(p, f, set(0.2402210682630539f));
    p = hn::MulAdd(p, f, set(0.6931471824645996f));
    p = hn::MulAdd(p, f, set(1.0000001192092896f));
    return scaleByPower(p, shifted);
}

/// 1 / x for 1 <= x <= 2^20; relative error < 3e-7 (one Newton step on the processor's estimate).
HWY_INLINE V reciprocal(V x) {
#if HWY_TARGET == HWY_SCALAR
    return hn::Div(set(1.f), x);
#else
    const V r = hn::ApproximateReciprocal(x);
    return hn::MulAdd(r, hn::NegMulAdd(x, r, set(1.f)), r);
#endif
}

/// e^x with the range of exp2; relative error < 2e-7 + 6e-8 |x|.
HWY_INLINE V exp(V x) {
    return exp2(hn::Mul(x, set(log2E)));
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
    const V t = reciprocal(hn::MulAdd(a, set(0.4f), set(1.f)));
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

/// The same to the precision of bfloat16: |error| < 1.1e-4 max(1, |x|) for any x, in half the time.
/// Phi(x) = 1/2 + c P(c^2) for c = x between -3.6 and 3.6, P through the Chebyshev nodes.
HWY_INLINE V geluQuick(V x) {
    const V c = hn::Min(hn::Max(x, set(-3.6f)), set(3.6f)), z = hn::Mul(c, c);
    V p = set(5.459586206532858e-08f);
    p = hn::MulAdd(p, z, set(-3.013993237022503e-06f));
    p = hn::MulAdd(p, z, set(7.244023638247083e-05f));
    p = hn::MulAdd(p, z, set(-0.0010207296250087225f));
    p = hn::MulAdd(p, z, set(0.009644605693135376f));
    p = hn::MulAdd(p, z, set(-0.06623575447862987f));
    p = hn::MulAdd(p, z, set(0.39890890976511584f));
    return hn::Mul(x, hn::MulAdd(c, p, set(0.5f)));
}

} // namespace vm
} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
