#include "inference/kernels/attention.h"

#include <algorithm>
#include <vector>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/attention.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/attention_tiles-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

// multiplyPanels for words of two: right side and result are rows of kTileWidth.
template <std::size_t Vectors>
HWY_INLINE void multiplyPairs(const float* a, std::size_t aStep, std::size_t panelStep, std::size_t rows,
                              const float* b, std::size_t pairs, float* c, bool accumulate) {
    for (std::size_t r = 0; r < rows; r += kTileRows, a += panelStep, c += kTileRows * kTileWidth)
        bfloat16Tile(HWY_MIN(kTileRows, rows - r), Vectors)(reinterpret_cast<const std::uint32_t*>(a), aStep,
                                                            reinterpret_cast<const std::uint32_t*>(b),
                                                            kTileWidth, pairs, c, kTileWidth, accumulate);
}

HWY_INLINE void relativeLogits(const AttentionJob& job, const Panel& p, const float* table,
                               std::size_t extent, const std::size_t* position, float* products, float* out) {
    const TableRows rows(p, position);
    const std::size_t n = job.headDim, first = rows.low / kTileRows * kTileRows;
    const std::size_t count = roundUp(rows.high + extent - first, kTileRows);
    if (job.half)
        multiplyPairs<2>(table + first * (n / 2), kTileRows, kTileRows * (n / 2), count, p.query, n / 2,
                         products, false);
    else
        multiplyPanels<2>(table + first * n, kTileRows, kTileRows * n, count, p.query, kTileWidth, n,
                          products, kTileWidth, false);
    spreadRelative(rows, first, extent, position, products, out);
}

HWY_INLINE void fillPanel(const AttentionJob& job, const Window& w, std::size_t head, const Panel& p,
                          float* products) {
    const Places at = fillQueries(job, w, head, p);
    if (!job.relative)
        return;
    relativeLogits(job, p, job.relative->rows.data(), job.windowHeight, at.y, products, p.byRow);
    relativeLogits(job, p, job.relative->columns.data(), job.windowWidth, at.x, products, p.byColumn);
}

// Rows keys of one packed panel against a panel of queries: logits in base 2, relative positions added, and
// the largest of each query kept.
template <std::size_t Rows, std::size_t Vectors>
HWY_NOINLINE void logitTile(const float* HWY_RESTRICT keys, const Panel& p, std::size_t n, std::size_t key,
                            std::size_t width, bool relative, float* HWY_RESTRICT logits) {
    using namespace vm;
    V sum[Rows][Vectors], top[Vectors];
    TANDEM_UNROLLED (r, Rows)
        TANDEM_UNROLLED (x, Vectors)
            sum[r][x] = hn::Zero(d);
    const float* HWY_RESTRICT query = p.query;
    for (std::size_t k = 0; k < n; ++k, keys += kTileRows, query += kTileWidth) {
        V right[Vectors];
        TANDEM_UNROLLED (x, Vectors)
            right[x] = hn::LoadU(d, query + x * lanes);
        TANDEM_UNROLLED (r, Rows) {
            const V left = set(keys[r]);
            TANDEM_UNROLLED (x, Vectors)
                sum[r][x] = hn::MulAdd(left, right[x], sum[r][x]);
        }
    }
    if (relative) {
        std::size_t row = key / width, column = key % width;
        TANDEM_UNROLLED (r, Rows) {
            TANDEM_UNROLLED (x, Vectors)
                sum[r][x] =
                    hn::Add(sum[r][x], hn::Add(hn::LoadU(d, p.byRow + row * kTileWidth + x * lanes),
                                               hn::LoadU(d, p.byColumn + column * kTileWidth + x * lanes)));
            if (++column == width) {
                column = 0;
                ++row;
            }
        }
    }
    TANDEM_UNROLLED (x, Vectors)
        top[x] = hn::LoadU(d, p.next + x * lanes);
    TANDEM_UNROLLED (r, Rows)
        TANDEM_UNROLLED (x, Vectors) {
            top[x] = hn::Max(top[x], sum[r][x]);
            hn::StoreU(sum[r][x], d, logits + r * kTileWidth + x * lanes);
        }
    TANDEM_UNROLLED (x, Vectors)
        hn::StoreU(top[x], d, p.next + x * lanes);
}

using LogitFunction = void (*)(const float*, const Panel&, std::size_t, std::size_t, std::size_t, bool,
                               float*);
template <std::size_t Vectors, std::size_t Rows = kTileRows>
HWY_INLINE LogitFunction logitTileOf(std::size_t rows) {
    if constexpr (Rows == 1)
        return logitTile<1, Vectors>;
    else
        return rows == Rows ? logitTile<Rows, Vectors> : logitTileOf<Vectors, Rows - 1>(rows);
}

// Turns logits (base 2) into weights against the new maximum, and rescales what was summed so far.
template <std::size_t Vectors>
HWY_INLINE void softmaxStep(const Panel& p, std::size_t n, std::size_t count, bool first, float* logits) {
    using namespace vm;
    for (std::size_t i = 0; i < Vectors * lanes; i += lanes) {
        const V top = hn::LoadU(d, p.next + i);
        const V factor = exp2Below(hn::Sub(hn::LoadU(d, p.maximum + i), top));
        V sum = hn::Mul(hn::LoadU(d, p.sum + i), factor);
        for (std::size_t k = 0; k < count; ++k) {
            const V weight = exp2Below(hn::Sub(hn::LoadU(d, logits + k * kTileWidth + i), top));
            hn::StoreU(weight, d, logits + k * kTileWidth + i);
            sum = hn::Add(sum, weight);
        }
        hn::StoreU(top, d, p.maximum + i);
        hn::StoreU(sum, d, p.sum + i);
        if (first || hn::AllTrue(d, hn::Ge(factor, set(1.f))))
            continue;
        for (std::size_t c = 0; c < n; ++c)
            hn::StoreU(hn::Mul(hn::LoadU(d, p.output + c * kTileWidth + i), factor), d,
                       p.output + c * kTileWidth + i);
    }
}

// What relative positions add to the logits of `count` keys from `first` on.
HWY_INLINE void presetLogits(const Panel& p, std::size_t first, std::size_t count, std::size_t width,
                             float* logits) {
    using namespace vm;
    std::size_t row = first / width, column = first % width;
    for (std::size_t k = 0; k < count; ++k) {
        for (std::size_t i = 0; i < kTileWidth; i += lanes)
            hn::StoreU(hn::Add(hn::LoadU(d, p.byRow + row * kTileWidth + i),
                               hn::LoadU(d, p.byColumn + column * kTileWidth + i)),
                       d, logits + k * kTileWidth + i);
        if (++column == width) {
            column = 0;
            ++row;
        }
    }
}

// softmaxStep whose weights leave as words of two keys (an odd last one beside zero); the sum is that of the
// rounded weights.
template <std::size_t Vectors>
HWY_INLINE void softmaxStepOfPairs(const Panel& p, std::size_t n, std::size_t count, bool first,
                                   float* logits) {
    using namespace vm;
    const hn::ScalableTag<std::uint32_t> du;
    const auto high = hn::Set(du, 0xffff0000u);
    for (std::size_t i = 0; i < Vectors * lanes; i += lanes) {
        V top = hn::LoadU(d, p.maximum + i);
        for (std::size_t k = 0; k < count; ++k)
            top = hn::Max(top, hn::LoadU(d, logits + k * kTileWidth + i));
        const V factor = exp2Below(hn::Sub(hn::LoadU(d, p.maximum + i), top));
        V sum = hn::Mul(hn::LoadU(d, p.sum + i), factor), other = hn::Zero(d);
        const auto rounded = [&](std::size_t k) {
            const V weight = exp2Below(hn::Sub(hn::LoadU(d, logits + k * kTileWidth + i), top));
            return hn::And(hn::Add(hn::BitCast(du, weight), hn::Set(du, 0x8000u)), high);
        };
        for (std::size_t k = 0; k < count; k += 2) {
            const auto a = rounded(k), b = k + 1 < count ? rounded(k + 1) : hn::Zero(du);
            sum = hn::Add(sum, hn::BitCast(d, a));
            other = hn::Add(other, hn::BitCast(d, b));
            hn::StoreU(hn::BitCast(d, hn::Or(hn::ShiftRight<16>(a), b)), d, logits + k / 2 * kTileWidth + i);
        }
        hn::StoreU(top, d, p.maximum + i);
        hn::StoreU(hn::Add(sum, other), d, p.sum + i);
        if (first || hn::AllTrue(d, hn::Ge(factor, set(1.f))))
            continue;
        for (std::size_t c = 0; c < n; ++c)
            hn::StoreU(hn::Mul(hn::LoadU(d, p.output + c * kTileWidth + i), factor), d,
                       p.output + c * kTileWidth + i);
    }
}

// One block of keys against one panel, bfloat16. `first` is even.
template <std::size_t Vectors>
HWY_INLINE void attendBlockOfPairs(const AttentionJob& job, const Panel& p, const float* keys,
                                   const float* values, std::size_t first, std::size_t count, float* logits) {
    const std::size_t n = job.headDim;
    if (job.relative)
        presetLogits(p, first, count, job.windowWidth, logits);
    multiplyPairs<Vectors>(keys + first * (n / 2), kTileRows, kTileRows * (n / 2), count, p.query, n / 2,
                           logits, job.relative != nullptr);
    softmaxStepOfPairs<Vectors>(p, n, count, first == 0, logits);
    multiplyPairs<Vectors>(values + first / 2 * n, n, kTileRows, n, logits, (count + 1) / 2, p.output,
                           first != 0);
}

// One block of keys against one panel.
template <std::size_t Vectors>
HWY_INLINE void attendBlock(const AttentionJob& job, const Panel& p, const float* keys, const float* values,
                            std::size_t first, std::size_t count, float* logits) {
    const std::size_t n = job.headDim;
    if (job.half)
        return attendBlockOfPairs<Vectors>(job, p, keys, values, first, count, logits);
    for (std::size_t k = 0; k < count; k += kTileRows) {
        const std::size_t rows = HWY_MIN(kTileRows, count - k);
        logitTileOf<Vectors>(rows)(keys + (first + k) * n, p, n, first + k, job.windowWidth,
                                   job.relative != nullptr, logits + k * kTileWidth);
    }
    softmaxStep<Vectors>(p, n, count, first == 0, logits);
    multiplyPanels<Vectors>(values + first * n, n, kTileRows, n, logits, kTileWidth, count, p.output,
                            kTileWidth, first != 0);
}

std::size_t groupQueries() {
    return kGroup * kTileWidth;
}

// Queries [first, last) of a window and head, at most kGroup panels of them.
void attendGroup(const AttentionJob& job, const Window& w, std::size_t head, std::size_t first,
                 std::size_t last, const float* keys, const float* values, float* scratch) {
    Panel panels[kGroup];
    float* logits = logitsOf(job, scratch);
    const std::size_t used = carvePanels(job, first, last, scratch, panels);
    for (std::size_t i = 0; i < used; ++i)
        fillPanel(job, w, head, panels[i], logits + kLogitRows * kTileWidth);
    for (std::size_t k = 0; k < job.keyCount(); k += kKeyBlock) {
        const std::size_t count = HWY_MIN(kKeyBlock, job.keyCount() - k);
        for (std::size_t i = 0; i < used; ++i)
            if (panels[i].count > kLanes)
                attendBlock<2>(job, panels[i], keys, values, k, count, logits);
            else
                attendBlock<1>(job, panels[i], keys, values, k, count, logits);
    }
    for (std::size_t i = 0; i < used; ++i)
        storePanel(job, w, head, panels[i]);
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(packTable);
HWY_EXPORT(packKeys);
HWY_EXPORT(packKeysForTiles);
HWY_EXPORT(packedKeyFloats);
HWY_EXPORT(scratchFloats);
HWY_EXPORT(groupQueries);
HWY_EXPORT(attendGroup);
HWY_EXPORT(attendGroupInTiles);
HWY_EXPORT(packTableForTiles);

namespace {

std::size_t roundToLine(std::size_t floats) {
    return (floats + 15) / 16 * 16;
}

// Room for the keys, or for the values and two lines (in tile registers: for the values).
std::size_t keyFloats(const AttentionJob& job) {
    const std::size_t panels = HWY_DYNAMIC_DISPATCH(packedKeyFloats)(job.keyCount() + 4, job.headDim);
    const std::size_t values = job.keyBlocks() * job.headDim * (kAmxKeys / 2);
    return roundToLine(job.amx ? std::max({panels, job.keyCount() * job.keyWords(), values}) : panels);
}
void packHead(const AttentionJob& job, const Window& w, std::size_t head, float* keys, float* values) {
    if (job.amx)
        HWY_DYNAMIC_DISPATCH(packKeysForTiles)(job, w, head, keys, values);
    else
        HWY_DYNAMIC_DISPATCH(packKeys)(job, w, head, keys, values);
}
void attendQueries(const AttentionJob& job, const Window& w, std::size_t head, std::size_t first,
                   std::size_t last, const float* keys, const float* values, float* scratch) {
    if (job.amx)
        HWY_DYNAMIC_DISPATCH(attendGroupInTiles)(job, w, head, first, last, keys, values, scratch);
    else
        HWY_DYNAMIC_DISPATCH(attendGroup)(job, w, head, first, last, keys, values, scratch);
}
std::size_t taskFloats(const AttentionJob& job) {
    return HWY_DYNAMIC_DISPATCH(scratchFloats)(job.headDim, job.windowHeight, job.windowWidth);
}

// One window of queries and its keys: the keys of every head are laid out first, then tasks are groups of
// queries, head after head.
void attendWhole(Workers& workers, const AttentionJob& job, const Window& window, const Window& keyWindow,
                 std::size_t heads, FloatBuffer& scratch) {
    const std::size_t half = keyFloats(job), group = HWY_DYNAMIC_DISPATCH(groupQueries)();
    float* memory = scratch.reserve(2 * half * heads);
    const std::size_t queries = window.tokens(), groups = (queries + group - 1) / group;
    const std::size_t products = heads * queries * keyWindow.tokens() * job.headDim;
    const auto pack = [&](std::size_t head, int) {
        float* keys = memory + 2 * half * head;
        packHead(job, keyWindow, head, keys, keys + half);
    };
    workers.run(heads, pack, products);
    const auto attend = [&](std::size_t task, int worker) {
        const std::size_t head = task / groups, first = task % groups * group;
        const float* keys = memory + 2 * half * head;
        attendQueries(job, window, head, first, std::min(first + group, queries), keys, keys + half,
                      workers.scratch(worker, taskFloats(job)));
    };
    workers.run(heads * groups, attend, products);
}

// Many small windows: a task is one window and head.
void attendWindows(Workers& workers, const AttentionJob& job, const AttentionShape& s) {
    const std::size_t across = (s.width + s.window - 1) / s.window,
                      down = (s.height + s.window - 1) / s.window;
    const std::size_t half = keyFloats(job), group = HWY_DYNAMIC_DISPATCH(groupQueries)();
    workers.run(across * down * s.heads, [&](std::size_t task, int worker) {
        const std::size_t head = task % s.heads, index = task / s.heads;
        Window w{index / across * s.window, index % across * s.window, 0, 0};
        w.rows = std::min(s.window, s.height - w.top);
        w.columns = std::min(s.window, s.width - w.left);
        float* keys = workers.scratch(worker, 2 * half + taskFloats(job));
        packHead(job, w, head, keys, keys + half);
        for (std::size_t q = 0; q < w.tokens(); q += group)
            attendQueries(job, w, head, q, std::min(q + group, w.tokens()), keys, keys + half,
                          keys + 2 * half);
    });
}

} // namespace

bool canAttendInTiles(std::size_t headDim, Numbers numbers) {
    return numbers == Numbers::Bfloat16 && headDim >= 2 * kAmxWords && headDim % 2 == 0 && hasAmx();
}

RelativePositions packRelative(const float* tableRows, const float* tableColumns,
                               const AttentionShape& shape) {
    const std::size_t headDim = shape.headDim;
    RelativePositions r;
    std::vector<float> line(2 * headDim);
    const auto pack = [&](const float* table, std::size_t n, FloatBuffer& out) {
        const std::size_t rows = 2 * n - 1;
        if (shape.tiles) {
            out.reserve(rows * keyWordsOf(headDim));
            HWY_DYNAMIC_DISPATCH(packTableForTiles)(table, rows, headDim, line.data(), out.data());
            return;
        }
        out.reserve(HWY_DYNAMIC_DISPATCH(packedKeyFloats)(rows, headDim));
        HWY_DYNAMIC_DISPATCH(packTable)
        (table, rows, headDim, shape.numbers == Numbers::Bfloat16, line.data(), out.data());
    };
    pack(tableRows, shape.windowHeight(), r.rows);
    pack(tableColumns, shape.windowWidth(), r.columns);
    return r;
}

namespace {

AttentionJob jobOf(const AttentionShape& shape, const RelativePositions* relative) {
    AttentionJob job;
    job.relative = relative;
    job.headDim = shape.headDim;
    job.gridWidth = shape.width;
    job.half = shape.numbers == Numbers::Bfloat16;
    job.amx = shape.tiles;
    job.windowHeight = shape.windowHeight();
    job.windowWidth = shape.windowWidth();
    return job;
}

void attendGrid(Workers& workers, const AttentionJob& job, const AttentionShape& shape,
                FloatBuffer& scratch) {
    const Window grid{0, 0, shape.height, shape.width};
    if (shape.window)
        attendWindows(workers, job, shape);
    else
        attendWhole(workers, job, grid, grid, shape.heads, scratch);
}

} // namespace

void selfAttention(Workers& workers, const AttentionShape& shape, ConstMatrix qkv, const float* qkvBias,
                   const RelativePositions* relative, Matrix result, FloatBuffer& scratch) {
    const std::size_t inner = shape.heads * shape.headDim;
    AttentionJob job = jobOf(shape, relative);
    job.queries = qkv;
    job.keys = {qkv.data + inner, qkv.rows, inner, qkv.stride};
    job.values = {qkv.data + 2 * inner, qkv.rows, inner, qkv.stride};
    job.keyBias = qkvBias ? qkvBias + inner : nullptr;
    job.valueBias = qkvBias ? qkvBias + 2 * inner : nullptr;
    job.result = result;
    attendGrid(workers, job, shape, scratch);
}

void selfAttention(Workers& workers, const AttentionShape& shape, const HalfMatrix& qkv, const float* qkvBias,
                   const RelativePositions* relative, const HalfMatrix& result, FloatBuffer& scratch) {
    const std::size_t inner = shape.heads * shape.headDim;
    std::vector<std::uint32_t> bias(inner, 0); // words of the keys' and values' biases
    if (qkvBias)
        toBfloat16(qkvBias + inner, 2 * inner, bias.data());
    AttentionJob job = jobOf(shape, relative);
    job.halfQueries = qkv;
    job.halfKeys = {qkv.data + inner, qkv.rows, inner, qkv.stride};
    job.halfValues = {qkv.data + 2 * inner, qkv.rows, inner, qkv.stride};
    job.halfKeyBias = reinterpret_cast<const std::uint16_t*>(bias.data());
    job.halfValueBias = job.halfKeyBias + inner;
    job.halfResult = result;
    attendGrid(workers, job, shape, scratch);
}

void attention(Workers& workers, std::size_t heads, std::size_t headDim, ConstMatrix queries,
               ConstMatrix keys, ConstMatrix values, Matrix result, FloatBuffer& scratch) {
    AttentionJob job;
    job.queries = queries;
    job.keys = keys;
    job.values = values;
    job.result = result;
    job.headDim = headDim;
    job.windowHeight = 1;
    job.windowWidth = keys.rows;
    attendWhole(workers, job, {0, 0, 1, queries.rows}, {0, 0, 1, keys.rows}, heads, scratch);
}

} // namespace tandem::kernels
#endif
