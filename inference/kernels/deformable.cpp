#include "inference/kernels/deformable.h"

#include <algorithm>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/deformable.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/vector_math-inl.h"
// clang-format on

#ifndef TANDEM_DEFORMABLE_SHARED
#define TANDEM_DEFORMABLE_SHARED
namespace tandem::kernels {

constexpr std::size_t kMostSamples = 128; // levels x points of one head

struct DeformableJob {
    std::size_t heads = 0, points = 0;
    const MapSize* levels = nullptr;
    std::size_t levelCount = 0;
    ConstMatrix values, references, offsets, logits;
    Matrix result;
    std::size_t samples() const { return levelCount * points; }
};

// Pixels that one head of one query reads, and how much of each.
struct Taps {
    const float* pixel[4 * kMostSamples];
    float weight[4 * kMostSamples];
    std::size_t count = 0;
};

} // namespace tandem::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {
using namespace vm;

HWY_INLINE void softmax(const float* logits, std::size_t n, float* out) {
    float top = logits[0];
    for (std::size_t i = 1; i < n; ++i)
        top = HWY_MAX(top, logits[i]);
    float sum = 0;
    for (std::size_t i = 0; i < n; i += lanes)
        storePart(vm::exp(hn::Sub(loadPart(logits + i, n - i), set(top))), out + i, n - i);
    for (std::size_t i = 0; i < n; ++i)
        sum += out[i];
    for (std::size_t i = 0; i < n; ++i)
        out[i] /= sum;
}

// The pixels around (x, y), in pixels, of a map whose first pixel is row `start` of the values.
HWY_INLINE void addTaps(const DeformableJob& job, const MapSize& map, std::size_t start, std::size_t column,
                        float x, float y, float weight, Taps& taps) {
    // Beyond these bounds no pixel is met; NaN fails the comparison too.
    const float width = static_cast<float>(map.width), height = static_cast<float>(map.height);
    if (!(x > -1.f && y > -1.f && x < width && y < height))
        return;
    const float left = __builtin_floorf(x), top = __builtin_floorf(y);
    const float right = x - left, below = y - top;
    const std::ptrdiff_t column0 = static_cast<std::ptrdiff_t>(left), row0 = static_cast<std::ptrdiff_t>(top);
    for (std::ptrdiff_t j = 0; j < 2; ++j)
        for (std::ptrdiff_t i = 0; i < 2; ++i) {
            const std::ptrdiff_t px = column0 + i, py = row0 + j;
            if (px < 0 || py < 0 || px >= static_cast<std::ptrdiff_t>(map.width) ||
                py >= static_cast<std::ptrdiff_t>(map.height))
                continue;
            taps.pixel[taps.count] = job.values.row(start + static_cast<std::size_t>(py) * map.width +
                                                    static_cast<std::size_t>(px)) +
                                     column;
            taps.weight[taps.count++] = weight * (i ? right : 1.f - right) * (j ? below : 1.f - below);
        }
}

HWY_INLINE void collectTaps(const DeformableJob& job, std::size_t query, std::size_t head, std::size_t column,
                            Taps& taps) {
    const std::size_t samples = job.samples();
    float weights[kMostSamples];
    softmax(job.logits.row(query) + head * samples, samples, weights);
    const float* offset = job.offsets.row(query) + head * samples * 2;
    const float *reference = job.references.row(query), *weight = weights;
    taps.count = 0;
    std::size_t start = 0;
    for (std::size_t l = 0; l < job.levelCount; ++l) {
        const MapSize& map = job.levels[l];
        const float x = static_cast<float>(map.width) * reference[0] - 0.5f;
        const float y = static_cast<float>(map.height) * reference[1] - 0.5f;
        for (std::size_t p = 0; p < job.points; ++p, offset += 2, ++weight)
            addTaps(job, map, start, column, x + offset[0], y + offset[1], *weight, taps);
        start += map.pixels();
    }
}

template <std::size_t Vectors>
HWY_INLINE void sumTaps(const Taps& taps, std::size_t channel, float* out) {
    V sum[Vectors];
    for (std::size_t v = 0; v < Vectors; ++v)
        sum[v] = hn::Zero(d);
    for (std::size_t t = 0; t < taps.count; ++t) {
        const V weight = set(taps.weight[t]);
        for (std::size_t v = 0; v < Vectors; ++v)
            sum[v] = hn::MulAdd(weight, hn::LoadU(d, taps.pixel[t] + channel + v * lanes), sum[v]);
    }
    for (std::size_t v = 0; v < Vectors; ++v)
        hn::StoreU(sum[v], d, out + channel + v * lanes);
}

void sampleQuery(const DeformableJob& job, std::size_t query) {
    const std::size_t n = job.values.columns / job.heads;
    Taps taps;
    for (std::size_t head = 0; head < job.heads; ++head) {
        collectTaps(job, query, head, head * n, taps);
        float* out = job.result.row(query) + head * n;
        std::size_t c = 0;
        for (; c + 4 * lanes <= n; c += 4 * lanes)
            sumTaps<4>(taps, c, out);
        for (; c + lanes <= n; c += lanes)
            sumTaps<1>(taps, c, out);
        if (c == n)
            continue;
        V sum = hn::Zero(d);
        for (std::size_t t = 0; t < taps.count; ++t)
            sum = hn::MulAdd(set(taps.weight[t]), loadPart(taps.pixel[t] + c, n - c), sum);
        storePart(sum, out + c, n - c);
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(sampleQuery);

void deformableAttention(Workers& workers, std::size_t heads, std::size_t points,
                         std::span<const MapSize> levels, ConstMatrix values, ConstMatrix references,
                         ConstMatrix offsets, ConstMatrix logits, Matrix result) {
    DeformableJob job;
    job.heads = heads;
    job.points = points;
    job.levels = levels.data();
    job.levelCount = levels.size();
    job.values = values;
    job.references = references;
    job.offsets = offsets;
    job.logits = logits;
    job.result = result;
    constexpr std::size_t block = 64;
    workers.run((result.rows + block - 1) / block, [&](std::size_t task, int) {
        for (std::size_t q = task * block; q < std::min(result.rows, (task + 1) * block); ++q)
            HWY_DYNAMIC_DISPATCH(sampleQuery)(job, q);
    });
}

} // namespace tandem::kernels
#endif
