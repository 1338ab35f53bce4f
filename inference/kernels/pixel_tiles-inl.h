// Products with tiles of pixels, compiled once for each instruction set (see micro_kernel-inl.h).
#if defined(TANDEM_PIXEL_TILES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TANDEM_PIXEL_TILES_INL
#undef TANDEM_PIXEL_TILES_INL
#else
#define TANDEM_PIXEL_TILES_INL
#endif

#include "inference/kernels/amx.h"
#include "inference/kernels/bfloat16.h"
#include "inference/kernels/micro_kernel-inl.h"
#include "inference/kernels/pixel_tiles.h"
#include "inference/kernels/vector_math-inl.h"

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

/// c[row][x] (+)= left . b on one tile of pixels, for the left's rows from `first` on and its inputs from
/// `skipped` floats or words on; b begins with those, and holds words for a bfloat16 left. For tile registers
/// bStep is kTileWidth, b is padded as the left is, and `first` and `skipped` are multiples of their sizes.
HWY_INLINE void panelProduct(AmxTile& registers, const LeftPanels& left, std::size_t first,
                             std::size_t skipped, const float* b, std::size_t bStep, float* c,
                             std::size_t cStep, bool accumulate) {
    const std::size_t depth = left.packedDepth(), count = depth - skipped;
    const auto words = [](const float* p) { return reinterpret_cast<const std::uint32_t*>(p); };
    if (left.numbers.amx) {
        registers.multiply({words(left.panels.data() + first * depth + skipped), depth}, words(b), count, c,
                           cStep, HWY_MIN(kAmxRows, left.rows - first), accumulate);
        return;
    }
    const std::size_t rows = HWY_MIN(kTileRows, left.rows - first);
    const float* panel = left.panels.data() + first * depth + skipped * kTileRows;
    if (left.numbers.half())
        bfloat16Tile(rows, 2)(words(panel), kTileRows, words(b), bStep, count, c, cStep, accumulate);
    else
        tileOf<2>(rows)(panel, kTileRows, b, bStep, count, c, cStep, accumulate);
}

/// Rows of a panel of a left.
HWY_INLINE std::size_t panelRows(const LeftPanels& left) {
    return left.numbers.amx ? kAmxRows : kTileRows;
}

/// The same for all rows and inputs.
HWY_INLINE void tileProduct(AmxTile& registers, const LeftPanels& left, const float* b, std::size_t bStep,
                            float* c, std::size_t cStep, bool accumulate) {
    for (std::size_t r = 0; r < left.rows; r += panelRows(left))
        panelProduct(registers, left, r, 0, b, bStep, c + r * cStep, cStep, accumulate);
}

/// The same with the matrix of each head: head h takes b's rows from h * depth on and gives c's from h * rows
/// on.
HWY_INLINE void headProducts(const HeadPanels& left, const float* b, std::size_t bStep, float* c,
                             std::size_t cStep, bool accumulate) {
    for (std::size_t h = 0; h < left.heads; ++h)
        multiplyPanels<2>(left.head(h), kTileRows, kTileRows * left.depth, left.rows,
                          b + h * left.depth * bStep, bStep, left.depth, c + h * left.rows * cStep, cStep,
                          accumulate);
}

/// The rows of a chunk of a map: left times the image's tiles.
HWY_INLINE void projectChunk(AmxTile& registers, const PixelCut& cut, const TiledImage& image,
                             const LeftPanels& left, std::size_t chunk, float* rows) {
    const std::size_t depth = image.packedDepth();
    const float* tiles = image.tiles.data() + chunk * cut.chunk * depth;
    for (std::size_t r = 0; r < left.rows; r += panelRows(left)) // a panel stays in the first-level cache
        for (std::size_t x = 0; x < cut.chunk; x += kTileWidth)
            panelProduct(registers, left, r, 0, tiles + x * depth, kTileWidth, rows + r * cut.stride + x,
                         cut.stride, false);
}

/// Two rows as bfloat16 (nearest, ties away from zero) in the words of one: low halves from `low`.
HWY_INLINE vm::V wordsOf(vm::V low, vm::V high) {
    using namespace vm;
    const auto half = hn::Set(di, 0x8000), mask = hn::Set(di, static_cast<std::int32_t>(0xffff0000));
    const hn::RebindToUnsigned<decltype(di)> du;
    const auto l = hn::ShiftRight<16>(hn::BitCast(du, hn::Add(hn::BitCast(di, low), half)));
    const auto h = hn::And(hn::Add(hn::BitCast(di, high), half), mask);
    return hn::BitCast(d, hn::Or(hn::BitCast(di, l), h));
}

/// One tile of `rows` rows as words: out[pair][pixel], pairs kTileWidth apart, padded as the numbers ask.
HWY_INLINE void packWords(TileNumbers numbers, const float* in, std::size_t step, std::size_t rows,
                          float* out) {
    using namespace vm;
    const std::size_t padded = numbers.depth(rows) * kTileWidth, filled = (rows + 1) / 2 * kTileWidth;
    for (std::size_t r = 0; r < rows; r += 2, in += 2 * step, out += kTileWidth)
        for (std::size_t x = 0; x < kTileWidth; x += lanes)
            hn::StoreU(
                wordsOf(hn::LoadU(d, in + x), r + 1 < rows ? hn::LoadU(d, in + step + x) : hn::Zero(d)), d,
                out + x);
    std::memset(out, 0, (padded - filled) * sizeof(float));
}

#if HWY_TARGET != HWY_SCALAR
// The sum of the blocks of four lanes, to out[0..3].
template <class D>
HWY_INLINE void storeBlockSum(D tag, hn::Vec<D> v, float* out) {
    if constexpr (hn::MaxLanes(D()) <= 4) {
        hn::StoreU(v, tag, out);
    } else {
        const hn::Half<D> half;
        storeBlockSum(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), out);
    }
}
#endif

/// out[i] = the sum of the lanes of the i-th vector.
HWY_INLINE void sumLanes(vm::V a, vm::V b, vm::V x, vm::V y, float* out) {
    using namespace vm;
#if HWY_TARGET == HWY_SCALAR
    out[0] = hn::GetLane(a), out[1] = hn::GetLane(b), out[2] = hn::GetLane(x), out[3] = hn::GetLane(y);
#else
    const hn::Repartition<double, decltype(d)> pairs;
    const auto fold = [&](V p, V q) HWY_ATTR {
        return hn::BitCast(pairs, hn::Add(hn::InterleaveLower(d, p, q), hn::InterleaveUpper(d, p, q)));
    };
    const auto first = fold(a, b), second = fold(x, y);
    const V sums = hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, first, second)),
                           hn::BitCast(d, hn::InterleaveUpper(pairs, first, second)));
    storeBlockSum(d, sums, out); // blocks of one lane for each vector
#endif
}

// The dot products of Rows rows with 4 rows over n floats.
template <std::size_t Rows>
HWY_INLINE void dotTile(const float* const* left, const float* const* right, std::size_t n,
                        float (*result)[4]) {
    using namespace vm;
    V sum[Rows][4];
    TANDEM_UNROLLED (i, Rows)
        TANDEM_UNROLLED (j, 4)
            sum[i][j] = hn::Zero(d);
    const auto add = [&](const auto& load) HWY_ATTR {
        V b[4];
        TANDEM_UNROLLED (j, 4)
            b[j] = load(right[j]);
        TANDEM_UNROLLED (i, Rows) {
            const V a = load(left[i]);
            TANDEM_UNROLLED (j, 4)
                sum[i][j] = hn::MulAdd(a, b[j], sum[i][j]);
        }
    };
    std::size_t k = 0;
    for (; k + lanes <= n; k += lanes)
        add([&](const float* p) HWY_ATTR { return hn::LoadU(d, p + k); });
    if (k < n)
        add([&](const float* p) HWY_ATTR { return loadPart(p + k, n - k); });
    TANDEM_UNROLLED (i, Rows)
        sumLanes(sum[i][0], sum[i][1], sum[i][2], sum[i][3], result[i]);
}

/// result[i][j] = left row i . right row j.
HWY_INLINE void dots(ConstMatrix left, ConstMatrix right, Matrix result) {
    constexpr std::size_t rows = kTileRows > 6 ? 4 : 2; // as registers allow
    for (std::size_t j = 0; j < right.rows; j += 4)
        for (std::size_t i = 0; i < left.rows; i += rows) {
            const float *a[rows], *b[4];
            for (std::size_t r = 0; r < rows; ++r)
                a[r] = left.row(HWY_MIN(i + r, left.rows - 1));
            for (std::size_t r = 0; r < 4; ++r)
                b[r] = right.row(HWY_MIN(j + r, right.rows - 1));
            float sums[rows][4];
            dotTile<rows>(a, b, left.columns, sums);
            const std::size_t columns = HWY_MIN(std::size_t{4}, right.rows - j);
            for (std::size_t r = 0; r < HWY_MIN(rows, left.rows - i); ++r)
                std::memcpy(result.row(i + r) + j, sums[r], columns * sizeof(float));
        }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
