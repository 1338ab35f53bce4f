#include "inference/kernels/mask_head.h"

#include <algorithm>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/mask_head.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/pixel_tiles-inl.h"
// clang-format on

#ifndef TANDEM_MASK_HEAD_SHARED
#define TANDEM_MASK_HEAD_SHARED
namespace tandem::kernels {

struct MaskJob {
    const PixelCut* cut = nullptr;
    const MaskHead* head = nullptr;
    const TiledImage* image = nullptr;
    std::size_t width = 0;
    std::span<MaskPrompt> prompts;
    std::size_t between() const { return head->second.depth; }
    std::size_t channels() const { return head->second.rows / 4; }
    TileNumbers numbers() const { return head->second.numbers; }
    bool half() const { return numbers().half(); }
};

} // namespace tandem::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

// What one tile of one prompt works in.
struct MaskSpace {
    float *words, *middle, *packed, *last, *logits;
};

std::size_t maskScratch(const MaskJob& job) {
    std::size_t terms = 0;
    for (const MaskPrompt& p : job.prompts)
        terms = HWY_MAX(terms, p.image.used);
    return job.cut->stride * job.head->first.rows +
           kTileWidth * (job.numbers().depth(terms) + 4 * job.between() + job.numbers().depth(job.between()) +
                         4 * job.channels() + 16);
}

HWY_INLINE MaskSpace spaceIn(const MaskJob& job, float* scratch) {
    MaskSpace s{};
    s.middle = scratch + job.cut->stride * job.head->first.rows;
    s.packed = s.middle + kTileWidth * 4 * job.between();
    s.last = s.packed + kTileWidth * job.numbers().depth(job.between());
    s.logits = s.last + kTileWidth * 4 * job.channels();
    s.words = s.logits + kTileWidth * 16;
    return s;
}

HWY_INLINE vm::V geluFor(bool half, vm::V x) {
    return half ? vm::geluQuick(x) : vm::gelu(x);
}

// One sub-pixel between the convolutions: x + scale * projected, its norm (the mean is 0) and GELU, in place.
HWY_INLINE void middleRows(const MaskJob& job, const float* projected, const float* scale, float* rows) {
    using namespace vm;
    const std::size_t n = job.between();
    const RowNorm& norm = job.head->norm;
    const bool half = job.half();
    for (std::size_t x = 0; x < kTileWidth; x += lanes) {
        const V factor = hn::LoadU(d, scale + x);
        V square = hn::Zero(d);
        for (std::size_t c = 0; c < n; ++c) {
            float* at = rows + c * kTileWidth + x;
            const V y =
                hn::MulAdd(factor, hn::LoadU(d, projected + c * job.cut->stride + x), hn::LoadU(d, at));
            hn::StoreU(y, d, at);
            square = hn::MulAdd(y, y, square);
        }
        const V variance = hn::MulAdd(square, set(1.f / static_cast<float>(n)), set(norm.eps));
        const V s = hn::Div(set(1.f), hn::Sqrt(variance));
        for (std::size_t c = 0; c < n; ++c) {
            float* at = rows + c * kTileWidth + x;
            const V y = hn::MulAdd(hn::Mul(hn::LoadU(d, at), s), set(norm.gain[c]), set(norm.bias[c]));
            hn::StoreU(geluFor(half, y), d, at);
        }
    }
}

// The logits of the four sub-pixels that the second product gave.
HWY_INLINE void lastLogits(const MaskJob& job, float* rows, const float* hyper, float* logits) {
    using namespace vm;
    const std::size_t n = job.channels();
    for (std::size_t inner = 0; inner < 4; ++inner)
        for (std::size_t x = 0; x < kTileWidth; x += lanes) {
            V sum = hn::Zero(d);
            for (std::size_t c = 0; c < n; ++c)
                sum = hn::MulAdd(hn::LoadU(d, rows + (inner * n + c) * kTileWidth + x), set(hyper[c]), sum);
            hn::StoreU(sum, d, logits + inner * kTileWidth + x);
        }
}

HWY_INLINE void addBiasAndGelu(const MaskJob& job, float* rows) {
    using namespace vm;
    const bool half = job.half();
    for (std::size_t c = 0; c < job.head->second.rows; ++c)
        for (std::size_t x = 0; x < kTileWidth; x += lanes) {
            float* at = rows + c * kTileWidth + x;
            hn::StoreU(geluFor(half, hn::Add(hn::LoadU(d, at), set(job.head->secondBias[c]))), d, at);
        }
}

// Sub-pixel rows of a tile to their places in a mask; `pixel` is the tile's first.
HWY_INLINE void placeLogits(const MaskJob& job, std::size_t outer, std::size_t pixel, const float* logits,
                            float* mask) {
    const std::size_t end = HWY_MIN(pixel + kTileWidth, job.cut->pixels), first = pixel;
    while (pixel < end) { // pixels of one row of the image
        const std::size_t y = pixel / job.width, x = pixel % job.width;
        const std::size_t count = HWY_MIN(end - pixel, job.width - x);
        for (std::size_t inner = 0; inner < 4; ++inner) {
            const float* from = logits + inner * kTileWidth + pixel - first;
            float* to = mask + (4 * y + outer / 2 * 2 + inner / 2) * 4 * job.width + 4 * x + outer % 2 * 2 +
                        inner % 2;
            for (std::size_t i = 0; i < count; ++i)
                to[4 * i] = from[i];
        }
        pixel += count;
    }
}

// One sub-pixel of a tile from behind the first product on; `pixel` is the tile's first.
HWY_INLINE void subPixel(AmxTile& registers, const MaskJob& job, const MaskPrompt& p, std::size_t outer,
                         std::size_t pixel, const float* middle, const MaskSpace& s) {
    const float* right = middle;
    if (job.half()) {
        packWords(job.numbers(), middle, kTileWidth, job.between(), s.packed);
        right = s.packed;
    }
    tileProduct(registers, job.head->second, right, kTileWidth, s.last, kTileWidth, false);
    addBiasAndGelu(job, s.last);
    for (std::size_t m = 0; m < p.hypers.rows; ++m) {
        lastLogits(job, s.last, p.hypers.row(m), s.logits);
        placeLogits(job, outer, pixel, s.logits, p.masks + m * 16 * job.cut->pixels);
    }
}

// One tile of one prompt; `projected` is the tile of the first product on what the prompts share.
HWY_INLINE void maskTile(AmxTile& registers, const MaskJob& job, const MaskPrompt& p, std::size_t chunk,
                         std::size_t x, const float* projected, const MaskSpace& s) {
    const PixelCut& cut = *job.cut;
    const float* terms = p.image.terms + chunk * p.image.capacity * cut.stride + x;
    const float* scale = p.image.scale + chunk * cut.stride + x;
    std::size_t step = cut.stride;
    if (job.half()) {
        packWords(job.numbers(), terms, cut.stride, p.image.used, s.words);
        terms = s.words;
        step = kTileWidth;
    }
    tileProduct(registers, p.terms, terms, step, s.middle, kTileWidth, false);
    for (std::size_t outer = 0; outer < 4; ++outer) {
        float* middle = s.middle + outer * job.between() * kTileWidth;
        middleRows(job, projected + outer * job.between() * cut.stride, scale, middle);
        subPixel(registers, job, p, outer, chunk * cut.chunk + x, middle, s);
    }
}

void maskChunk(const MaskJob& job, std::size_t chunk, float* scratch) {
    const PixelCut& cut = *job.cut;
    const MaskSpace space = spaceIn(job, scratch);
    AmxTile registers;
    projectChunk(registers, cut, *job.image, job.head->first, chunk, scratch);
    for (const MaskPrompt& p : job.prompts)
        for (std::size_t x = 0; x < cut.chunk && chunk * cut.chunk + x < cut.pixels; x += kTileWidth)
            maskTile(registers, job, p, chunk, x, scratch + x, space);
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(maskScratch);
HWY_EXPORT(maskChunk);

void upscaleMasks(Workers& workers, const PixelCut& cut, const MaskHead& head, const TiledImage& image,
                  std::size_t width, std::span<MaskPrompt> prompts) {
    const MaskJob job{&cut, &head, &image, width, prompts};
    workers.run(cut.chunks(), [&](std::size_t chunk, int worker) {
        HWY_DYNAMIC_DISPATCH(maskChunk)
        (job, chunk, workers.scratch(worker, HWY_DYNAMIC_DISPATCH(maskScratch)(job)));
    });
}

} // namespace tandem::kernels
#endif
