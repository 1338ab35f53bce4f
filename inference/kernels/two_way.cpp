#include "inference/kernels/two_way.h"

#include <algorithm>
#include <cstring>
#include <vector>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/two_way.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/micro_kernel-inl.h"
#include "inference/kernels/row_norm-inl.h"
#include "inference/kernels/vector_math-inl.h"
// clang-format on

#ifndef TANDEM_TWO_WAY_SHARED
#define TANDEM_TWO_WAY_SHARED
namespace tandem::kernels {

constexpr float kTwoWayLog2E = 1.44269504088896341f;
constexpr std::size_t kRowBlock = 112; // rows whose logits are formed at once
constexpr std::size_t kChunk = 224;    // rows with one maximum and one sum

// Sizes of one call; columns are padded to whole tiles.
struct TwoWaySizes {
    std::size_t columns = 0, paddedColumns = 0, queries = 0, paddedQueries = 0;
    std::size_t partialFloats() const { return 2 * paddedQueries + queries * paddedColumns; }
};

struct PoolJob {
    ConstMatrix rows, code;
    TwoWaySizes sizes;
    const PackedWeights* queries = nullptr;
};

struct SpreadJob {
    ConstMatrix rows, code;
    TwoWaySizes sizes;
    const TokenSide* side = nullptr;
    const PackedWeights* queries = nullptr;
    const float* values = nullptr; // queries x paddedColumns
    Matrix result;
};

} // namespace tandem::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

std::size_t twoWayTileWidth() {
    return kTileWidth;
}

// Panels of kTileRows rows cover `rows`.
HWY_INLINE std::size_t panelledRows(std::size_t rows) {
    return (rows + kTileRows - 1) / kTileRows * kTileRows;
}

// rows + code of [first, first + count) as panels: out[panel][column][row in panel].
HWY_INLINE void packSum(ConstMatrix rows, ConstMatrix code, std::size_t first, std::size_t count,
                        float* out) {
    for (std::size_t i = 0; i < count; i += kTileRows) {
        const auto load = [&](std::size_t r, std::size_t c, std::size_t n) {
            return hn::Add(vm::loadPart(rows.row(first + i + r) + c, n),
                           vm::loadPart(code.row(first + i + r) + c, n));
        };
        transposeRows(HWY_MIN(kTileRows, count - i), rows.columns, load, out + i * rows.columns);
    }
}

// logits[row][query] of `count` rows from `first` on; `packed` is scratch.
HWY_INLINE void rowLogits(ConstMatrix rows, ConstMatrix code, const PackedWeights& queries, std::size_t first,
                          std::size_t count, std::size_t stride, float* packed, float* logits) {
    const std::size_t depth = rows.columns;
    packSum(rows, code, first, count, packed);
    for (std::size_t x = 0; x < queries.outputs; x += kTileWidth) {
        const float* panel = queries.panels.data() + x * depth;
        if (queries.outputs - x > kLanes)
            multiplyPanels<2>(packed, kTileRows, kTileRows * depth, count, panel, kTileWidth, depth,
                              logits + x, stride, false);
        else
            multiplyPanels<1>(packed, kTileRows, kTileRows * depth, count, panel, kTileWidth, depth,
                              logits + x, stride, false);
    }
}

// Turns the logits of a chunk into weights against the chunk's own maximum, query by query.
HWY_INLINE void chunkSoftmax(std::size_t count, const TwoWaySizes& s, float* logits, float* maximum,
                             float* sum) {
    using namespace vm;
    for (std::size_t q = 0; q < s.queries; q += lanes) {
        V top = hn::LoadU(d, logits + q), total = hn::Zero(d);
        for (std::size_t r = 1; r < count; ++r)
            top = hn::Max(top, hn::LoadU(d, logits + r * s.paddedQueries + q));
        for (std::size_t r = 0; r < count; ++r) {
            float* at = logits + r * s.paddedQueries + q;
            const V weight = exp2Below(hn::Mul(hn::Sub(hn::LoadU(d, at), top), set(kTwoWayLog2E)));
            hn::StoreU(weight, d, at);
            total = hn::Add(total, weight);
        }
        hn::StoreU(top, d, maximum + q);
        hn::StoreU(total, d, sum + q);
    }
}

std::size_t poolScratch(const TwoWaySizes& s) {
    return kChunk * (s.paddedQueries + s.paddedColumns) + panelledRows(kRowBlock) * s.columns;
}

// One chunk of rows: maximum, sum and weighted sum of rows of each query.
void poolChunk(const PoolJob& job, std::size_t first, std::size_t count, float* scratch, float* partial) {
    const TwoWaySizes& s = job.sizes;
    float* logits = scratch;
    float* copy = logits + kChunk * s.paddedQueries;
    float* packed = copy + kChunk * s.paddedColumns;
    for (std::size_t r = 0; r < count; r += kRowBlock)
        rowLogits(job.rows, job.code, *job.queries, first + r, HWY_MIN(kRowBlock, count - r), s.paddedQueries,
                  packed, logits + r * s.paddedQueries);
    float* maximum = partial;
    float* sum = maximum + s.paddedQueries;
    float* mean = sum + s.paddedQueries;
    chunkSoftmax(count, s, logits, maximum, sum);
    const float* values = job.rows.row(first);
    std::size_t stride = job.rows.stride;
    if (s.columns != s.paddedColumns) { // tiles would reach beyond the rows
        std::memset(copy, 0, count * s.paddedColumns * sizeof(float));
        for (std::size_t r = 0; r < count; ++r)
            std::memcpy(copy + r * s.paddedColumns, job.rows.row(first + r), s.columns * sizeof(float));
        values = copy;
        stride = s.paddedColumns;
    }
    for (std::size_t c = 0; c < s.paddedColumns; c += kTileWidth)
        for (std::size_t q = 0; q < s.queries; q += kTileRows)
            tileOf<2>(HWY_MIN(kTileRows, s.queries - q))(logits + q, s.paddedQueries, values + c, stride,
                                                         count, mean + q * s.paddedColumns + c,
                                                         s.paddedColumns, false);
}

// out += in * factor
HWY_INLINE void addScaled(const float* in, float factor, std::size_t n, float* out) {
    using namespace vm;
    const V f = set(factor);
    for (std::size_t i = 0; i < n; i += lanes)
        storePart(hn::MulAdd(loadPart(in + i, n - i), f, loadPart(out + i, n - i)), out + i, n - i);
}

// The chunks of one query joined in their order.
void joinChunks(const TwoWaySizes& s, const float* partials, std::size_t chunks, std::size_t q, float* out) {
    float top = partials[q];
    for (std::size_t k = 1; k < chunks; ++k)
        top = HWY_MAX(top, partials[k * s.partialFloats() + q]);
    float total = 0;
    std::memset(out, 0, s.columns * sizeof(float));
    for (std::size_t pass = 0; pass < 2; ++pass)
        for (std::size_t k = 0; k < chunks; ++k) {
            const float* partial = partials + k * s.partialFloats();
            const float factor = hn::GetLane(vm::exp2Below(vm::set((partial[q] - top) * kTwoWayLog2E)));
            if (pass == 0)
                total += factor * partial[s.paddedQueries + q];
            else
                addScaled(partial + 2 * s.paddedQueries + q * s.paddedColumns, factor / total, s.columns,
                          out);
        }
}

// The same where a vector holds whole groups of heads. `fold` joins the groups of a vector.
HWY_INLINE void tokenSoftmaxOfWholeVectors(std::size_t queries, std::size_t heads, float* row) {
    using namespace vm;
    HWY_ALIGN float group[lanes];
    const auto fold = [&](V v, const auto& join) {
        hn::Store(v, d, group);
        for (std::size_t h = 0; h < heads; ++h)
            for (std::size_t i = h + heads; i < lanes; i += heads)
                group[h] = join(group[h], group[i]);
        for (std::size_t i = heads; i < lanes; ++i)
            group[i] = group[i - heads];
        return hn::Load(d, group);
    };
    V top = set(-1e30f), sum = hn::Zero(d);
    for (std::size_t i = queries; i < (queries + lanes - 1) / lanes * lanes; ++i)
        row[i] = -1e30f;
    for (std::size_t i = 0; i < queries; i += lanes)
        top = hn::Max(top, hn::LoadU(d, row + i));
    top = fold(top, [](float a, float b) { return a > b ? a : b; });
    for (std::size_t i = 0; i < queries; i += lanes) {
        const V x = hn::Sub(hn::LoadU(d, row + i), top);
        // A place beyond the queries counts nothing.
        const V weight =
            hn::IfThenElse(hn::Lt(x, set(-1e29f)), hn::Zero(d), exp2Below(hn::Mul(x, set(kTwoWayLog2E))));
        hn::StoreU(weight, d, row + i);
        sum = hn::Add(sum, weight);
    }
    const V scale = hn::Div(set(1.f), fold(sum, [](float a, float b) { return a + b; }));
    for (std::size_t i = 0; i < queries; i += lanes)
        hn::StoreU(hn::Mul(hn::LoadU(d, row + i), scale), d, row + i);
}

// Softmax over the tokens of each head: row[token * heads + head]. `top` and `sum` hold `heads` floats; the
// row is padded to whole vectors.
HWY_INLINE void tokenSoftmax(const float* offset, std::size_t queries, std::size_t heads, float* top,
                             float* sum, float* row) {
    using namespace vm;
    for (std::size_t i = 0; i < queries; i += lanes)
        storePart(hn::Add(loadPart(row + i, queries - i), loadPart(offset + i, queries - i)), row + i,
                  queries - i);
    if (lanes % heads == 0)
        return tokenSoftmaxOfWholeVectors(queries, heads, row);
    std::memcpy(top, row, heads * sizeof(float));
    for (std::size_t i = heads; i < queries; i += heads)
        for (std::size_t h = 0; h < heads; ++h)
            top[h] = row[i + h] > top[h] ? row[i + h] : top[h];
    for (std::size_t i = 0; i < queries; i += heads)
        for (std::size_t h = 0; h < heads; ++h)
            row[i + h] = (row[i + h] - top[h]) * kTwoWayLog2E;
    for (std::size_t i = 0; i < queries; i += lanes)
        storePart(exp2Below(loadPart(row + i, queries - i)), row + i, queries - i);
    std::memset(sum, 0, heads * sizeof(float));
    for (std::size_t i = 0; i < queries; i += heads)
        for (std::size_t h = 0; h < heads; ++h)
            sum[h] += row[i + h];
    for (std::size_t h = 0; h < heads; ++h)
        sum[h] = 1.f / sum[h];
    for (std::size_t i = 0; i < queries; i += heads)
        for (std::size_t h = 0; h < heads; ++h)
            row[i + h] *= sum[h];
}

std::size_t spreadScratch(const TwoWaySizes& s) {
    return panelledRows(kRowBlock) * (HWY_MAX(s.columns, s.queries) + s.paddedQueries + s.paddedColumns) +
           2 * s.queries;
}

void spreadBlock(const SpreadJob& job, std::size_t first, std::size_t count, float* scratch) {
    using namespace vm;
    const TwoWaySizes& s = job.sizes;
    const TokenSide& side = *job.side;
    float* logits = scratch;
    float* sums = logits + panelledRows(kRowBlock) * s.paddedQueries;
    float* top = sums + panelledRows(kRowBlock) * s.paddedColumns;
    float* packed = top + 2 * s.queries;
    rowLogits(job.rows, job.code, *job.queries, first, count, s.paddedQueries, packed, logits);
    for (std::size_t r = 0; r < count; ++r)
        tokenSoftmax(side.offset, s.queries, side.heads, top, top + side.heads, logits + r * s.paddedQueries);
    for (std::size_t r = 0; r < count; r += kTileRows) {
        const auto load = [&](std::size_t i, std::size_t q, std::size_t n) {
            return loadPart(logits + (r + i) * s.paddedQueries + q, n);
        };
        transposeRows(HWY_MIN(kTileRows, count - r), s.queries, load, packed + r * s.queries);
    }
    for (std::size_t c = 0; c < s.paddedColumns; c += kTileWidth)
        multiplyPanels<2>(packed, kTileRows, kTileRows * s.queries, count, job.values + c, s.paddedColumns,
                          s.queries, sums + c, s.paddedColumns, false);
    const std::size_t n = s.columns;
    for (std::size_t r = 0; r < count; ++r) {
        float* sum = sums + r * s.paddedColumns;
        const float* before = job.rows.row(first + r);
        for (std::size_t i = 0; i < n; i += lanes)
            storePart(hn::Add(hn::Add(loadPart(sum + i, n - i), loadPart(side.bias + i, n - i)),
                              loadPart(before + i, n - i)),
                      sum + i, n - i);
        float mean = 0, scale = 0;
        rowStatistics(sum, n, side.norm.eps, mean, scale);
        normalisePart(sum, n, mean, scale, side.norm.gain, side.norm.bias, job.result.row(first + r));
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(twoWayTileWidth);
HWY_EXPORT(poolScratch);
HWY_EXPORT(poolChunk);
HWY_EXPORT(joinChunks);
HWY_EXPORT(spreadScratch);
HWY_EXPORT(spreadBlock);

namespace {

std::size_t roundUpTo(std::size_t n, std::size_t step) {
    return (n + step - 1) / step * step;
}

TwoWaySizes sizesOf(std::size_t columns, std::size_t queries) {
    const std::size_t width = HWY_DYNAMIC_DISPATCH(twoWayTileWidth)();
    return {columns, roundUpTo(columns, width), queries, roundUpTo(queries, width)};
}

// Queries as the right side of a product; one block of depth.
PackedWeights packQueries(ConstMatrix queries) {
    std::vector<float> rows(queries.rows * queries.columns);
    for (std::size_t q = 0; q < queries.rows; ++q)
        std::memcpy(&rows[q * queries.columns], queries.row(q), queries.columns * sizeof(float));
    return packWeights(rows.data(), queries.rows, queries.columns, queries.columns);
}

} // namespace

void poolRows(Workers& workers, ConstMatrix rows, ConstMatrix code, ConstMatrix queries, Matrix result,
              FloatBuffer& scratch) {
    const PackedWeights packed = packQueries(queries);
    const PoolJob job{rows, code, sizesOf(rows.columns, queries.rows), &packed};
    const std::size_t chunks = (rows.rows + kChunk - 1) / kChunk;
    float* partials = scratch.reserve(chunks * job.sizes.partialFloats());
    workers.run(chunks, [&](std::size_t k, int worker) {
        const std::size_t first = k * kChunk;
        HWY_DYNAMIC_DISPATCH(poolChunk)
        (job, first, std::min(kChunk, rows.rows - first),
         workers.scratch(worker, HWY_DYNAMIC_DISPATCH(poolScratch)(job.sizes)),
         partials + k * job.sizes.partialFloats());
    });
    for (std::size_t q = 0; q < queries.rows; ++q)
        HWY_DYNAMIC_DISPATCH(joinChunks)(job.sizes, partials, chunks, q, result.row(q));
}

void spreadTokens(Workers& workers, ConstMatrix rows, ConstMatrix code, const TokenSide& side,
                  Matrix result) {
    const PackedWeights packed = packQueries(side.queries);
    SpreadJob job{rows, code, sizesOf(rows.columns, side.queries.rows), &side, &packed, nullptr, result};
    std::vector<float> values(job.sizes.queries * job.sizes.paddedColumns, 0.f);
    for (std::size_t q = 0; q < job.sizes.queries; ++q)
        std::memcpy(&values[q * job.sizes.paddedColumns], side.values.row(q), rows.columns * sizeof(float));
    job.values = values.data();
    workers.run((rows.rows + kRowBlock - 1) / kRowBlock, [&](std::size_t task, int worker) {
        const std::size_t first = task * kRowBlock;
        HWY_DYNAMIC_DISPATCH(spreadBlock)
        (job, first, std::min(kRowBlock, rows.rows - first),
         workers.scratch(worker, HWY_DYNAMIC_DISPATCH(spreadScratch)(job.sizes)));
    });
}

} // namespace tandem::kernels
#endif
