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

// Words of one number of each of two rows, from number i on, `left` of them. Null: zeros.
HWY_INLINE vm::V zipOf(const std::uint16_t* first, const std::uint16_t* second, std::size_t i,
                       std::size_t left) {
    const hn::Rebind<std::uint16_t, decltype(vm::d)> half;
    const hn::Rebind<std::uint32_t, decltype(vm::d)> words;
    const auto load = [&](const std::uint16_t* row) {
        if (!row)
            return hn::Zero(words);
        if (left >= vm::lanes)
            return hn::PromoteTo(words, hn::LoadU(half, row + i));
        HWY_ALIGN std::uint16_t part[vm::lanes] = {};
        std::memcpy(part, row + i, left * sizeof *row);
        return hn::PromoteTo(words, hn::Load(half, part));
    };
    return hn::BitCast(vm::d, hn::Or(load(first), hn::ShiftLeft<16>(load(second))));
}

// Keys row after row, values as words of two keys: block after block of [headDim][kAmxKeys / 2].
void packKeysForTiles(const AttentionJob& job, const Window& w, std::size_t head, float* keys,
                      float* values) {
    const std::size_t n = job.headDim, words = job.keyWords(), pairs = kAmxKeys / 2, at = head * n;
    const std::uint16_t* value[kAmxKeys];
    std::size_t y = 0, x = 0;
    for (std::size_t first = 0; first < job.keyCount(); first += kAmxKeys) {
        for (std::size_t i = 0; i < kAmxKeys; ++i) {
            value[i] = nullptr;
            if (first + i >= job.keyCount())
                continue;
            const bool inside = y < w.rows && x < w.columns;
            const std::size_t row = job.row(w, y, x);
            const std::uint16_t* key = inside ? job.halfKeys.row(row) : job.halfKeyBias;
            value[i] = (inside ? job.halfValues.row(row) : job.halfValueBias) + at;
            auto* to = reinterpret_cast<std::uint16_t*>(keys + (first + i) * words);
            std::memcpy(to, key + at, n * sizeof *to);
            std::fill(to + n, to + 2 * words, std::uint16_t{0});
            if (++x == job.windowWidth) {
                x = 0;
                ++y;
            }
        }
        const auto load = [&](std::size_t pair, std::size_t d, std::size_t left) {
            return zipOf(value[2 * pair], value[2 * pair + 1], d, left);
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

// Keys whose products with a panel are turned into weights while tile registers form those of the next ones.
constexpr std::size_t kChunk = kAmxRows;

// A block of keys against one panel of queries.
struct TiledStep {
    Panel* panel = nullptr;
    std::size_t first = 0, count = 0; // keys
    float* words = nullptr;           // the weights, [kAmxKeys / 2][kAmxWidth]
    std::size_t chunks() const { return (count + kChunk - 1) / kChunk; }
    std::size_t keysOf(std::size_t chunk) const { return HWY_MIN(kChunk, count - chunk * kChunk); }
};

// One group of queries in tile registers. Weights stand against a reference, not the largest logit: float32
// holds them unless a key lies 2^64 above it, and what is left of a weight in bfloat16 does not depend on it.
// So the largest of the first keys will do, no sum is ever scaled again, and later keys cost no search.
struct TiledGroup {
    const AttentionJob& job;
    const Window& window;
    std::size_t head;
    const float *keys, *values;
    float* table;
    AmxTile tile;

    HWY_INLINE void fill(Panel& p) {
        const Places at = fillQueries(job, window, head, p);
        std::fill(p.query + job.headDim / 2 * kAmxWidth, p.query + job.keyWords() * kAmxWidth, 0.f);
        std::fill(p.byRow, p.byRow + kAmxWidth, 0.f);
        if (!job.relative)
            return;
        relativeInTiles(tile, job, p, job.relative->rows.data(), job.windowHeight, at.y, table, p.byRow);
        relativeInTiles(tile, job, p, job.relative->columns.data(), job.windowWidth, at.x, table, p.byColumn);
    }
    HWY_INLINE LogitTerms terms(const Panel& p, std::size_t first) const {
        return {p.byRow, job.relative ? p.byColumn : nullptr, job.windowWidth, first,
                vm::log2E / __builtin_sqrtf(static_cast<float>(job.headDim))};
    }
    HWY_INLINE void multiplyKeys(const TiledStep& s, std::size_t chunk, float* products) {
        const std::size_t words = job.keyWords();
        tile.multiply({wordsOf(keys + (s.first + chunk * kChunk) * words), words}, wordsOf(s.panel->query),
                      words, products, kAmxWidth, s.keysOf(chunk), false);
    }
    // From here on logits stand against the maximum so far.
    HWY_INLINE void takeReference(const Panel& p) {
        for (std::size_t y = 0; y < (job.relative ? job.windowHeight : 1); ++y)
            for (std::size_t i = 0; i < kAmxWidth; ++i)
                p.byRow[y * kAmxWidth + i] -= p.maximum[i];
    }
    HWY_INLINE void raise(const TiledStep& s, std::size_t chunk, const float* products) {
        raiseMaximum(products, s.keysOf(chunk), terms(*s.panel, s.first + chunk * kChunk), s.panel->maximum);
    }
    HWY_INLINE void weigh(const TiledStep& s, std::size_t chunk, const float* products) {
        float* words = s.words + chunk * kAmxWords * kAmxWidth;
        const std::size_t count = s.keysOf(chunk), used = (count + 1) / 2;
        weightsFromProducts(products, count, terms(*s.panel, s.first + chunk * kChunk), words, s.panel->sum);
        std::fill(words + used * kAmxWidth, words + kAmxWords * kAmxWidth, 0.f);
    }
    HWY_INLINE std::size_t valueTiles() const { return (job.headDim + kAmxRows - 1) / kAmxRows; }
    HWY_INLINE void addValues(const TiledStep& s, std::size_t valueTile) {
        const std::size_t n = job.headDim, d = valueTile * kAmxRows;
        const float* block = values + s.first / kAmxKeys * n * (kAmxKeys / 2);
        tile.multiply({wordsOf(block + d * (kAmxKeys / 2)), kAmxKeys / 2}, wordsOf(s.words),
                      s.chunks() * kAmxWords, s.panel->output + d * kAmxWidth, kAmxWidth,
                      HWY_MIN(kAmxRows, n - d), s.first != 0);
    }
    HWY_INLINE TiledStep step(Panel& p, std::size_t first, float* words) const {
        return {&p, first, HWY_MIN(kAmxKeys, job.keyCount() - first), words};
    }
    // Where a key stood too far above the reference: the largest logit of all is found first.
    HWY_INLINE void again(Panel& p, float* products, float* words) {
        fill(p);
        for (const bool search : {true, false}) {
            for (std::size_t k = 0; k < job.keyCount(); k += kAmxKeys) {
                const TiledStep s = step(p, k, words);
                for (std::size_t c = 0; c < s.chunks(); ++c) {
                    multiplyKeys(s, c, products);
                    search ? raise(s, c, products) : weigh(s, c, products);
                }
                for (std::size_t t = 0; !search && t < valueTiles(); ++t)
                    addValues(s, t);
            }
            if (search)
                takeReference(p);
        }
    }
};

HWY_INLINE bool sumsAreFine(const Panel& p) {
    for (std::size_t lane = 0; lane < kAmxWidth; ++lane)
        if (!(p.sum[lane] < 0x1p64f))
            return false;
    return true;
}

// Every block against every panel. While a chunk of products becomes weights, which keeps the vector units
// busy, the tile registers multiply the next keys and the values of the step before.
HWY_INLINE void attendSteps(TiledGroup& group, Panel* panels, std::size_t used, float* products,
                            float* words) {
    constexpr std::size_t productFloats = kChunk * kAmxWidth, wordFloats = kAmxKeys / 2 * kAmxWidth;
    const std::size_t steps = (group.job.keyCount() + kAmxKeys - 1) / kAmxKeys * used;
    const std::size_t tiles = group.valueTiles();
    const auto stepAt = [&](std::size_t i) {
        return group.step(panels[i % used], i / used * kAmxKeys, words + i % 2 * wordFloats);
    };
    TiledStep now = stepAt(0), before;
    float *ready = products, *coming = products + productFloats;
    group.multiplyKeys(now, 0, ready);
    for (std::size_t i = 0; i < steps; ++i) {
        const TiledStep next = i + 1 < steps ? stepAt(i + 1) : TiledStep{};
        std::size_t added = before.panel ? 0 : tiles;
        for (std::size_t c = 0; c < now.chunks(); ++c, std::swap(ready, coming)) {
            if (c + 1 < now.chunks())
                group.multiplyKeys(now, c + 1, coming);
            else if (next.panel)
                group.multiplyKeys(next, 0, coming);
            for (; added < tiles && added * now.chunks() <= c * tiles; ++added)
                group.addValues(before, added);
            if (now.first == 0 && c == 0) {
                group.raise(now, c, ready);
                group.takeReference(*now.panel);
            }
            group.weigh(now, c, ready);
        }
        for (; added < tiles; ++added)
            group.addValues(before, added);
        before = now;
        now = next;
    }
    for (std::size_t t = 0; t < tiles; ++t)
        group.addValues(before, t);
}

void attendGroupInTiles(const AttentionJob& job, const Window& w, std::size_t head, std::size_t first,
                        std::size_t last, const float* keys, const float* values, float* scratch) {
    Panel panels[kGroup];
    float* products = logitsOf(job, scratch);
    float* words = products + 2 * kChunk * kAmxWidth;
    TiledGroup group{job, w, head, keys, values, products + kLogitRows * kTileWidth, {}};
    const std::size_t used = carvePanels(job, first, last, scratch, panels);
    for (std::size_t i = 0; i < used; ++i)
        group.fill(panels[i]);
    attendSteps(group, panels, used, products, words);
    for (std::size_t i = 0; i < used; ++i) {
        if (!sumsAreFine(panels[i]))
            group.again(panels[i], products, words);
        storePanel(job, w, head, panels[i]);
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
