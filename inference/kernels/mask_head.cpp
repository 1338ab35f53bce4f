#include "inference/kernels/mask_head.h"

#include <algorithm>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/mask_head.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/micro_kernel-inl.h"
#include "inference/kernels/row_norm-inl.h"
#include "inference/kernels/vector_math-inl.h"
// clang-format on

#ifndef TANDEM_MASK_HEAD_SHARED
#define TANDEM_MASK_HEAD_SHARED
namespace tandem::kernels {

constexpr std::size_t kPixelBlock = 28; // pixels that go through together

struct MaskJob {
    const MaskHead* head = nullptr;
    ConstMatrix image, hypers;
    std::size_t width = 0;
    float* masks = nullptr;
    std::size_t between() const { return head->second.inputs; }
    std::size_t channels() const { return hypers.columns; }
    // Where the logit of sub-pixel `inner` of sub-pixel `outer` of a pixel lies in a mask.
    std::size_t place(std::size_t pixel, std::size_t outer, std::size_t inner) const {
        const std::size_t y = pixel / width * 4 + outer / 2 * 2 + inner / 2;
        const std::size_t x = pixel % width * 4 + outer % 2 * 2 + inner % 2;
        return y * 4 * width + x;
    }
};

} // namespace tandem::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

HWY_INLINE std::size_t wholeTiles(std::size_t n, std::size_t tile) {
    return (n + tile - 1) / tile * tile;
}

std::size_t maskScratch(const MaskJob& job) {
    const std::size_t pixels = wholeTiles(kPixelBlock, kTileRows),
                      middle = wholeTiles(4 * kPixelBlock, kTileRows);
    return pixels * (job.image.columns + wholeTiles(job.head->first.outputs, kTileWidth)) +
           middle * job.between() + kTileRows * wholeTiles(job.head->second.outputs, kTileWidth) +
           wholeTiles(job.between(), kLanes);
}

// x + bias, its LayerNorm and GELU; n floats to out, a kTileRows apart.
HWY_INLINE void middleRow(const MaskJob& job, float* x, const float* bias, float* line, float* out) {
    using namespace vm;
    const std::size_t n = job.between();
    for (std::size_t i = 0; i < n; i += lanes)
        storePart(hn::Add(loadPart(x + i, n - i), loadPart(bias + i, n - i)), x + i, n - i);
    float mean = 0, scale = 0;
    rowStatistics(x, n, job.head->norm.eps, mean, scale);
    normalisePart(x, n, mean, scale, job.head->norm.gain, job.head->norm.bias, line);
    for (std::size_t i = 0; i < n; i += lanes)
        storePart(vm::gelu(loadPart(line + i, n - i)), line + i, n - i);
    for (std::size_t i = 0; i < n; ++i)
        out[i * kTileRows] = line[i];
}

// The logits of one row of the second product: four sub-pixels of `channels` each.
HWY_INLINE void lastRow(const MaskJob& job, float* x, std::size_t pixel, std::size_t outer) {
    using namespace vm;
    const std::size_t n = job.channels(), maskFloats = job.image.rows * 16;
    for (std::size_t inner = 0; inner < 4; ++inner) {
        float* part = x + inner * n;
        const float* bias = job.head->secondBias + inner * n;
        for (std::size_t i = 0; i < n; i += lanes)
            storePart(vm::gelu(hn::Add(loadPart(part + i, n - i), loadPart(bias + i, n - i))), part + i,
                      n - i);
        for (std::size_t m = 0; m < job.hypers.rows; ++m) {
            V sum = hn::Zero(d);
            for (std::size_t i = 0; i < n; i += lanes)
                sum = hn::MulAdd(loadPart(part + i, n - i), loadPart(job.hypers.row(m) + i, n - i), sum);
            job.masks[m * maskFloats + job.place(pixel, outer, inner)] = hn::GetLane(hn::SumOfLanes(d, sum));
        }
    }
}

void maskBlock(const MaskJob& job, std::size_t first, std::size_t count, float* scratch) {
    const PackedWeights &one = job.head->first, &two = job.head->second;
    const std::size_t depth = job.image.columns, between = job.between();
    const std::size_t oneWidth = wholeTiles(one.outputs, kTileWidth),
                      twoWidth = wholeTiles(two.outputs, kTileWidth);
    float* left = scratch;
    float* middle = left + wholeTiles(kPixelBlock, kTileRows) * depth;
    float* packed = middle + wholeTiles(kPixelBlock, kTileRows) * oneWidth;
    float* last = packed + wholeTiles(4 * kPixelBlock, kTileRows) * between;
    float* line = last + kTileRows * twoWidth;
    for (std::size_t r = 0; r < count; r += kTileRows) {
        const auto load = [&](std::size_t i, std::size_t c, std::size_t n) {
            return vm::loadPart(job.image.row(first + r + i) + c, n);
        };
        transposeRows(HWY_MIN(kTileRows, count - r), depth, load, left + r * depth);
    }
    for (std::size_t x = 0; x < oneWidth; x += kTileWidth)
        multiplyPanels<2>(left, kTileRows, kTileRows * depth, count, one.panels.data() + x * depth,
                          kTileWidth, depth, middle + x, oneWidth, false);
    for (std::size_t r = 0; r < 4 * count; ++r)
        middleRow(job, middle + r / 4 * oneWidth + r % 4 * between, job.head->firstBias + r % 4 * between,
                  line, packed + r / kTileRows * kTileRows * between + r % kTileRows);
    for (std::size_t r = 0; r < 4 * count; r += kTileRows) {
        const std::size_t rows = HWY_MIN(kTileRows, 4 * count - r);
        for (std::size_t x = 0; x < twoWidth; x += kTileWidth)
            tileOf<2>(rows)(packed + r * between, kTileRows, two.panels.data() + x * between, kTileWidth,
                            between, last + x, twoWidth, false);
        for (std::size_t i = 0; i < rows; ++i)
            lastRow(job, last + i * twoWidth, first + (r + i) / 4, (r + i) % 4);
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(maskScratch);
HWY_EXPORT(maskBlock);

void upscaleMasks(Workers& workers, const MaskHead& head, std::size_t width, ConstMatrix image,
                  ConstMatrix hypers, float* masks) {
    const MaskJob job{&head, image, hypers, width, masks};
    workers.run((image.rows + kPixelBlock - 1) / kPixelBlock, [&](std::size_t task, int worker) {
        const std::size_t first = task * kPixelBlock;
        HWY_DYNAMIC_DISPATCH(maskBlock)
        (job, first, std::min(kPixelBlock, image.rows - first),
         workers.scratch(worker, HWY_DYNAMIC_DISPATCH(maskScratch)(job)));
    });
}

} // namespace tandem::kernels
#endif
