#pragma once

#include "inference/kernels/buffer.h"
#include "inference/kernels/gemm.h"
#include "inference/kernels/workers.h"

#include <cstddef>

/// Attention between very many rows (pixels) and a few (tokens of a prompt, a column for each token and
/// head), where the projections of the pixels are folded into the tokens: with keys K x and a query q the
/// logit is q^T (K x) = (K^T q)^T x, and the mean of values V x is V times the mean of x. Keys and values of
/// the pixels are then never computed: 56 products for each pixel instead of 384 with 7 tokens and 8 heads.
namespace tandem::kernels {

/// result[q] = sum over rows p of softmax_p(queries[q] . (rows[p] + code[p])) rows[p].
/// @param code     added to the rows where they are compared; as large as `rows`
/// @param queries  any number of rows of rows.columns floats
/// @param scratch  memory kept by the caller for the next call
/// Accuracy: 2e-6 of the largest value, for logits below 100. The result does not depend on the threads.
void poolRows(Workers&, ConstMatrix rows, ConstMatrix code, ConstMatrix queries, Matrix result,
              FloatBuffer& scratch);

/// What the tokens of a prompt give to every pixel: a row for each token and head, in the order token * heads
/// + head.
struct TokenSide {
    std::size_t heads = 0;
    ConstMatrix queries;           ///< the logit of a pixel is its product with this row, plus `offset`
    const float* offset = nullptr; ///< one for each row
    ConstMatrix values;            ///< what the pixel gets, weighted by the softmax over a head's tokens
    const float* bias = nullptr;   ///< added to every pixel; one for each column
    RowNorm norm;                  ///< of the sum
};

/// result[p] = norm(rows[p] + bias + sum over heads h and tokens t of
/// softmax_t(queries[t, h] . (rows[p] + code[p]) + offset[t, h]) values[t, h]).
/// @param result  may be `rows`
/// Accuracy: 2e-6 of the largest value before the norm, for logits below 100.
void spreadTokens(Workers&, ConstMatrix rows, ConstMatrix code, const TokenSide&, Matrix result);

} // namespace tandem::kernels
