#include "inference/kernels/bfloat16.h"

#include "inference/kernels/gemm.h"
#include "inference/kernels/unroll.h"

#include <cstring>

// Highway of Debian 12 has no target with these instructions: intrinsics, in functions of their own target,
// so that nothing of it leaks into code that every processor runs.
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <immintrin.h>
#define TANDEM_HAS_BFLOAT16 1
#define TANDEM_BFLOAT16 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#endif

namespace tandem::kernels {

#ifdef TANDEM_HAS_BFLOAT16
namespace {

template <std::size_t Rows, std::size_t Vectors>
TANDEM_BFLOAT16 __attribute__((noinline)) void
tile(const std::uint32_t* a, std::size_t aStep, const std::uint32_t* b, std::size_t bStep, std::size_t pairs,
     float* c, std::size_t cStep, bool accumulate) {
    __m512 sum[Rows][Vectors];
    TANDEM_UNROLLED (r, Rows)
        TANDEM_UNROLLED (x, Vectors)
            sum[r][x] = _mm512_setzero_ps();
    TANDEM_UNROLLED (r, Rows) // C arrives while the products are formed
        TANDEM_UNROLLED (x, Vectors)
            _mm_prefetch(reinterpret_cast<const char*>(c + r * cStep + x * 16), _MM_HINT_T0);
    for (std::size_t k = 0; k < pairs; ++k) {
        __m512bh right[Vectors];
        TANDEM_UNROLLED (x, Vectors)
            right[x] = (__m512bh)_mm512_loadu_si512(b + x * 16);
        TANDEM_UNROLLED (r, Rows) {
            const __m512bh left = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[r]));
            TANDEM_UNROLLED (x, Vectors)
                sum[r][x] = _mm512_dpbf16_ps(sum[r][x], left, right[x]);
        }
        a += aStep;
        b += bStep;
    }
    if (accumulate)
        TANDEM_UNROLLED (r, Rows)
            TANDEM_UNROLLED (x, Vectors)
                sum[r][x] = _mm512_add_ps(sum[r][x], _mm512_loadu_ps(c + r * cStep + x * 16));
    TANDEM_UNROLLED (r, Rows)
        TANDEM_UNROLLED (x, Vectors)
            _mm512_storeu_ps(c + r * cStep + x * 16, sum[r][x]);
}

template <std::size_t Vectors, std::size_t Rows = 14>
Bfloat16Tile tileOf(std::size_t rows) {
    if constexpr (Rows == 1)
        return tile<1, Vectors>;
    else
        return rows == Rows ? tile<Rows, Vectors> : tileOf<Vectors, Rows - 1>(rows);
}

TANDEM_BFLOAT16 void convert(const float* in, std::size_t n, std::uint32_t* words) {
    std::size_t i = 0;
    for (; i + 32 <= n; i += 32)
        _mm512_storeu_si512(words + i / 2, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(in + i + 16),
                                                                        _mm512_loadu_ps(in + i)));
    for (; i < n; i += 16) {
        const std::size_t left = n - i < 16 ? n - i : 16;
        const auto mask = static_cast<__mmask16>((1u << left) - 1);
        const __m256i half = (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, in + i));
        const auto whole = static_cast<__mmask8>((1u << (left + 1) / 2) - 1);
        _mm256_mask_storeu_epi32(words + i / 2, whole, half);
    }
}

TANDEM_BFLOAT16 void convertSteps(const float* in, std::size_t n, std::uint32_t* words, std::size_t step) {
    std::size_t i = 0;
    for (; i + 32 <= n; i += 32, words += step)
        _mm512_storeu_si512(
            words, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(in + i + 16), _mm512_loadu_ps(in + i)));
    if (i == n)
        return;
    const auto mask = static_cast<__mmask32>((1ull << (n - i)) - 1);
    const __m512 low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), in + i);
    const __m512 high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), in + i + 16);
    _mm512_storeu_si512(words, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

} // namespace

bool hasBfloat16() {
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           registerTile().rows == 14 && registerTile().width == 32;
}

Bfloat16Tile bfloat16Tile(std::size_t rows, std::size_t vectors) {
    return vectors == 1 ? tileOf<1>(rows) : tileOf<2>(rows);
}

void toBfloat16(const float* in, std::size_t n, std::uint32_t* words) {
    convert(in, n, words);
}
void toBfloat16Steps(const float* in, std::size_t n, std::uint32_t* words, std::size_t step) {
    convertSteps(in, n, words, step);
}

#else

bool hasBfloat16() {
    return false;
}
Bfloat16Tile bfloat16Tile(std::size_t, std::size_t) {
    return nullptr;
}
void toBfloat16(const float*, std::size_t, std::uint32_t*) {}
void toBfloat16Steps(const float*, std::size_t, std::uint32_t*, std::size_t) {}

#endif

} // namespace tandem::kernels
