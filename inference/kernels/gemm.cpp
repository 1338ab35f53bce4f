#include "inference/kernels/gemm.h"

#include "inference/kernels/amx.h"
#include "inference/kernels/bfloat16.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/gemm.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/gemm_task-inl.h"
// clang-format on

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

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(tileWidth);
HWY_EXPORT(tileRows);
HWY_EXPORT(multiplyTask);
HWY_EXPORT(multiplyInTiles);
HWY_EXPORT(scratchFloats);
HWY_EXPORT(layerNormRows);

namespace {

// Rows that one task packs; in tile registers the weights are what has to be fetched again for each of them.
constexpr std::size_t kRowBlock = 112, kAmxRowBlock = 256;

// Inputs taken at once: the rows of a task and one panel stay in the second-level cache (1 MB where tiles are
// wide, 256 to 512 KB elsewhere).
std::size_t largestDepthBlock(std::size_t tileWidth, Numbers numbers, bool amx) {
    if (amx)
        return 256; // a panel and the rows of a tile stay in the first-level cache
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
    std::size_t blocks = ceilDiv(rows, p.amx() ? kAmxRowBlock : kRowBlock);
    blocks = std::min(tiles, ceilDiv(blocks, n) * n);
    p.rowBlock = ceilDiv(tiles, blocks) * tile;
    p.rowBlocks = ceilDiv(rows, p.rowBlock);
    p.panelGroups = p.rowBlocks >= 4 * n ? 1 : std::min(p.panels(), ceilDiv(4 * n, p.rowBlocks));
}

void multiply(Workers& workers, Product& p) {
    if (p.left.rows == 0)
        return;
    p.addToResult = p.result.data && p.epilogue->residual.data == p.result.data;
    cut(p, workers.count());
    const std::size_t floats = HWY_DYNAMIC_DISPATCH(scratchFloats)(p);
    const auto task = [&](std::size_t index, int worker) {
        const std::size_t first = index / p.panelGroups * p.rowBlock, group = index % p.panelGroups;
        const std::size_t begin = group * p.panels() / p.panelGroups;
        const std::size_t end = (group + 1) * p.panels() / p.panelGroups;
        const std::size_t last = std::min(first + p.rowBlock, p.left.rows);
        float* scratch = workers.scratch(worker, floats);
        if (p.amx())
            HWY_DYNAMIC_DISPATCH(multiplyInTiles)(p, first, last, begin, end, scratch);
        else
            HWY_DYNAMIC_DISPATCH(multiplyTask)(p, first, last, begin, end, scratch);
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

namespace {
Product linearProduct(std::size_t rows, const PackedWeights& weights, const Epilogue& epilogue) {
    Product p;
    p.left.rows = rows;
    p.left.depth = weights.inputs;
    p.weights = &weights;
    p.epilogue = &epilogue;
    return p;
}
} // namespace

void linear(Workers& workers, ConstMatrix left, const PackedWeights& weights, const Epilogue& epilogue,
            Matrix result, const RowNorm* norm) {
    Product p = linearProduct(left.rows, weights, epilogue);
    p.left.matrix = left;
    p.left.norm = norm;
    p.result = result;
    multiply(workers, p);
}

void linear(Workers& workers, ConstMatrix left, const PackedWeights& weights, const Epilogue& epilogue,
            const HalfMatrix& result, const RowNorm* norm) {
    Product p = linearProduct(left.rows, weights, epilogue);
    p.left.matrix = left;
    p.left.norm = norm;
    p.halfResult = result;
    multiply(workers, p);
}

void linear(Workers& workers, const HalfMatrix& left, const PackedWeights& weights, const Epilogue& epilogue,
            Matrix result) {
    Product p = linearProduct(left.rows, weights, epilogue);
    p.left.half = left;
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
    FloatBuffer memory(rows * columns);
    const Matrix result{memory.data(), rows, columns, columns};
    const HalfMatrix half{reinterpret_cast<std::uint16_t*>(memory.data()), rows, columns, columns};
    const PackedWeights packed = packWeights(weight.data(), columns, depth, 0, numbers);
    double best = 0;
    for (int run = 0; run < 12; ++run) {
        const auto start = std::chrono::steady_clock::now();
        if (packed.amx && run % 2)
            linear(workers, {left.data(), rows, depth, depth}, packed, {}, half);
        else
            linear(workers, {left.data(), rows, depth, depth}, packed, {}, result);
        const std::chrono::duration<double> s = std::chrono::steady_clock::now() - start;
        best = std::max(best, 2e-9 * rows * depth * columns / s.count());
    }
    return best;
}

} // namespace tandem::kernels
#endif
