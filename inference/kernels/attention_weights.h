#pragma once

#include <cstddef>

/// Softmax weights of attention in bfloat16: a block of keys against kAttentionQueries queries, one row of
/// products a key. Only where hasBfloat16() (bfloat16.h).
namespace tandem::kernels {

inline constexpr std::size_t kAttentionQueries = 32;

/// The logit of key i of a block is scale * product + byRow[y] + byColumn[x] with the place of key first + i
/// in rows of `width` keys; vectors of kAttentionQueries floats.
struct LogitTerms {
    const float* byRow = nullptr;
    const float* byColumn = nullptr; ///< null: nothing, and all keys lie in one row
    std::size_t width = 0, first = 0;
    float scale = 1;
};

/// Raises `maximum` to the largest logits.
void raiseMaximum(const float* products, std::size_t keys, const LogitTerms&, float* maximum);

/// Writes 2^logit as words of two keys (an odd last one beside zero), rounded to bfloat16, and adds what was
/// rounded to `sum`. Relative error of a weight before rounding < 8e-5; beyond the range of
/// float32 it is 0 or infinite, and so is the sum.
void weightsFromProducts(const float* products, std::size_t keys, const LogitTerms&, float* words,
                         float* sum);

} // namespace tandem::kernels
