#pragma once

#include <cstddef>

/// Softmax weights of attention in bfloat16: a block of keys against kAttentionQueries queries, one row of
/// logits (base 2) a key. Only where hasBfloat16() (bfloat16.h).
namespace tandem::kernels {

inline constexpr std::size_t kAttentionQueries = 32;

/// What is added to the logits of a block: that of key i is byRow[y] + byColumn[x] with the place of key
/// first + i in rows of `width` keys; vectors of kAttentionQueries floats.
struct LogitOffsets {
    const float* byRow = nullptr;
    const float* byColumn = nullptr; ///< null: nothing, and all keys lie in one row
    std::size_t width = 0, first = 0;
};

/// Raises `maximum` to the largest of the offset logits of every `step`-th key.
void raiseMaximum(const float* logits, std::size_t keys, const LogitOffsets&, std::size_t step,
                  float* maximum);

/// Replaces offset logits by 2^logit as words of two keys (an odd last one beside zero), rounded to bfloat16,
/// and adds what was rounded to `sum`. Relative error of a weight before rounding < 8e-5; beyond the range of
/// float32 it is 0 or infinite, and so is the sum.
void weightsFromLogits(float* logits, std::size_t keys, const LogitOffsets&, float* sum);

} // namespace tandem::kernels
