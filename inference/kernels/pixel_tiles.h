#pragma once

#include "inference/kernels/buffer.h"
#include "inference/kernels/gemm.h"
#include "inference/kernels/workers.h"

#include <cstddef>
#include <span>

/// Maps whose pixels lie side by side, and small matrices on the left of products with them: what a product
/// writes is what the next one reads, and sums over channels need no sum within a vector.
namespace tandem::kernels {

/// How the pixels of a map are cut. A chunk is what one task works on; in it each row has `stride` floats, of
/// which `chunk` are pixels (those behind the last pixel are zero). Tiles are what one product tile covers.
struct PixelCut {
    std::size_t pixels = 0, tile = 0, chunk = 0, stride = 0;
    std::size_t chunks() const { return (pixels + chunk - 1) / chunk; }
    /// Of a map of so many rows: [chunk][row][pixel].
    std::size_t floats(std::size_t rows) const { return chunks() * rows * stride; }
};
/// The cut for the instruction set in use; the same whatever the threads.
PixelCut cutPixels(std::size_t pixels);

/// How the numbers of such products lie in memory.
struct TileNumbers {
    Numbers numbers = Numbers::Float32;
    bool amx = false; ///< for the tile registers (amx.h): words are padded to kAmxWords with zeros
    bool half() const { return numbers == Numbers::Bfloat16; }
    /// Floats or words that so many inputs take.
    std::size_t depth(std::size_t inputs) const;
    /// Rows of a left matrix that a product takes at a time.
    std::size_t panelRows() const;
};
/// For the instruction set in use.
TileNumbers tileNumbers(Numbers);

/// A matrix packed for the left of a product with tiles of pixels.
struct LeftPanels {
    FloatBuffer panels; ///< of bfloat16: words of two inputs; for tile registers row after row
    std::size_t rows = 0, depth = 0;
    TileNumbers numbers;
    std::size_t packedDepth() const { return numbers.depth(depth); }
};
/// @param rows  rows x depth
void packLeft(ConstMatrix rows, LeftPanels&, Numbers = Numbers::Float32);
/// The same from depth x rows.
void packLeftTransposed(ConstMatrix columns, LeftPanels&, Numbers = Numbers::Float32);
/// The columns of each head as a matrix of its own, one behind the other: rows x (heads * n).
struct HeadPanels {
    FloatBuffer panels;
    std::size_t heads = 0, rows = 0, depth = 0; ///< of one head
    std::size_t headFloats = 0;
    const float* head(std::size_t h) const { return panels.data() + h * headFloats; }
};
void packHeads(ConstMatrix rows, std::size_t heads, HeadPanels&);

/// An image as the right side of products: tiles of [channel][pixel], of bfloat16 [pair of channels][pixel].
struct TiledImage {
    FloatBuffer tiles;
    std::size_t channels = 0;
    TileNumbers numbers;
    std::size_t packedDepth() const { return numbers.depth(channels); }
};

/// What a chain of norms needs to know of an image: y(0) = x - mean(x), y(i + 1) = the same of y(i) *
/// gains[i], the means taken over the channels.
struct NormSquares {
    std::span<const float* const> gains;
    float* squares = nullptr; ///< result, a map of gains.size() rows: the mean square of each y(i)
};

/// Tiles of planes + code.
/// @param planes  `channels` planes of cut.pixels floats
/// @param code    nothing, one float for each channel, or planes
void tileImage(Workers&, const PixelCut& cut, const float* planes, std::span<const float> code,
               std::size_t channels, Numbers, TiledImage&, const NormSquares& = {});

/// A map of left.rows rows: left times the image. |error| as gemm.h says.
void projectImage(Workers&, const PixelCut&, const TiledImage&, const LeftPanels& left, float* map);

/// result[i][j] = left row i . right row j, on the caller's thread; for small matrices.
void dotProducts(ConstMatrix left, ConstMatrix right, Matrix result);

} // namespace tandem::kernels
