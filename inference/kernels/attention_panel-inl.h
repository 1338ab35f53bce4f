// Queries of attention side by side, compiled once for each instruction set (see micro_kernel-inl.h).
#if defined(TANDEM_ATTENTION_PANEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TANDEM_ATTENTION_PANEL_INL
#undef TANDEM_ATTENTION_PANEL_INL
#else
#define TANDEM_ATTENTION_PANEL_INL
#endif

#include "inference/kernels/attention_keys-inl.h"
#include "inference/kernels/micro_kernel-inl.h"
#include "inference/kernels/vector_math-inl.h"

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

constexpr std::size_t kGroup = 2; // panels of queries that share the keys in the cache
constexpr std::size_t kKeyBlock =
    112 / kTileRows * kTileRows; // keys whose logits stay in the first-level cache

// kTileWidth queries of one head, lanes = queries: the query vectors, what relative positions add to their
// logits, and the softmax so far.
struct Panel {
    float* query;                     // [headDim][kTileWidth]
    float* byRow;                     // [windowHeight][kTileWidth]
    float* byColumn;                  // [windowWidth][kTileWidth]
    float* output;                    // [headDim][kTileWidth]
    float* maximum;                   // [kTileWidth] of the keys so far
    float* next;                      // [kTileWidth] and with those of the block at hand
    float* sum;                       // [kTileWidth]
    std::size_t first = 0, count = 0; // queries of the window, row-major
};

std::size_t panelFloats(std::size_t n, std::size_t h, std::size_t w) {
    return (2 * n + h + w + 3) * kTileWidth;
}

// For tile registers two chunks of products and two blocks of weights.
constexpr std::size_t kLogitRows = HWY_MAX(kKeyBlock, 2 * kAmxRows + kAmxKeys);
std::size_t scratchFloats(std::size_t n, std::size_t h, std::size_t w) {
    const std::size_t table = roundUp(2 * (h > w ? h : w), kTileRows) + 2 * kTileRows;
    return kGroup * panelFloats(n, h, w) + (kLogitRows + table) * kTileWidth;
}

HWY_INLINE Panel carve(float* p, std::size_t n, std::size_t h, std::size_t w) {
    Panel panel;
    panel.query = p;
    panel.byRow = panel.query + n * kTileWidth;
    panel.byColumn = panel.byRow + h * kTileWidth;
    panel.output = panel.byColumn + w * kTileWidth;
    panel.maximum = panel.output + n * kTileWidth;
    panel.next = panel.maximum + kTileWidth;
    panel.sum = panel.next + kTileWidth;
    return panel;
}

// The panels of queries [first, last) in a task's scratch memory; behind them logits and products of tables.
HWY_INLINE std::size_t carvePanels(const AttentionJob& job, std::size_t first, std::size_t last,
                                   float* scratch, Panel* panels) {
    const std::size_t n = job.headDim, h = job.windowHeight, w = job.windowWidth;
    std::size_t used = 0;
    for (; first < last; first += kTileWidth, ++used) {
        panels[used] = carve(scratch + used * panelFloats(n, h, w), n, h, w);
        panels[used].first = first;
        panels[used].count = HWY_MIN(kTileWidth, last - first);
    }
    return used;
}
HWY_INLINE float* logitsOf(const AttentionJob& job, float* scratch) {
    return scratch + kGroup * panelFloats(job.headDim, job.windowHeight, job.windowWidth);
}

// The places in the grid of the queries of a panel; lanes beyond count repeat the first query.
struct Places {
    std::size_t y[kTileWidth], x[kTileWidth];
};

// Lays the queries side by side (of bfloat16 as words) and begins their softmax.
HWY_INLINE Places fillQueries(const AttentionJob& job, const Window& w, std::size_t head, const Panel& p) {
    const std::size_t n = job.headDim;
    Places at;
    const float* source[kTileWidth];
    for (std::size_t lane = 0; lane < kTileWidth; ++lane) {
        const std::size_t query = p.first + (lane < p.count ? lane : 0);
        at.y[lane] = query / w.columns;
        at.x[lane] = query % w.columns;
        const std::size_t row = job.row(w, at.y[lane], at.x[lane]);
        p.maximum[lane] = p.next[lane] = -1e30f;
        p.sum[lane] = 0.f;
        if (job.amx) { // words already; they only move
            source[lane] = reinterpret_cast<const float*>(job.halfQueries.row(row) + head * n);
            continue;
        }
        source[lane] = job.queries.row(row) + head * n;
        if (!job.half)
            continue;
        float* words = p.output + lane * (n / 2); // free until the first weights are multiplied
        toBfloat16(source[lane], n, reinterpret_cast<std::uint32_t*>(words));
        source[lane] = words;
    }
    const auto load = [&](std::size_t lane, std::size_t d, std::size_t left) {
        return vm::loadPart(source[lane] + d, left);
    };
    transposeRows(kTileWidth, job.half ? n / 2 : n, load, p.query, kTileWidth);
    return at;
}

// The rows of a table of relative positions that any lane needs: [low, high + extent).
struct TableRows {
    std::size_t low = 0, high = 0;
    TableRows(const Panel& p, const std::size_t* position) : low(position[0]), high(position[0]) {
        for (std::size_t lane = 1; lane < p.count; ++lane) {
            low = HWY_MIN(low, position[lane]);
            high = HWY_MAX(high, position[lane]);
        }
    }
};

// out[key coordinate][lane] = query . table[position of the lane - key coordinate + extent - 1], from the
// products with the rows of the table from `first` on.
HWY_INLINE void spreadRelative(const TableRows& rows, std::size_t first, std::size_t extent,
                               const std::size_t* position, const float* products, float* out) {
    if (rows.low == rows.high) { // one row of the grid: no lane differs
        for (std::size_t i = 0; i < extent; ++i)
            std::memcpy(out + i * kTileWidth, products + (rows.low + extent - 1 - i - first) * kTileWidth,
                        kTileWidth * sizeof(float));
        return;
    }
    for (std::size_t i = 0; i < extent; ++i)
        for (std::size_t lane = 0; lane < kTileWidth; ++lane)
            out[i * kTileWidth + lane] =
                products[(position[lane] + extent - 1 - i - first) * kTileWidth + lane];
}

HWY_INLINE void storePanel(const AttentionJob& job, const Window& w, std::size_t head, const Panel& p) {
    const std::size_t n = job.headDim;
    for (std::size_t lane = 0; lane < kTileWidth; ++lane)
        p.sum[lane] = 1.f / p.sum[lane];
    const auto load = [&](std::size_t d, std::size_t lane, std::size_t) {
        return hn::Mul(hn::LoadU(vm::d, p.output + d * kTileWidth + lane), hn::LoadU(vm::d, p.sum + lane));
    };
    transposeRows(n, kTileWidth, load, p.query, n); // nobody asks for the queries any more
    for (std::size_t lane = 0; lane < p.count; ++lane) {
        const std::size_t query = p.first + lane;
        const std::size_t row = job.row(w, query / w.columns, query % w.columns);
        if (job.amx)
            toBfloat16(p.query + lane * n, n,
                       reinterpret_cast<std::uint32_t*>(job.halfResult.row(row) + head * n));
        else
            std::memcpy(job.result.row(row) + head * n, p.query + lane * n, n * sizeof(float));
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
