// One task of a matrix product: what it reads, and its loops, compiled once for each instruction set (see
// micro_kernel-inl.h).
#ifndef TANDEM_GEMM_SHARED
#define TANDEM_GEMM_SHARED
#include "inference/kernels/amx.h"
#include "inference/kernels/bfloat16.h"
#include "inference/kernels/gemm.h"

#include <cstddef>
#include <cstdint>

namespace tandem::kernels {

// Floats or words that `depth` inputs of a depth block take.
inline std::size_t packedInputs(const PackedWeights& w, std::size_t depth) {
    if (w.numbers != Numbers::Bfloat16)
        return depth;
    const std::size_t words = (depth + 1) / 2;
    return w.amx ? (words + kAmxWords - 1) / kAmxWords * kAmxWords : words;
}

// Where the rows of the left matrix come from: a matrix, or the pixels that a convolution's tap meets.
struct LeftRows {
    ConstMatrix matrix;
    HalfMatrix half; // instead of `matrix`, where it has data
    const RowNorm* norm = nullptr;
    const Convolution* convolution = nullptr;
    const float* zeros = nullptr; // as long as a depth block
    std::size_t rows = 0, depth = 0;

    // The floats [k, k + depth block) of row r.
    const float* at(std::size_t r, std::size_t k) const {
        if (!convolution)
            return matrix.row(r) + k;
        const Convolution& c = *convolution;
        const std::size_t tap = k / c.channels, width = c.outWidth();
        const std::size_t y = r / width * c.stride + tap / c.kernel;
        const std::size_t x = r % width * c.stride + tap % c.kernel;
        if (y < c.padding || x < c.padding || y - c.padding >= c.height || x - c.padding >= c.width)
            return zeros;
        return matrix.row((y - c.padding) * c.width + x - c.padding) + k % c.channels;
    }
};

// One product, cut into tasks: blocks of rows times groups of panels.
struct Product {
    LeftRows left;
    const PackedWeights* weights = nullptr;
    const Epilogue* epilogue = nullptr;
    Matrix result;
    HalfMatrix halfResult;    // instead of `result`, where it has data
    bool addToResult = false; // the residual is the result itself
    bool bfloat16() const { return weights->numbers == Numbers::Bfloat16; }
    bool amx() const { return weights->amx; }
    std::size_t packedDepth(std::size_t depth) const { return packedInputs(*weights, depth); }
    std::size_t tileRows(std::size_t ofRegisters) const { return amx() ? kAmxRows : ofRegisters; }
    std::size_t rowBlock = 0, rowBlocks = 0, panelGroups = 0;
    std::size_t panels() const { return (weights->outputs + weights->width - 1) / weights->width; }
    std::size_t panelsOfTask() const { return (panels() + panelGroups - 1) / panelGroups; } // at most
    const float* rightBlock(std::size_t k) const { // the panels of the depth block that begins at k
        return weights->panels.data() +
               k / weights->depthBlock * panels() * weights->width * packedDepth(weights->depthBlock);
    }
    std::size_t depthBlocks() const {
        return (weights->inputs + weights->depthBlock - 1) / weights->depthBlock;
    }

    // In tile registers: whether every depth block of a task's rows stays packed while the panels go by, and
    // how many panels' sums lie beside them in the second-level cache (2 MB where there are such registers).
    // Tasks differ by a panel: what they share in scratch memory follows from the largest.
    bool holdsLeft() const { return weights->inputs <= 1536; }
    std::size_t panelsAtOnce() const {
        const std::size_t most = holdsLeft() ? 12 : 24, groups = (panelsOfTask() + most - 1) / most;
        return depthBlocks() == 1 ? panelsOfTask() : (panelsOfTask() + groups - 1) / groups;
    }
    std::size_t tilesOfTask() const { return (rowBlock + kAmxRows - 1) / kAmxRows; }
    std::size_t leftBlockFloats() const {
        return tilesOfTask() * kAmxRows * packedDepth(weights->depthBlock);
    }
    std::size_t leftFloats() const { return (holdsLeft() ? depthBlocks() : 1) * leftBlockFloats(); }
    std::size_t sumFloats() const {
        return (depthBlocks() == 1 ? 1 : panelsAtOnce() * tilesOfTask()) * kAmxRows * kAmxWidth;
    }
};

template <class Rows>
Rows partOf(const Rows& m, std::size_t row, std::size_t column, std::size_t rows, std::size_t columns) {
    return {m.row(row) + column, rows, columns, m.stride};
}

inline float* toCacheLine(float* p) {
    return reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(p) + 63) / 64 * 64);
}
constexpr std::size_t kCacheLine = 16; // floats
constexpr std::size_t kLeftLines = 5;  // rows that are packed at once, and a spare

} // namespace tandem::kernels
#endif

#if defined(TANDEM_GEMM_TASK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TANDEM_GEMM_TASK_INL
#undef TANDEM_GEMM_TASK_INL
#else
#define TANDEM_GEMM_TASK_INL
#endif

#include "inference/kernels/micro_kernel-inl.h"
#include "inference/kernels/row_norm-inl.h"
#include "inference/kernels/vector_math-inl.h"

#include <hwy/highway.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

// The floats [k, k + depth) of row r as they are multiplied: normalised into `line` if there is a norm.
// `statistics`: mean and scale of the row, filled at the first depth block.
HWY_INLINE const float* leftRow(const LeftRows& left, std::size_t r, std::size_t k, std::size_t depth,
                                float* statistics, float* line) {
    const float* source = left.at(r, k);
    if (!left.norm)
        return source;
    if (k == 0)
        rowStatistics(source, left.depth, left.norm->eps, statistics[0], statistics[1]);
    normalisePart(source, depth, statistics[0], statistics[1], left.norm->gain + k, left.norm->bias + k,
                  line);
    return line;
}

// Writes rows [first, last) of a depth block as panels of kTileRows: panel[k][row], of bfloat16 panel[pair of
// k][row]. `statistics`: two floats a row; `lines`: kLeftLines depth blocks.
HWY_INLINE void packLeft(const Product& p, std::size_t first, std::size_t last, std::size_t k,
                         std::size_t depth, float* statistics, float* lines, float* out) {
    const std::size_t words = p.packedDepth(depth), line = p.weights->depthBlock;
    float* const spare = lines + (kLeftLines - 1) * line;
    const float* rows[kLeftLines - 1];
    for (std::size_t i = 0, count = 0; i < last - first; i += count) {
        count = HWY_MIN(HWY_MIN(kLeftLines - 1, kTileRows - i % kTileRows), last - first - i);
        for (std::size_t j = 0; j < count; ++j) {
            float* own = lines + j * line;
            rows[j] = leftRow(p.left, first + i + j, k, depth, statistics + 2 * (i + j),
                              p.bfloat16() ? spare : own);
            if (!p.bfloat16())
                continue;
            toBfloat16(rows[j], depth, reinterpret_cast<std::uint32_t*>(own));
            rows[j] = own;
        }
        const auto load = [&](std::size_t row, std::size_t column, std::size_t n) {
            return vm::loadPart(rows[row] + column, n);
        };
        transposeRows(count, words, load, out + i / kTileRows * kTileRows * words + i % kTileRows);
    }
}

// The first n lanes rounded to bfloat16, ties to even.
HWY_INLINE void storePart(vm::V v, std::uint16_t* out, std::size_t n) {
    const hn::RebindToUnsigned<decltype(vm::d)> du;
    const hn::Rebind<std::uint16_t, decltype(vm::d)> half;
    const auto bits = hn::BitCast(du, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fff))));
    const auto numbers = hn::DemoteTo(half, hn::BitCast(vm::di, rounded));
    if (n >= vm::lanes) {
        hn::StoreU(numbers, half, out);
        return;
    }
    HWY_ALIGN std::uint16_t part[vm::lanes];
    hn::Store(numbers, half, part);
    std::memcpy(out, part, n * sizeof *out);
}
HWY_INLINE vm::V geluFor(vm::V x, const float*) {
    return vm::gelu(x);
}
HWY_INLINE vm::V geluFor(vm::V x, const std::uint16_t*) {
    return vm::geluQuick(x);
}

template <Activation A, class Out>
HWY_INLINE void finishRow(const float* sums, std::size_t n, const float* bias, const float* residual,
                          Out* out) {
    using namespace vm;
    for (std::size_t i = 0; i < n; i += lanes) {
        V x = loadPart(sums + i, n - i);
        if (bias)
            x = hn::Add(x, loadPart(bias + i, n - i));
        if constexpr (A == Activation::Relu)
            x = hn::Max(x, hn::Zero(d));
        if constexpr (A == Activation::Gelu)
            x = geluFor(x, out);
        if (residual)
            x = hn::Add(x, loadPart(residual + i, n - i));
        storePart(x, out + i, n - i);
    }
}

// Bias, activation and residual on rows x n of a product, whose first element is result(row, column).
template <class Rows>
HWY_INLINE void finish(const Epilogue& e, bool withResidual, ConstMatrix sums, std::size_t row,
                       std::size_t column, const Rows& out) {
    const float* bias = e.bias ? e.bias + column : nullptr;
    for (std::size_t r = 0; r < sums.rows; ++r) {
        const float* residual = withResidual ? e.residual.row(row + r) + column : nullptr;
        if (e.activation == Activation::Gelu)
            finishRow<Activation::Gelu>(sums.row(r), sums.columns, bias, residual, out.row(r));
        else if (e.activation == Activation::Relu)
            finishRow<Activation::Relu>(sums.row(r), sums.columns, bias, residual, out.row(r));
        else
            finishRow<Activation::None>(sums.row(r), sums.columns, bias, residual, out.row(r));
    }
}

// One tile of the product, depth in floats or words.
HWY_INLINE void productTile(bool half, std::size_t rows, const float* left, const float* right,
                            std::size_t depth, float* c, std::size_t stride, bool accumulate) {
    if (half)
        bfloat16Tile(rows, 2)(reinterpret_cast<const std::uint32_t*>(left), kTileRows,
                              reinterpret_cast<const std::uint32_t*>(right), kTileWidth, depth, c, stride,
                              accumulate);
    else
        tileOf<2>(rows)(left, kTileRows, right, kTileWidth, depth, c, stride, accumulate);
}

// Rows [first, last) times panels [begin, end). `scratch`: scratchFloats.
void multiplyTask(const Product& p, std::size_t first, std::size_t last, std::size_t begin, std::size_t end,
                  float* scratch) {
    const PackedWeights& w = *p.weights;
    const std::size_t rows = last - first;
    const bool residual = p.epilogue->residual.data != nullptr;
    const bool plain = !p.epilogue->bias && p.epilogue->activation == Activation::None;
    float* statistics = scratch;
    float* lines = statistics + 2 * p.rowBlock;
    float* edge = lines + kLeftLines * w.depthBlock; // the panel that reaches beyond the last output
    float* left = toCacheLine(edge + (p.rowBlock + kTileRows) * kTileWidth);
    for (std::size_t k = 0; k < w.inputs; k += w.depthBlock) {
        const std::size_t depth = HWY_MIN(w.depthBlock, w.inputs - k);
        const bool firstBlock = k == 0, lastBlock = k + depth == w.inputs;
        const std::size_t packed = p.packedDepth(depth);
        packLeft(p, first, last, k, depth, statistics, lines, left);
        const float* block = p.rightBlock(k);
        for (std::size_t panel = begin; panel < end; ++panel) {
            const std::size_t column = panel * kTileWidth;
            const std::size_t n = HWY_MIN(kTileWidth, w.outputs - column);
            const bool whole = n == kTileWidth, added = whole && p.addToResult;
            float* c = whole ? p.result.row(first) + column : edge;
            const std::size_t stride = whole ? p.result.stride : kTileWidth;
            for (std::size_t r = 0; r < rows; r += kTileRows) {
                const std::size_t count = HWY_MIN(kTileRows, rows - r);
                productTile(p.bfloat16(), count, left + r * packed, block + panel * kTileWidth * packed,
                            packed, c + r * stride, stride, !firstBlock || added);
                if (!lastBlock || (whole && plain && (added || !residual)))
                    continue;
                finish(*p.epilogue, residual && !added, {c + r * stride, count, n, stride}, first + r, column,
                       partOf(p.result, first + r, column, count, n));
            }
        }
    }
}

// n numbers as words, each kAmxWords of them `step` after those before; the last are filled up with zeros.
HWY_INLINE void copySteps(const std::uint16_t* in, std::size_t n, std::uint32_t* words, std::size_t step) {
    for (; n >= 2 * kAmxWords; n -= 2 * kAmxWords, in += 2 * kAmxWords, words += step)
        std::memcpy(words, in, kAmxWords * sizeof *words);
    if (n == 0)
        return;
    std::memset(words, 0, kAmxWords * sizeof *words);
    std::memcpy(words, in, n * sizeof *in);
}

// Writes rows [first, last) of a depth block for the tile registers: tile[step of kAmxWords][row][word].
HWY_INLINE void packLeftInTiles(const Product& p, std::size_t first, std::size_t last, std::size_t k,
                                std::size_t depth, float* statistics, float* line, float* out) {
    const std::size_t words = p.packedDepth(depth);
    for (std::size_t i = 0; i < last - first; ++i) {
        float* row = out + i / kAmxRows * kAmxRows * words + i % kAmxRows * kAmxWords;
        auto* to = reinterpret_cast<std::uint32_t*>(row);
        if (p.left.half.data)
            copySteps(p.left.half.row(first + i) + k, depth, to, kAmxRows * kAmxWords);
        else
            toBfloat16Steps(leftRow(p.left, first + i, k, depth, statistics + 2 * i, line), depth, to,
                            kAmxRows * kAmxWords);
    }
}

// What the tile after this one reads and what this one writes arrives while the products are formed.
HWY_INLINE void prefetchPanel(const float* panel, std::size_t part, std::size_t parts, std::size_t floats) {
    const std::size_t share = (floats + parts - 1) / parts;
    for (std::size_t i = part * share; i < HWY_MIN(part * share + share, floats); i += kCacheLine)
        __builtin_prefetch(panel + i, 0, 2); // into the second-level cache
}
template <class Rows>
HWY_INLINE void prefetchResult(const Rows& result) {
    constexpr std::size_t line = kCacheLine * sizeof(float) / sizeof *result.data;
    for (std::size_t r = 0; r < result.rows; ++r)
        for (std::size_t i = 0; i < result.columns; i += line)
            __builtin_prefetch(result.row(r) + i, 1, 3);
}

// The same in tile registers. The sums of some panels stay in the second-level cache, tile by tile, while the
// depth blocks go by: results whose rows lie a power of two apart would share few lines of the first level.
// Rows: Matrix or HalfMatrix, what the result is.
template <class Rows>
HWY_INLINE void multiplyInTilesTo(const Rows& to, const Product& p, std::size_t first, std::size_t last,
                                  std::size_t begin, std::size_t end, float* scratch) {
    const PackedWeights& w = *p.weights;
    const std::size_t rows = last - first, tiles = (rows + kAmxRows - 1) / kAmxRows;
    const std::size_t blocks = p.depthBlocks(), atOnce = p.panelsAtOnce();
    constexpr std::size_t tileFloats = kAmxRows * kAmxWidth;
    float* statistics = scratch;
    float* line = statistics + 2 * p.rowBlock;
    float* left = toCacheLine(line + w.depthBlock);
    float* sums = toCacheLine(left + p.leftFloats());
    AmxTile amx;
    for (std::size_t group = begin; group < end; group += atOnce)
        for (std::size_t block = 0; block < blocks; ++block) {
            const std::size_t k = block * w.depthBlock, depth = HWY_MIN(w.depthBlock, w.inputs - k);
            const std::size_t packed = p.packedDepth(depth);
            const bool lastBlock = block + 1 == blocks;
            float* ownLeft = left + (p.holdsLeft() ? block * p.leftBlockFloats() : 0);
            if (!p.holdsLeft() || group == begin)
                packLeftInTiles(p, first, last, k, depth, statistics, line, ownLeft);
            for (std::size_t panel = group; panel < HWY_MIN(group + atOnce, end); ++panel) {
                const float* right = p.rightBlock(k) + panel * kAmxWidth * packed;
                const std::size_t column = panel * kAmxWidth, n = HWY_MIN(kAmxWidth, w.outputs - column);
                for (std::size_t t = 0; t < tiles; ++t) {
                    const std::size_t row = first + t * kAmxRows, count = HWY_MIN(kAmxRows, last - row);
                    float* c = blocks == 1 ? sums : sums + ((panel - group) * tiles + t) * tileFloats;
                    prefetchPanel(right + packed * kAmxWidth, t, tiles, packed * kAmxWidth);
                    const Rows result = partOf(to, row, column, count, n);
                    if (lastBlock)
                        prefetchResult(result);
                    amx.multiply({wordsOf(ownLeft + t * kAmxRows * packed), kAmxWords, kAmxRows * kAmxWords},
                                 wordsOf(right), packed, c, kAmxWidth, count, block > 0);
                    if (lastBlock)
                        finish(*p.epilogue, p.epilogue->residual.data != nullptr, {c, count, n, kAmxWidth},
                               row, column, result);
                }
            }
        }
}

void multiplyInTiles(const Product& p, std::size_t first, std::size_t last, std::size_t begin,
                     std::size_t end, float* scratch) {
    if (p.halfResult.data)
        multiplyInTilesTo(p.halfResult, p, first, last, begin, end, scratch);
    else
        multiplyInTilesTo(p.result, p, first, last, begin, end, scratch);
}

// Floats of scratch memory that a task needs.
std::size_t scratchFloats(const Product& p) {
    const PackedWeights& w = *p.weights;
    if (!p.amx())
        return 2 * p.rowBlock + kLeftLines * w.depthBlock + (p.rowBlock + kTileRows) * w.width +
               (p.rowBlock + kTileRows) * HWY_MAX(w.depthBlock, p.packedDepth(w.depthBlock)) + kCacheLine;
    return 2 * p.rowBlock + w.depthBlock + p.leftFloats() + p.sumFloats() + 2 * kCacheLine;
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
