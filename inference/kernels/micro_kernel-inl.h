// The register tile that every matrix product of the kernels is made of, compiled once for each instruction
// set. Include from a file that highway's foreach_target includes repeatedly.
#if defined(TANDEM_MICRO_KERNEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TANDEM_MICRO_KERNEL_INL
#undef TANDEM_MICRO_KERNEL_INL
#else
#define TANDEM_MICRO_KERNEL_INL
#endif

#include "inference/kernels/unroll.h"

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows of a tile: as many as leave every accumulator of two vectors a row in a register.
#if HWY_ARCH_ARM_A64 || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3)
inline constexpr std::size_t kTileRows = 14; // 32 registers
#else
inline constexpr std::size_t kTileRows = 6; // 16 registers
#endif
inline constexpr hn::ScalableTag<float> kTag;
inline constexpr std::size_t kLanes = hn::MaxLanes(kTag);
inline constexpr std::size_t kTileWidth = 2 * kLanes;

/// One tile: C[r][x] (+)= sum over k of A[k][r] * B[k][x], r < Rows, x < Vectors * kLanes.
/// A is read at a[k * aStep + r], B at b[k * bStep + x] and C at c[r * cStep + x]; all unaligned.
/// @param accumulate  adds to what C holds; otherwise C is only written
template <std::size_t Rows, std::size_t Vectors>
HWY_NOINLINE void multiplyTile(const float* HWY_RESTRICT a, std::size_t aStep, const float* HWY_RESTRICT b,
                               std::size_t bStep, std::size_t depth, float* HWY_RESTRICT c, std::size_t cStep,
                               bool accumulate) {
    using V = hn::Vec<decltype(kTag)>;
    V sum[Rows][Vectors];
    TANDEM_UNROLLED (r, Rows)
        TANDEM_UNROLLED (x, Vectors)
            sum[r][x] = hn::Zero(kTag);
    TANDEM_UNROLLED (r, Rows) // C arrives while the products are formed
        TANDEM_UNROLLED (x, Vectors)
            hwy::Prefetch(c + r * cStep + x * kLanes);
    for (std::size_t k = 0; k < depth; ++k) {
        V right[Vectors];
        TANDEM_UNROLLED (x, Vectors)
            right[x] = hn::LoadU(kTag, b + x * kLanes);
        TANDEM_UNROLLED (r, Rows) {
            const V left = hn::Set(kTag, a[r]);
            TANDEM_UNROLLED (x, Vectors)
                sum[r][x] = hn::MulAdd(left, right[x], sum[r][x]);
        }
        a += aStep;
        b += bStep;
    }
    if (accumulate)
        TANDEM_UNROLLED (r, Rows)
            TANDEM_UNROLLED (x, Vectors)
                sum[r][x] = hn::Add(sum[r][x], hn::LoadU(kTag, c + r * cStep + x * kLanes));
    TANDEM_UNROLLED (r, Rows)
        TANDEM_UNROLLED (x, Vectors)
            hn::StoreU(sum[r][x], kTag, c + r * cStep + x * kLanes);
}

using TileFunction = void (*)(const float*, std::size_t, const float*, std::size_t, std::size_t, float*,
                              std::size_t, bool);

/// The tile function of `rows` rows (1..kTileRows) and Vectors vectors.
template <std::size_t Vectors, std::size_t Rows = kTileRows>
HWY_INLINE TileFunction tileOf(std::size_t rows) {
    if constexpr (Rows == 1)
        return multiplyTile<1, Vectors>;
    else
        return rows == Rows ? multiplyTile<Rows, Vectors> : tileOf<Vectors, Rows - 1>(rows);
}

/// As multiplyTile for any number of rows: A's rows lie in panels of kTileRows, each `panelStep` floats after
/// the one before.
template <std::size_t Vectors>
HWY_INLINE void multiplyPanels(const float* a, std::size_t aStep, std::size_t panelStep, std::size_t rows,
                               const float* b, std::size_t bStep, std::size_t depth, float* c,
                               std::size_t cStep, bool accumulate) {
    for (std::size_t r = 0; r < rows; r += kTileRows, a += panelStep, c += kTileRows * cStep) {
        const std::size_t count = HWY_MIN(kTileRows, rows - r);
        tileOf<Vectors>(count)(a, aStep, b, bStep, depth, c, cStep, accumulate);
    }
}

/// Rows as columns: out[column * step + row]. A panel of A is kTileRows rows with that step.
/// @param load  load(row, column, n): a vector of the row from that column on, of which n lanes count
template <class Load>
HWY_INLINE void transposeRows(std::size_t rows, std::size_t columns, const Load& load, float* out,
                              std::size_t step = kTileRows) {
#if HWY_TARGET == HWY_SCALAR
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
            out[c * step + r] = hn::GetLane(load(r, c, 1));
#else
    const hn::Repartition<double, decltype(kTag)> pairs;
    const auto lowPairs = [&](auto a, auto b) {
        return hn::BitCast(kTag, hn::InterleaveLower(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
    };
    const auto highPairs = [&](auto a, auto b) {
        return hn::BitCast(kTag, hn::InterleaveUpper(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
    };
    HWY_ALIGN float turned[4][kLanes]; // [column % 4][column / 4 * 4 + row]
    for (std::size_t r = 0; r < rows; r += 4) {
        const std::size_t height = HWY_MIN(std::size_t{4}, rows - r);
        for (std::size_t c = 0; c < columns; c += kLanes) {
            const std::size_t n = columns - c;
            const auto row = [&](std::size_t i) { return i < height ? load(r + i, c, n) : hn::Zero(kTag); };
            const auto a = row(0), b = row(1), x = row(2), y = row(3);
            const auto lowAb = hn::InterleaveLower(kTag, a, b), highAb = hn::InterleaveUpper(kTag, a, b);
            const auto lowXy = hn::InterleaveLower(kTag, x, y), highXy = hn::InterleaveUpper(kTag, x, y);
            hn::Store(lowPairs(lowAb, lowXy), kTag, turned[0]);
            hn::Store(highPairs(lowAb, lowXy), kTag, turned[1]);
            hn::Store(lowPairs(highAb, highXy), kTag, turned[2]);
            hn::Store(highPairs(highAb, highXy), kTag, turned[3]);
            float* to = out + c * step + r;
            for (std::size_t i = 0; i < HWY_MIN(n, kLanes); ++i, to += step) {
                const float* from = &turned[i % 4][i / 4 * 4];
                if (height == 4)
                    std::memcpy(to, from, 4 * sizeof(float));
                else if (height == 2)
                    std::memcpy(to, from, 2 * sizeof(float));
                else
                    std::memcpy(to, from, height * sizeof(float));
            }
        }
    }
#endif
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
