// Attention in tile registers (amx.h), compiled once for each instruction set (see micro_kernel-inl.h).
#if defined(TANDEM_ATTENTION_TILES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TANDEM_ATTENTION_TILES_INL
#undef TANDEM_ATTENTION_TILES_INL
#else
#define TANDEM_ATTENTION_TILES_INL
#endif

#include "inference/kernels/attention_panel-inl.h"
#include "inference/kernels/attention_weights.h"

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

// A table of relative positions, row after row.
void packTableForTiles(const float* table, std::size_t rows, std::size_t n, float* line, float* out) {
    const std::size_t words = keyWordsOf(n);
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t d = 0; d < n; ++d)
            line[d] = table[r * n + d] * vm::log2E;
        auto* row = reinterpret_cast<std::uint32_t*>(out + r * words);
        std::fill(row, row + words, 0u);
        toBfloat16(line, n, row);
    }
}

// Keys (scaled) row after row, values as words of two keys: block after block of [headDim][kAmxKeys / 2].
void packKeysForTiles(const AttentionJob& job, const Window& w, std::size_t head, float* keys,
                      float* values) {
    const std::size_t n = job.headDim, words = job.keyWords(), pairs = kAmxKeys / 2;
    float* const line = values + job.keyBlocks() * n * pairs; // see keyFloats
    const float scale = vm::log2E / __builtin_sqrtf(static_cast<float>(n));
    std::memset(keys, 0, job.keyCount() * words * sizeof(float));
    const float* value[kAmxKeys];
    for (std::size_t first = 0; first < job.keyCount(); first += kAmxKeys) {
        for (std::size_t i = 0; i < kAmxKeys; ++i) {
            const std::size_t key = first + i;
            value[i] = nullptr;
            if (key >= job.keyCount())
                continue;
            const auto [k, v] = tokenAt(job, w, head, key / job.windowWidth, key % job.windowWidth);
            value[i] = v;
            if (!k)
                continue;
            for (std::size_t d = 0; d < n; ++d)
                line[d] = k[d] * scale;
            toBfloat16(line, n, reinterpret_cast<std::uint32_t*>(keys + key * words));
        }
        const auto load = [&](std::size_t pair, std::size_t d, std::size_t left) {
            return pairOf(value[2 * pair], value[2 * pair + 1], d, left);
        };
        transposeRows(pairs, n, load, values + first / kAmxKeys * n * pairs, pairs);
    }
}

HWY_INLINE void relativeInTiles(AmxTile& tile, const AttentionJob& job, const Panel& p, const float* table,
                                std::size_t extent, const std::size_t* position, float* products,
                                float* out) {
    const TableRows rows(p, position);
    const std::size_t words = job.keyWords(), count = rows.high + extent - rows.low;
    for (std::size_t r = 0; r < count; r += kAmxRows)
        tile.multiply({wordsOf(table + (rows.low + r) * words), words}, wordsOf(p.query), words,
                      products + r * kAmxWidth, kAmxWidth, HWY_MIN(kAmxRows, count - r), false);
    spreadRelative(rows, rows.low, extent, position, products, out);
}

// One group of queries in tile registers. Weights stand against a reference, not the largest logit: float32
// holds them unless a key lies 2^64 above it, and what is left of a weight in bfloat16 does not depend on it.
// So the first block's largest will do, no sum is ever scaled again, and a later block costs no search.
struct TiledGroup {
    const AttentionJob& job;
    const Window& window;
    std::size_t head;
    const float *keys, *values;
    float *logits, *products;
    AmxTile tile;

    HWY_INLINE void fill(Panel& p) {
        const Places at = fillQueries(job, window, head, p);
        std::fill(p.query + job.headDim / 2 * kAmxWidth, p.query + job.keyWords() * kAmxWidth, 0.f);
        std::fill(p.byRow, p.byRow + kAmxWidth, 0.f);
        if (!job.relative)
            return;
        relativeInTiles(tile, job, p, job.relative->rows.data(), job.windowHeight, at.y, products, p.byRow);
        relativeInTiles(tile, job, p, job.relative->columns.data(), job.windowWidth, at.x, products,
                        p.byColumn);
    }
    HWY_INLINE LogitOffsets offsets(const Panel& p, std::size_t first) const {
        return {p.byRow, job.relative ? p.byColumn : nullptr, job.windowWidth, first};
    }
    HWY_INLINE void findLogits(const Panel& p, std::size_t first, std::size_t count) {
        const std::size_t words = job.keyWords();
        for (std::size_t k = 0; k < count; k += kAmxRows)
            tile.multiply({wordsOf(keys + (first + k) * words), words}, wordsOf(p.query), words,
                          logits + k * kAmxWidth, kAmxWidth, HWY_MIN(kAmxRows, count - k), false);
    }
    // From here on logits stand against the maximum so far.
    HWY_INLINE void takeReference(const Panel& p) {
        for (std::size_t y = 0; y < (job.relative ? job.windowHeight : 1); ++y)
            for (std::size_t i = 0; i < kAmxWidth; ++i)
                p.byRow[y * kAmxWidth + i] -= p.maximum[i];
    }
    HWY_INLINE void addValues(const Panel& p, std::size_t first, std::size_t count) {
        const std::size_t n = job.headDim, pairs = (count + 1) / 2, padded = roundUp(pairs, kAmxWords);
        weightsFromLogits(logits, count, offsets(p, first), p.sum);
        std::fill(logits + pairs * kAmxWidth, logits + padded * kAmxWidth, 0.f);
        const float* block = values + first / kAmxKeys * n * (kAmxKeys / 2);
        for (std::size_t d = 0; d < n; d += kAmxRows)
            tile.multiply({wordsOf(block + d * (kAmxKeys / 2)), kAmxKeys / 2}, wordsOf(logits), padded,
                          p.output + d * kAmxWidth, kAmxWidth, HWY_MIN(kAmxRows, n - d), first != 0);
    }
    HWY_INLINE std::size_t blockAt(std::size_t first) const {
        return HWY_MIN(kAmxKeys, job.keyCount() - first);
    }
    // Where a key stood too far above the reference: the largest logit of all is found first.
    HWY_INLINE void again(Panel& p) {
        fill(p);
        for (std::size_t k = 0; k < job.keyCount(); k += kAmxKeys) {
            findLogits(p, k, blockAt(k));
            raiseMaximum(logits, blockAt(k), offsets(p, k), 1, p.maximum);
        }
        takeReference(p);
        for (std::size_t k = 0; k < job.keyCount(); k += kAmxKeys) {
            findLogits(p, k, blockAt(k));
            addValues(p, k, blockAt(k));
        }
    }
};

HWY_INLINE bool sumsAreFine(const Panel& p) {
    for (std::size_t lane = 0; lane < kAmxWidth; ++lane)
        if (!(p.sum[lane] < 0x1p64f))
            return false;
    return true;
}

void attendGroupInTiles(const AttentionJob& job, const Window& w, std::size_t head, std::size_t first,
                        std::size_t last, const float* keys, const float* values, float* scratch) {
    constexpr std::size_t kSampledKeys = 4; // one of these tells enough of the first block
    Panel panels[kGroup];
    float* logits = logitsOf(job, scratch);
    TiledGroup group{job, w, head, keys, values, logits, logits + kLogitRows * kTileWidth, {}};
    const std::size_t used = carvePanels(job, first, last, scratch, panels);
    for (std::size_t i = 0; i < used; ++i)
        group.fill(panels[i]);
    for (std::size_t k = 0; k < job.keyCount(); k += kAmxKeys)
        for (std::size_t i = 0; i < used; ++i) {
            const std::size_t count = group.blockAt(k);
            group.findLogits(panels[i], k, count);
            if (k == 0) {
                raiseMaximum(logits, count, group.offsets(panels[i], k), kSampledKeys, panels[i].maximum);
                group.takeReference(panels[i]);
            }
            group.addValues(panels[i], k, count);
        }
    for (std::size_t i = 0; i < used; ++i) {
        if (!sumsAreFine(panels[i]))
            group.again(panels[i]);
        storePanel(job, w, head, panels[i]);
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
