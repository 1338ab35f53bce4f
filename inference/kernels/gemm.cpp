#include "inference/kernels/gemm.h"

#include "inference/kernels/amx.h"
#include "inference/kernels/bfloat16.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/gemm.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/micro_kernel-inl.h"
#include "inference/kernels/row_norm-inl.h"
#include "inference/kernels/vector_math-inl.h"
// clang-format on

#ifndef TANDEM_GEMM_SHARED
#define TANDEM_GEMM_SHARED
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
    bool addToResult = false; // the residual is the result itself
    bool bfloat16() const { return weights->numbers == Numbers::Bfloat16; }
    bool amx() const { return weights->amx; }
    std::size_t packedDepth(std::size_t depth) const { return packedInputs(*weights, depth); }
    std::size_t tileRows(std::size_t ofRegisters) const { return amx() ? kAmxRows : ofRegisters; }
    std::size_t rowBlock = 0, rowBlocks = 0, panelGroups = 0;
    std::size_t panels() const { return (weights->outputs + weights->width - 1) / weights->width; }
};

inline float* toCacheLine(float* p) {
    return reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(p) + 63) / 64 * 64);
}
constexpr std::size_t kCacheLine = 16; // floats
constexpr std::size_t kLeftLines = 5;  // rows that are packed at once, and a spare

} // namespace tandem::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

std::size_t tileWidth() {
    return kTileWidth;
}
std::size_t tileRows() {
    return kTileRows;
}

void layerNormRows(ConstMatrix in, const RowNorm& norm, Matrix out) {
    for (std::size_t r = 0; r < in.rows; ++r) {
        float mean = 0, scale = 0;
        rowStatistics(in.row(r), in.columns, norm.eps, mean, scale);
        normalisePart(in.row(r), in.columns, mean, scale, norm.gain, norm.bias, out.row(r));
    }
}

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
// k][row], for AMX row after row. `statistics`: two floats a row; `lines`: kLeftLines depth blocks.
HWY_INLINE void packLeft(const Product& p, std::size_t first, std::size_t last, std::size_t k,
                         std::size_t depth, float* statistics, float* lines, float* out) {
    const std::size_t words = p.packedDepth(depth), line = p.weights->depthBlock;
    float* const spare = lines + (kLeftLines - 1) * line;
    if (p.amx()) {
        for (std::size_t i = 0; i < last - first; ++i) {
            float* row = out + i * words;
            toBfloat16(leftRow(p.left, first + i, k, depth, statistics + 2 * i, spare), depth,
                       reinterpret_cast<std::uint32_t*>(row));
            std::fill(row + (depth + 1) / 2, row + words, 0.f);
        }
        return;
    }
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

template <Activation A>
HWY_INLINE void finishRow(float* c, std::size_t n, const float* bias, const float* residual) {
    using namespace vm;
    for (std::size_t i = 0; i < n; i += lanes) {
        V x = loadPart(c + i, n - i);
        if (bias)
            x = hn::Add(x, loadPart(bias + i, n - i));
        if constexpr (A == Activation::Relu)
            x = hn::Max(x, hn::Zero(d));
        if constexpr (A == Activation::Gelu)
            x = gelu(x);
        if (residual)
            x = hn::Add(x, loadPart(residual + i, n - i));
        storePart(x, c + i, n - i);
    }
}

// Bias, activation and residual on rows x n of c, whose first element is result(row, column).
HWY_INLINE void finish(const Epilogue& e, bool withResidual, float* c, std::size_t stride, std::size_t rows,
                       std::size_t n, std::size_t row, std::size_t column) {
    const float* bias = e.bias ? e.bias + column : nullptr;
    if (!bias && e.activation == Activation::None && !withResidual)
        return;
    for (std::size_t r = 0; r < rows; ++r) {
        const float* residual = withResidual ? e.residual.row(row + r) + column : nullptr;
        if (e.activation == Activation::Gelu)
            finishRow<Activation::Gelu>(c + r * stride, n, bias, residual);
        else if (e.activation == Activation::Relu)
            finishRow<Activation::Relu>(c + r * stride, n, bias, residual);
        else
            finishRow<Activation::None>(c + r * stride, n, bias, residual);
    }
}

// One tile of the product, depth in floats or words. @param amx  the tile registers, if they are used
HWY_INLINE void productTile(bool half, AmxTile* amx, std::size_t rows, const float* left, const float* right,
                            std::size_t depth, float* c, std::size_t stride, bool accumulate) {
    if (amx)
        amx->multiply(reinterpret_cast<const std::uint32_t*>(left), depth,
                      reinterpret_cast<const std::uint32_t*>(right), depth, c, stride, rows, accumulate);
    else if (half)
        bfloat16Tile(rows, 2)(reinterpret_cast<const std::uint32_t*>(left), kTileRows,
                              reinterpret_cast<const std::uint32_t*>(right), kTileWidth, depth, c, stride,
                              accumulate);
    else
        tileOf<2>(rows)(left, kTileRows, right, kTileWidth, depth, c, stride, accumulate);
}

// Rows [first, last) times panels [begin, end). `scratch`: see multiply.
void multiplyTask(const Product& p, std::size_t first, std::size_t last, std::size_t begin, std::size_t end,
                  float* scratch) {
    const PackedWeights& w = *p.weights;
    const std::size_t rows = last - first;
    const bool residual = p.epilogue->residual.data != nullptr;
    float* statistics = scratch;
    float* lines = statistics + 2 * p.rowBlock;
    float* edge = lines + kLeftLines * w.depthBlock; // the panel that reaches beyond the last output
    float* left = toCacheLine(edge + (p.rowBlock + p.tileRows(kTileRows)) * kTileWidth);
    std::optional<AmxTile> amx;
    if (p.amx())
        amx.emplace();
    const std::size_t tileRows = p.tileRows(kTileRows);
    for (std::size_t k = 0; k < w.inputs; k += w.depthBlock) {
        const std::size_t depth = HWY_MIN(w.depthBlock, w.inputs - k);
        const bool firstBlock = k == 0, lastBlock = k + depth == w.inputs;
        const std::size_t packed = p.packedDepth(depth);
        packLeft(p, first, last, k, depth, statistics, lines, left);
        const float* block =
            w.panels.data() + k / w.depthBlock * p.panels() * kTileWidth * p.packedDepth(w.depthBlock);
        for (std::size_t panel = begin; panel < end; ++panel) {
            const std::size_t column = panel * kTileWidth;
            const std::size_t n = HWY_MIN(kTileWidth, w.outputs - column);
            const bool whole = n == kTileWidth;
            float* c = whole ? p.result.row(first) + column : edge;
            const std::size_t stride = whole ? p.result.stride : kTileWidth;
            for (std::size_t r = 0; r < rows; r += tileRows) {
                const std::size_t count = HWY_MIN(tileRows, rows - r);
                productTile(p.bfloat16(), amx ? &*amx : nullptr, count, left + r * packed,
                            block + panel * kTileWidth * packed, packed, c + r * stride, stride,
                            !firstBlock || (whole && p.addToResult));
                if (lastBlock && whole)
                    finish(*p.epilogue, residual && !p.addToResult, c + r * stride, stride, count, n,
                           first + r, column);
            }
            if (!lastBlock || whole)
                continue;
            finish(*p.epilogue, residual, edge, stride, rows, n, first, column);
            for (std::size_t r = 0; r < rows; ++r)
                std::memcpy(p.result.row(first + r) + column, edge + r * stride, n * sizeof(float));
        }
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(tileWidth);
HWY_EXPORT(tileRows);
HWY_EXPORT(multiplyTask);
HWY_EXPORT(layerNormRows);

namespace {

constexpr std::size_t kRowBlock = 112; // rows that one task packs

// Inputs taken at once: the rows of a task and one panel stay in the second-level cache (1 MB where tiles are
// wide, 256 to 512 KB elsewhere).
std::size_t largestDepthBlock(std::size_t tileWidth, Numbers numbers, bool amx) {
    if (amx)
        return 384; // a panel and the rows of a tile stay in the first-level cache
    return (tileWidth >= 32 ? 768 : 384) * (numbers == Numbers::Bfloat16 ? 2 : 1);
}

// Tiles hold 32 inputs; where a block has fewer there is nothing to gain.
bool usesAmx(std::size_t depthBlock, Numbers numbers) {
    return numbers == Numbers::Bfloat16 && depthBlock >= 2 * kAmxWords && hasAmx();
}

std::size_t ceilDiv(std::size_t a, std::size_t b) {
    return (a + b - 1) / b;
}

// Blocks of rows of equal size, a multiple of the tile's, their number a multiple of the threads'.
void cut(Product& p, int threads) {
    const std::size_t tile = p.tileRows(HWY_DYNAMIC_DISPATCH(tileRows)());
    const auto n = static_cast<std::size_t>(threads);
    const std::size_t rows = p.left.rows, tiles = ceilDiv(rows, tile);
    std::size_t blocks = ceilDiv(rows, kRowBlock);
    blocks = std::min(tiles, ceilDiv(blocks, n) * n);
    p.rowBlock = ceilDiv(tiles, blocks) * tile;
    p.rowBlocks = ceilDiv(rows, p.rowBlock);
    p.panelGroups = p.rowBlocks >= 4 * n ? 1 : std::min(p.panels(), ceilDiv(4 * n, p.rowBlocks));
}

void multiply(Workers& workers, Product& p) {
    if (p.left.rows == 0)
        return;
    p.addToResult = p.epilogue->residual.data == p.result.data;
    cut(p, workers.count());
    const std::size_t tile = p.tileRows(HWY_DYNAMIC_DISPATCH(tileRows)());
    const std::size_t floats =
        2 * p.rowBlock + kLeftLines * p.weights->depthBlock + (p.rowBlock + tile) * p.weights->width +
        (p.rowBlock + tile) * std::max(p.weights->depthBlock, p.packedDepth(p.weights->depthBlock)) +
        kCacheLine;
    const auto task = [&](std::size_t index, int worker) {
        const std::size_t first = index / p.panelGroups * p.rowBlock, group = index % p.panelGroups;
        const std::size_t begin = group * p.panels() / p.panelGroups;
        const std::size_t end = (group + 1) * p.panels() / p.panelGroups;
        HWY_DYNAMIC_DISPATCH(multiplyTask)
        (p, first, std::min(first + p.rowBlock, p.left.rows), begin, end, workers.scratch(worker, floats));
    };
    workers.run(p.rowBlocks * p.panelGroups, task, p.left.rows * p.left.depth * p.weights->outputs);
}

// One panel of one depth block: out[input][output], from rows `stride` apart. A few inputs at a time, so that
// what is written stays in the first-level cache.
void packPanel(const float* weight, std::size_t first, std::size_t outputs, std::size_t stride,
               std::size_t depth, std::size_t width, float* out) {
    constexpr std::size_t step = 16;
    for (std::size_t j = 0; j < depth; j += step)
        for (std::size_t x = 0; x < width; ++x)
            for (std::size_t i = j; i < std::min(j + step, depth); ++i)
                out[i * width + x] = first + x < outputs ? weight[(first + x) * stride + i] : 0.f;
}

// The same in words of two inputs: out[pair][output], `words` of them.
void packPanelOfPairs(const float* weight, std::size_t first, std::size_t outputs, std::size_t stride,
                      std::size_t depth, std::size_t words, std::size_t width, float* out) {
    std::vector<std::uint32_t> line(words);
    auto* to = reinterpret_cast<std::uint32_t*>(out);
    for (std::size_t x = 0; x < width; ++x) {
        if (first + x < outputs)
            toBfloat16(weight + (first + x) * stride, depth, line.data());
        else
            std::fill(line.begin(), line.end(), 0);
        for (std::size_t i = 0; i < words; ++i)
            to[i * width + x] = line[i];
    }
}

} // namespace

RegisterTile registerTile() {
    return {HWY_DYNAMIC_DISPATCH(tileRows)(), HWY_DYNAMIC_DISPATCH(tileWidth)()};
}

PackedWeights packWeights(const float* weight, std::size_t outputs, std::size_t inputs,
                          std::size_t depthBlock, Numbers numbers) {
    const bool half = numbers == Numbers::Bfloat16;
    PackedWeights w;
    w.numbers = numbers;
    w.outputs = outputs;
    w.inputs = inputs;
    w.width = HWY_DYNAMIC_DISPATCH(tileWidth)();
    w.amx = usesAmx(depthBlock ? depthBlock : inputs, numbers);
    w.depthBlock = depthBlock ? depthBlock
                              : ceilDiv(inputs, ceilDiv(inputs, largestDepthBlock(w.width, numbers, w.amx)));
    if (half && !depthBlock)
        w.depthBlock += w.depthBlock % 2;
    const std::size_t panels = ceilDiv(outputs, w.width), blocks = ceilDiv(inputs, w.depthBlock);
    float* out = w.panels.reserve(panels * w.width * blocks * packedInputs(w, w.depthBlock));
    for (std::size_t k = 0; k < inputs; k += w.depthBlock) {
        const std::size_t depth = std::min(w.depthBlock, inputs - k), packed = packedInputs(w, depth);
        for (std::size_t p = 0; p < panels; ++p, out += packed * w.width)
            if (half)
                packPanelOfPairs(weight + k, p * w.width, outputs, inputs, depth, packed, w.width, out);
            else
                packPanel(weight + k, p * w.width, outputs, inputs, depth, w.width, out);
    }
    return w;
}

PackedWeights packConvolution(const float* weight, std::size_t outputs, std::size_t channels,
                              std::size_t kernel, const float* scale, Numbers numbers) {
    const std::size_t taps = kernel * kernel;
    if (channels % 2)
        numbers = Numbers::Float32;
    std::vector<float> byTap(outputs * channels * taps);
    for (std::size_t o = 0; o < outputs; ++o)
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t t = 0; t < taps; ++t)
                byTap[(o * taps + t) * channels + c] =
                    weight[(o * channels + c) * taps + t] * (scale ? scale[o] : 1.f);
    const std::size_t largest = largestDepthBlock(HWY_DYNAMIC_DISPATCH(tileWidth)(), numbers, false);
    const std::size_t step = numbers == Numbers::Bfloat16 ? 2 : 1;
    std::size_t block = channels;
    for (std::size_t parts = 1; block > largest; ++parts)
        if (channels % (parts * step) == 0)
            block = channels / parts;
    return packWeights(byTap.data(), outputs, channels * taps, block, numbers);
}

void linear(Workers& workers, ConstMatrix left, const PackedWeights& weights, const Epilogue& epilogue,
            Matrix result, const RowNorm* norm) {
    Product p;
    p.left.matrix = left;
    p.left.norm = norm;
    p.left.rows = left.rows;
    p.left.depth = weights.inputs;
    p.weights = &weights;
    p.epilogue = &epilogue;
    p.result = result;
    multiply(workers, p);
}

void convolve(Workers& workers, const Convolution& convolution, ConstMatrix image,
              const PackedWeights& weights, const Epilogue& epilogue, Matrix result) {
    const std::vector<float> zeros(weights.depthBlock, 0.f);
    Product p;
    p.left.matrix = image;
    p.left.convolution = &convolution;
    p.left.zeros = zeros.data();
    p.left.rows = convolution.outHeight() * convolution.outWidth();
    p.left.depth = weights.inputs;
    p.weights = &weights;
    p.epilogue = &epilogue;
    p.result = result;
    multiply(workers, p);
}

void layerNorm(Workers& workers, ConstMatrix in, const RowNorm& norm, Matrix out) {
    constexpr std::size_t block = 64;
    workers.run(ceilDiv(in.rows, block), [&](std::size_t task, int) {
        const std::size_t first = task * block, count = std::min(block, in.rows - first);
        HWY_DYNAMIC_DISPATCH(layerNormRows)
        ({in.row(first), count, in.columns, in.stride}, norm, out.slice(first, count));
    });
}

double measureGemmGflops(Workers& workers, Numbers numbers) {
    constexpr std::size_t rows = 1024, depth = 768, columns = 3072;
    const std::vector<float> weight(columns * depth, 0.25f), left(rows * depth, 0.5f);
    std::vector<float> result(rows * columns);
    const PackedWeights packed = packWeights(weight.data(), columns, depth, 0, numbers);
    double best = 0;
    for (int run = 0; run < 6; ++run) {
        const auto start = std::chrono::steady_clock::now();
        linear(workers, {left.data(), rows, depth, depth}, packed, {},
               {result.data(), rows, columns, columns});
        const std::chrono::duration<double> s = std::chrono::steady_clock::now() - start;
        best = std::max(best, 2e-9 * rows * depth * columns / s.count());
    }
    return best;
}

} // namespace tandem::kernels
#endif
