#include "inference/kernels/attention_weights.h"

// As in bfloat16.cpp: intrinsics, in functions of their own target.
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <immintrin.h>
#define TANDEM_HAS_WEIGHTS 1
#define TANDEM_WEIGHTS __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#endif

namespace tandem::kernels {

#ifdef TANDEM_HAS_WEIGHTS
namespace {

// 2^x for any x. The cubic on [0, 1) has the smallest largest relative error, 7.5e-5.
TANDEM_WEIGHTS inline __m512 exp2Rough(__m512 x) {
    const __m512 f = _mm512_reduce_ps(x, 0x09); // x - floor(x)
    __m512 p = _mm512_set1_ps(0.07802427560091019f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.22606725990772247f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.6958336234092712f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.9999251961708069f));
    return _mm512_scalef_ps(p, x);
}

// Walks along the keys.
template <bool Columns>
struct Logits {
    const float *product, *row, *column = nullptr, *firstColumn = nullptr, *lastColumn = nullptr;
    float scale;
    Logits(const float* products, const LogitTerms& t) : product(products), row(t.byRow), scale(t.scale) {
        if constexpr (Columns) {
            row += t.first / t.width * kAttentionQueries;
            firstColumn = t.byColumn;
            lastColumn = t.byColumn + (t.width - 1) * kAttentionQueries;
            column = t.byColumn + t.first % t.width * kAttentionQueries;
        }
    }
    // 16 of the key's queries.
    TANDEM_WEIGHTS __m512 at(std::size_t lane) const {
        const __m512 x = _mm512_loadu_ps(product + lane), factor = _mm512_set1_ps(scale);
        const __m512 byRow = _mm512_loadu_ps(row + lane);
        if constexpr (!Columns)
            return _mm512_fmadd_ps(x, factor, byRow);
        return _mm512_add_ps(_mm512_fmadd_ps(x, factor, _mm512_loadu_ps(column + lane)), byRow);
    }
    void advance() {
        product += kAttentionQueries;
        if constexpr (Columns) {
            const bool ends = column == lastColumn;
            row += ends ? kAttentionQueries : 0;
            column = ends ? firstColumn : column + kAttentionQueries;
        }
    }
};

template <bool Columns>
TANDEM_WEIGHTS void raise(const float* products, std::size_t keys, const LogitTerms& terms, float* maximum) {
    Logits<Columns> walk(products, terms);
    __m512 left = _mm512_loadu_ps(maximum), right = _mm512_loadu_ps(maximum + 16);
    for (std::size_t k = 0; k < keys; ++k, walk.advance()) {
        left = _mm512_max_ps(left, walk.at(0));
        right = _mm512_max_ps(right, walk.at(16));
    }
    _mm512_storeu_ps(maximum, left);
    _mm512_storeu_ps(maximum + 16, right);
}

// Two weights as one word each, rounded to nearest: the first key's in the low half.
TANDEM_WEIGHTS inline __m512i pairOf(__m512 first, __m512 second) {
    const __m512i half = _mm512_set1_epi32(0x8000);
    const __m512i low = _mm512_srli_epi32(_mm512_add_epi32(_mm512_castps_si512(first), half), 16);
    const __m512i high = _mm512_add_epi32(_mm512_castps_si512(second), half);
    return _mm512_mask_blend_epi16(0xaaaaaaaau, low, high);
}

template <bool Columns>
TANDEM_WEIGHTS void weigh(const float* products, std::size_t keys, const LogitTerms& terms, float* out,
                          float* sum) {
    Logits<Columns> walk(products, terms);
    __m512 sums[2] = {_mm512_loadu_ps(sum), _mm512_loadu_ps(sum + 16)};
    const __m512bh ones = (__m512bh)_mm512_set1_epi32(0x3f803f80);
    for (std::size_t k = 0; k < keys; k += 2, out += kAttentionQueries) {
        const __m512 left = exp2Rough(walk.at(0)), right = exp2Rough(walk.at(16));
        walk.advance();
        const bool both = k + 1 < keys;
        const __m512i leftPair = pairOf(left, both ? exp2Rough(walk.at(0)) : _mm512_setzero_ps());
        const __m512i rightPair = pairOf(right, both ? exp2Rough(walk.at(16)) : _mm512_setzero_ps());
        walk.advance();
        sums[0] = _mm512_dpbf16_ps(sums[0], (__m512bh)leftPair, ones);
        sums[1] = _mm512_dpbf16_ps(sums[1], (__m512bh)rightPair, ones);
        _mm512_storeu_si512(out, leftPair);
        _mm512_storeu_si512(out + 16, rightPair);
    }
    _mm512_storeu_ps(sum, sums[0]);
    _mm512_storeu_ps(sum + 16, sums[1]);
}

} // namespace

void raiseMaximum(const float* products, std::size_t keys, const LogitTerms& terms, float* maximum) {
    (terms.byColumn ? raise<true> : raise<false>)(products, keys, terms, maximum);
}

void weightsFromProducts(const float* products, std::size_t keys, const LogitTerms& terms, float* words,
                         float* sum) {
    (terms.byColumn ? weigh<true> : weigh<false>)(products, keys, terms, words, sum);
}

#else

void raiseMaximum(const float*, std::size_t, const LogitTerms&, float*) {}
void weightsFromProducts(const float*, std::size_t, const LogitTerms&, float*, float*) {}

#endif

} // namespace tandem::kernels
