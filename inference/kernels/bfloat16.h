#pragma once

#include <cstddef>
#include <cstdint>

/// Products of bfloat16 numbers (float32 with 8 significant bits) summed in float32, on processors that have
/// instructions for them (AVX512_BF16). Numbers travel in words of two: the first of a pair in the low half.
namespace tandem::kernels {

/// The words that a buffer of floats holds.
inline const std::uint32_t* wordsOf(const float* p) {
    return reinterpret_cast<const std::uint32_t*>(p);
}

/// Whether this processor has them, and the kernels in use fit them (no smaller instruction set was chosen).
bool hasBfloat16();

/// One register tile: C[r][x] (+)= sum over k of A[k][r] . B[k][x], where A and B hold pairs. A is read at
/// a[k * aStep + r], B at b[k * bStep + x] and C at c[r * cStep + x].
/// @param pairs       k runs below this
/// @param accumulate  adds to what C holds; otherwise C is only written
using Bfloat16Tile = void (*)(const std::uint32_t* a, std::size_t aStep, const std::uint32_t* b,
                              std::size_t bStep, std::size_t pairs, float* c, std::size_t cStep,
                              bool accumulate);

/// The tile of `rows` rows (1..14) and `vectors` vectors (1, 2) of 16 columns. Only where hasBfloat16().
Bfloat16Tile bfloat16Tile(std::size_t rows, std::size_t vectors);

/// n floats as (n + 1) / 2 words, rounded to nearest, ties to even; the last half is zero if n is odd. Only
/// where hasBfloat16().
void toBfloat16(const float* in, std::size_t n, std::uint32_t* words);

/// The same, each 16 words `step` words after the 16 before; the last 16 are filled up with zeros.
void toBfloat16Steps(const float* in, std::size_t n, std::uint32_t* words, std::size_t step);

} // namespace tandem::kernels
