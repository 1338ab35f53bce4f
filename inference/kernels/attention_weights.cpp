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
    const float* products;
    const LogitTerms& terms;
    std::size_t row, column;
    Logits(const float* l, const LogitTerms& o)
        : products(l), terms(o), row(Columns ? o.first / o.width : 0),
          column(Columns ? o.first % o.width : 0) {}

    TANDEM_WEIGHTS __m512 at(std::size_t key, std::size_t part) const {
        const std::size_t lane = part * 16;
        const __m512 x = _mm512_loadu_ps(products + key * kAttentionQueries + lane);
        const __m512 scale = _mm512_set1_ps(terms.scale);
        const __m512 byRow = _mm512_loadu_ps(terms.byRow + row * kAttentionQueries + lane);
        if constexpr (!Columns)
            return _mm512_fmadd_ps(x, scale, byRow);
        const float* byColumn = terms.byColumn + column * kAttentionQueries + lane;
        return _mm512_add_ps(_mm512_fmadd_ps(x, scale, _mm512_loadu_ps(byColumn)), byRow);
    }
    void advance() {
        if (!Columns || ++column < terms.width)
            return;
        column = 0;
        ++row;
    }
};

template <bool Columns>
TANDEM_WEIGHTS void raise(const float* products, std::size_t keys, const LogitTerms& terms, std::size_t step,
                          float* maximum) {
    Logits<Columns> walk(products, terms);
    __m512 left = _mm512_loadu_ps(maximum), right = _mm512_loadu_ps(maximum + 16);
    for (std::size_t k = 0; k < keys; ++k, walk.advance()) {
        if (k % step != 0)
            continue;
        left = _mm512_max_ps(left, walk.at(k, 0));
        right = _mm512_max_ps(right, walk.at(k, 1));
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
TANDEM_WEIGHTS void weigh(float* products, std::size_t keys, const LogitTerms& terms, float* sum) {
    Logits<Columns> walk(products, terms);
    __m512 sums[2] = {_mm512_loadu_ps(sum), _mm512_loadu_ps(sum + 16)};
    const __m512bh ones = (__m512bh)_mm512_set1_epi32(0x3f803f80);
    __m512 first[2];
    for (std::size_t k = 0; k < keys; k += 2) {
        for (std::size_t part = 0; part < 2; ++part)
            first[part] = exp2Rough(walk.at(k, part));
        walk.advance();
        for (std::size_t part = 0; part < 2; ++part) {
            const __m512 second = k + 1 < keys ? exp2Rough(walk.at(k + 1, part)) : _mm512_setzero_ps();
            const __m512i words = pairOf(first[part], second);
            sums[part] = _mm512_dpbf16_ps(sums[part], (__m512bh)words, ones);
            _mm512_storeu_si512(products + k / 2 * kAttentionQueries + part * 16, words);
        }
        walk.advance();
    }
    _mm512_storeu_ps(sum, sums[0]);
    _mm512_storeu_ps(sum + 16, sums[1]);
}

} // namespace

void raiseMaximum(const float* products, std::size_t keys, const LogitTerms& terms, std::size_t step,
                  float* maximum) {
    (terms.byColumn ? raise<true> : raise<false>)(products, keys, terms, step, maximum);
}

void weightsFromProducts(float* products, std::size_t keys, const LogitTerms& terms, float* sum) {
    (terms.byColumn ? weigh<true> : weigh<false>)(products, keys, terms, sum);
}

#else

void raiseMaximum(const float*, std::size_t, const LogitTerms&, std::size_t, float*) {}
void weightsFromProducts(float*, std::size_t, const LogitTerms&, float*) {}

#endif

} // namespace tandem::kernels
