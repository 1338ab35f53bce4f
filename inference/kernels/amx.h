#pragma once

#include <cstddef>
#include <cstdint>

/// Products of bfloat16 numbers summed in float32 in the tile registers of processors with AMX
/// (Intel, Architecture Instruction Set Extensions Programming Reference, chapter 3).
namespace tandem::kernels {

/// Whether this processor has AMX for bfloat16, the system lets this process use it, and it was not turned
/// off. Only where hasBfloat16() (bfloat16.h).
bool hasAmx();
/// Turns it off, or on again; for tests and for finding faults. Weights packed before keep their kind.
/// Thread: only while no kernel runs.
void allowAmx(bool);

/// Words (pairs of inputs) are taken so many at a time.
inline constexpr std::size_t kAmxWords = 16;
/// Rows and columns of a tile of a product.
inline constexpr std::size_t kAmxRows = 32, kAmxWidth = 32;

/// The left matrix of a product: word k of row r lies at words[r * rowStep + k / kAmxWords * depthStep + k %
/// kAmxWords]. Row after row: depthStep is kAmxWords.
struct AmxLeft {
    const std::uint32_t* words = nullptr;
    std::size_t rowStep = 0, depthStep = kAmxWords;
};

/// The tile registers of the calling thread, held from construction to destruction. Only where hasAmx().
class AmxTile {
public:
    AmxTile() = default;
    ~AmxTile();
    AmxTile(const AmxTile&) = delete;
    AmxTile& operator=(const AmxTile&) = delete;

    /// C[r][x] (+)= sum over k of A[r][k] . B[k][x], r < rows, x < kAmxWidth, where A and B hold pairs. B is
    /// read at b[k * kAmxWidth + x] and C at c[r * cStep + x].
    /// @param rows        1..kAmxRows
    /// @param words       k runs below this, a multiple of kAmxWords
    /// @param accumulate  adds to what C holds; otherwise C is only written
    void multiply(const AmxLeft& a, const std::uint32_t* b, std::size_t words, float* c, std::size_t cStep,
                  std::size_t rows, bool accumulate);

private:
    std::size_t rows_ = 0; // that the registers are set up for; 0: not at all
};

} // namespace tandem::kernels
