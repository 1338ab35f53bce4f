// What attention reads: keys, values and tables of relative positions, laid out for the tiles of one
// instruction set (see micro_kernel-inl.h).
#ifndef TANDEM_ATTENTION_JOB
#define TANDEM_ATTENTION_JOB
#include "inference/kernels/amx.h"
#include "inference/kernels/attention.h"
#include "inference/kernels/bfloat16.h"

#include <cstddef>
#include <cstdint>

namespace tandem::kernels {

constexpr std::size_t kAmxKeys = 128; // keys of a block for AMX

// Words of a key for AMX.
constexpr std::size_t keyWordsOf(std::size_t headDim) {
    return (headDim / 2 + kAmxWords - 1) / kAmxWords * kAmxWords;
}

// A window of the grid, or the grid: its first token and how many of its rows and columns are tokens.
struct Window {
    std::size_t top = 0, left = 0, rows = 0, columns = 0;
    std::size_t tokens() const { return rows * columns; }
};

// Everything a task needs to know. Queries and keys are those of one window.
struct AttentionJob {
    ConstMatrix queries, keys, values; // heads side by side
    const float* keyBias = nullptr;    // of a token that sticks out; null: zeros
    const float* valueBias = nullptr;
    const RelativePositions* relative = nullptr;
    Matrix result;
    std::size_t headDim = 0, gridWidth = 0;
    std::size_t windowHeight = 0, windowWidth = 0; // keys of a window
    bool half = false;                             // bfloat16: panels hold words of two
    // For the tile registers everything that has rows has these instead.
    bool amx = false;
    HalfMatrix halfQueries, halfKeys, halfValues, halfResult;
    const std::uint16_t* halfKeyBias = nullptr;
    const std::uint16_t* halfValueBias = nullptr;
    std::size_t keyCount() const { return windowHeight * windowWidth; }
    // For AMX: words of a key, and blocks of keys.
    std::size_t keyWords() const { return keyWordsOf(headDim); }
    std::size_t keyBlocks() const { return (keyCount() + kAmxKeys - 1) / kAmxKeys; }
    std::size_t row(const Window& w, std::size_t y, std::size_t x) const {
        return (w.top + y) * gridWidth + w.left + x;
    }
};

} // namespace tandem::kernels
#endif

#if defined(TANDEM_ATTENTION_KEYS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TANDEM_ATTENTION_KEYS_INL
#undef TANDEM_ATTENTION_KEYS_INL
#else
#define TANDEM_ATTENTION_KEYS_INL
#endif

#include "inference/kernels/micro_kernel-inl.h"
#include "inference/kernels/vector_math-inl.h"

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

std::size_t roundUp(std::size_t n, std::size_t step) {
    return (n + step - 1) / step * step;
}
std::size_t packedKeyFloats(std::size_t keys, std::size_t headDim) {
    return roundUp(keys, kTileRows) * headDim;
}

// Row `index` of a matrix of panels: out[panel][d][row in panel], times `scale`. Null: zeros.
HWY_INLINE void packRow(const float* row, std::size_t index, std::size_t n, float scale, float* out) {
    float* column = out + index / kTileRows * kTileRows * n + index % kTileRows;
    for (std::size_t d = 0; d < n; ++d)
        column[d * kTileRows] = row ? row[d] * scale : 0.f;
}

// The same as words of two columns. `line` has room for two rows.
HWY_INLINE void packRowOfPairs(const float* row, std::size_t index, std::size_t n, float scale, float* line,
                               float* out) {
    for (std::size_t d = 0; d < n; ++d)
        line[d] = row ? row[d] * scale : 0.f;
    auto* words = reinterpret_cast<std::uint32_t*>(line + n);
    toBfloat16(line, n, words);
    auto* column =
        reinterpret_cast<std::uint32_t*>(out) + index / kTileRows * kTileRows * (n / 2) + index % kTileRows;
    for (std::size_t d = 0; d < n / 2; ++d)
        column[d * kTileRows] = words[d];
}

void packTable(const float* table, std::size_t rows, std::size_t n, bool half, float* line, float* out) {
    for (std::size_t r = 0; r < roundUp(rows, kTileRows); ++r) {
        const float* row = r < rows ? table + r * n : nullptr;
        if (half)
            packRowOfPairs(row, r, n, vm::log2E, line, out);
        else
            packRow(row, r, n, vm::log2E, out);
    }
}

// Two rows as words of one element of each, as bfloat16. Null: zeros.
HWY_INLINE void pairRows(const float* first, const float* second, std::size_t n, float* out) {
    using namespace vm;
    const hn::ScalableTag<std::uint32_t> du;
    const auto word = [&](const float* row, std::size_t i) {
        return row ? hn::Add(hn::BitCast(du, loadPart(row + i, n - i)), hn::Set(du, 0x8000u)) : hn::Zero(du);
    };
    for (std::size_t i = 0; i < n; i += lanes) {
        const auto low = hn::ShiftRight<16>(word(first, i));
        const auto high = hn::And(word(second, i), hn::Set(du, 0xffff0000u));
        storePart(hn::BitCast(d, hn::Or(low, high)), out + i, n - i);
    }
}

// Key and value of one head of a token of a window; null: zeros.
struct KeyAndValue {
    const float *key, *value;
};
HWY_INLINE KeyAndValue tokenAt(const AttentionJob& job, const Window& w, std::size_t head, std::size_t y,
                               std::size_t x) {
    const std::size_t at = head * job.headDim;
    if (y < w.rows && x < w.columns) {
        const std::size_t row = job.row(w, y, x);
        return {job.keys.row(row) + at, job.values.row(row) + at};
    }
    return {job.keyBias ? job.keyBias + at : nullptr, job.valueBias ? job.valueBias + at : nullptr};
}

// Keys (scaled, in panels) and values (row-major; of bfloat16 words of two rows) of one head and window.
void packKeys(const AttentionJob& job, const Window& w, std::size_t head, float* keys, float* values) {
    float* const line = values + roundUp(job.keyCount(), 2) * job.headDim; // see keyFloats
    const float* previous = nullptr;
    const std::size_t n = job.headDim;
    const float scale = vm::log2E / __builtin_sqrtf(static_cast<float>(n));
    std::size_t key = 0;
    for (std::size_t y = 0; y < job.windowHeight; ++y)
        for (std::size_t x = 0; x < job.windowWidth; ++x, ++key) {
            const auto [k, v] = tokenAt(job, w, head, y, x);
            if (job.half) {
                packRowOfPairs(k, key, n, scale, line, keys);
                if (key % 2)
                    pairRows(previous, v, n, values + key / 2 * n);
                previous = v;
                continue;
            }
            packRow(k, key, n, scale, keys);
            if (v)
                std::memcpy(values + key * n, v, n * sizeof(float));
            else
                std::memset(values + key * n, 0, n * sizeof(float));
        }
    if (job.half && key % 2)
        pairRows(previous, nullptr, n, values + key / 2 * n);
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
