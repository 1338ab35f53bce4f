#pragma once

#include "inference/kernels/buffer.h"
#include "inference/kernels/gemm.h"
#include "inference/kernels/workers.h"

#include <cstddef>

namespace tandem::kernels {

/// Self attention on a grid of tokens, whole or in windows.
struct AttentionShape {
    std::size_t height = 0, width = 0; ///< tokens; rows of the matrices are row-major over the grid
    std::size_t window = 0;            ///< side of the square windows; 0: one window, the grid
    std::size_t heads = 0, headDim = 0;
    /// Bfloat16: queries, keys, values, tables and the weights of the softmax are rounded, sums are float32
    /// (headDim must be even).
    Numbers numbers = Numbers::Float32;
    /// Bfloat16 in tile registers (amx.h), rows of bfloat16 in and out; only where canAttendInTiles().
    bool tiles = false;
    std::size_t windowHeight() const { return window ? window : height; }
    std::size_t windowWidth() const { return window ? window : width; }
};

/// Whether this processor attends to heads of that size in tile registers.
bool canAttendInTiles(std::size_t headDim, Numbers);

/// Decomposed relative positions of one block, packed by packRelative: row i of the tables is the vector for
/// a query i - (n - 1) tokens below (right of) the key.
struct RelativePositions {
    FloatBuffer rows, columns;
};

/// @param tableRows, tableColumns  (2 n - 1) x headDim for windows of n rows (columns), row-major
/// @param shape  of the attention that they are for
RelativePositions packRelative(const float* tableRows, const float* tableColumns,
                               const AttentionShape& shape);

/// softmax(q k^T / sqrt(headDim) + q . rows[y - y' + h - 1] + q . columns[x - x' + w - 1]) v, head by head,
/// without ever storing the attention map: blocks of keys pass through the first-level cache while maximum
/// and sum of each query are kept up to date.
///
/// Windows are laid from the top left; tokens that stick out at the bottom and right are keys and values that
/// consist of the bias alone, never multiplied, and no queries.
///
/// @param qkv      height * width rows q | k | v, each heads x headDim
/// @param qkvBias  3 * heads * headDim, the keys and values of tokens that stick out; null: zeros
/// @param relative null: no relative positions
/// @param result   height * width rows of heads x headDim
/// @param scratch  memory for the keys and values of one call; kept by the caller for the next
/// Accuracy: 1e-6 of the largest value beside the same formula in double precision, for logits below 100.
/// Source: DB-SAM.md section 2; the running softmax is that of Milakov and Gimelshein (2018).
void selfAttention(Workers&, const AttentionShape&, ConstMatrix qkv, const float* qkvBias,
                   const RelativePositions* relative, Matrix result, FloatBuffer& scratch);
/// The same for shapes with `tiles`. Rows begin on words: strides are even.
void selfAttention(Workers&, const AttentionShape&, const HalfMatrix& qkv, const float* qkvBias,
                   const RelativePositions* relative, const HalfMatrix& result, FloatBuffer& scratch);

/// softmax(q k^T / sqrt(headDim)) v, head by head, without positions: any number of queries and keys.
/// @param queries, keys, values  rows of heads x headDim
void attention(Workers&, std::size_t heads, std::size_t headDim, ConstMatrix queries, ConstMatrix keys,
               ConstMatrix values, Matrix result, FloatBuffer& scratch);

} // namespace tandem::kernels
