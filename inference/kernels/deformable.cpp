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

struct DeformableJob {
    std::size_t heads = 0, points = 0;
    const MapSize* levels = nullptr;
    std::size_t levelCount = 0;
    ConstMatrix values, references, offsets, logits;
    Matrix result;
    ConstMatrix resultGradient; // for gradients
    DeformableGradients gradients;
    std::size_t samples() const { return levelCount * points; }
};

// Pixels that one head of one query reads, and how much of each.
struct Taps {
    const float* pixel[4 * kMostDeformableSamples];
    float weight[4 * kMostDeformableSamples];
    std::size_t count = 0;
};

// The pixels around a place, left before right and top before bottom.
struct Corners {
    std::size_t row[4] = {}; // of the values
    bool inside[4] = {};     // of the map
    float right = 0, below = 0;
    float share(std::size_t k) const { return (k % 2 ? right : 1.f - right) * (k / 2 ? below : 1.f - below); }
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

// The pixels around (x, y), in pixels, of a map whose first pixel is row `start` of the values; false where
// no pixel is met.
HWY_INLINE bool findCorners(const MapSize& map, std::size_t start, float x, float y, Corners& c) {
    const float width = static_cast<float>(map.width), height = static_cast<float>(map.height);
    if (!(x > -1.f && y > -1.f && x < width && y < height)) // NaN fails the comparison too
        return false;
    const float left = __builtin_floorf(x), top = __builtin_floorf(y);
    c.right = x - left;
    c.below = y - top;
    const std::ptrdiff_t column0 = static_cast<std::ptrdiff_t>(left), row0 = static_cast<std::ptrdiff_t>(top);
    for (std::size_t k = 0; k < 4; ++k) {
        const std::ptrdiff_t px = column0 + static_cast<std::ptrdiff_t>(k % 2),
                             py = row0 + static_cast<std::ptrdiff_t>(k / 2);
        c.inside[k] = px >= 0 && py >= 0 && px < static_cast<std::ptrdiff_t>(map.width) &&
                      py < static_cast<std::ptrdiff_t>(map.height);
        if (c.inside[k])
            c.row[k] = start + static_cast<std::size_t>(py) * map.width + static_cast<std::size_t>(px);
    }
    return true;
}

// Calls sample(i, corners, whether any is met) for each sample of one head of a query.
template <class Sample>
HWY_INLINE void forSamples(const DeformableJob& job, std::size_t query, std::size_t head,
                           const Sample& sample) {
    const float* offset = job.offsets.row(query) + head * job.samples() * 2;
    const float* reference = job.references.row(query);
    std::size_t start = 0, i = 0;
    for (std::size_t l = 0; l < job.levelCount; ++l) {
        const MapSize& map = job.levels[l];
        const float x = static_cast<float>(map.width) * reference[0] - 0.5f;
        const float y = static_cast<float>(map.height) * reference[1] - 0.5f;
        for (std::size_t p = 0; p < job.points; ++p, offset += 2, ++i) {
            Corners c;
            const bool met = findCorners(map, start, x + offset[0], y + offset[1], c);
            sample(i, c, met);
        }
        start += map.pixels();
    }
}

HWY_INLINE void collectTaps(const DeformableJob& job, std::size_t query, std::size_t head, std::size_t column,
                            Taps& taps) {
    const std::size_t samples = job.samples();
    float weights[kMostDeformableSamples];
    softmax(job.logits.row(query) + head * samples, samples, weights);
    taps.count = 0;
    forSamples(job, query, head, [&](std::size_t i, const Corners& c, bool met) HWY_ATTR {
        for (std::size_t k = 0; met && k < 4; ++k)
            if (c.inside[k]) {
                taps.pixel[taps.count] = job.values.row(c.row[k]) + column;
                taps.weight[taps.count++] = weights[i] * c.share(k);
            }
    });
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

HWY_INLINE float dotOf(const float* a, const float* b, std::size_t n) {
    V sum = hn::Zero(d);
    for (std::size_t c = 0; c < n; c += lanes)
        sum = hn::MulAdd(loadPart(a + c, n - c), loadPart(b + c, n - c), sum);
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

HWY_INLINE void addScaled(const float* a, float factor, std::size_t n, float* to) {
    for (std::size_t c = 0; c < n; c += lanes)
        storePart(hn::MulAdd(set(factor), loadPart(a + c, n - c), loadPart(to + c, n - c)), to + c, n - c);
}

// All gradients of one head of a query.
void differentiateQuery(const DeformableJob& job, std::size_t head, std::size_t query) {
    const std::size_t n = job.values.columns / job.heads, samples = job.samples(), column = head * n;
    const float* g = job.resultGradient.row(query) + column;
    float* byOffset = job.gradients.offsets.row(query) + head * samples * 2;
    float* byLogit = job.gradients.logits.row(query) + head * samples;
    float weights[kMostDeformableSamples], mean = 0;
    softmax(job.logits.row(query) + head * samples, samples, weights);
    forSamples(job, query, head, [&](std::size_t i, const Corners& c, bool met) HWY_ATTR {
        float dot[4] = {}, value = 0;
        for (std::size_t k = 0; met && k < 4; ++k)
            if (c.inside[k]) {
                dot[k] = dotOf(g, job.values.row(c.row[k]) + column, n);
                value += c.share(k) * dot[k];
                addScaled(g, weights[i] * c.share(k), n, job.gradients.values.row(c.row[k]) + column);
            }
        byOffset[2 * i] = weights[i] * ((1.f - c.below) * (dot[1] - dot[0]) + c.below * (dot[3] - dot[2]));
        byOffset[2 * i + 1] =
            weights[i] * ((1.f - c.right) * (dot[2] - dot[0]) + c.right * (dot[3] - dot[1]));
        byLogit[i] = value;
        mean += weights[i] * value;
    });
    for (std::size_t i = 0; i < samples; ++i)
        byLogit[i] = weights[i] * (byLogit[i] - mean);
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(sampleQuery);
HWY_EXPORT(differentiateQuery);

namespace {

DeformableJob jobOf(std::size_t heads, std::size_t points, std::span<const MapSize> levels,
                    ConstMatrix values, ConstMatrix references, ConstMatrix offsets, ConstMatrix logits) {
    DeformableJob job;
    job.heads = heads;
    job.points = points;
    job.levels = levels.data();
    job.levelCount = levels.size();
    job.values = values;
    job.references = references;
    job.offsets = offsets;
    job.logits = logits;
    return job;
}

} // namespace

void deformableAttention(Workers& workers, std::size_t heads, std::size_t points,
                         std::span<const MapSize> levels, ConstMatrix values, ConstMatrix references,
                         ConstMatrix offsets, ConstMatrix logits, Matrix result) {
    DeformableJob job = jobOf(heads, points, levels, values, references, offsets, logits);
    job.result = result;
    constexpr std::size_t block = 64;
    workers.run((result.rows + block - 1) / block, [&](std::size_t task, int) {
        for (std::size_t q = task * block; q < std::min(result.rows, (task + 1) * block); ++q)
            HWY_DYNAMIC_DISPATCH(sampleQuery)(job, q);
    });
}

void deformableAttentionGradients(Workers& workers, std::size_t heads, std::size_t points,
                                  std::span<const MapSize> levels, ConstMatrix values, ConstMatrix references,
                                  ConstMatrix offsets, ConstMatrix logits, ConstMatrix resultGradient,
                                  const DeformableGradients& gradients) {
    DeformableJob job = jobOf(heads, points, levels, values, references, offsets, logits);
    job.resultGradient = resultGradient;
    job.gradients = gradients;
    workers.run(heads, [&](std::size_t head, int) { // heads share no value
        for (std::size_t q = 0; q < resultGradient.rows; ++q)
            HWY_DYNAMIC_DISPATCH(differentiateQuery)(job, head, q);
    });
}

} // namespace tandem::kernels
#endif
