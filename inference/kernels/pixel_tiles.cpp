#include "inference/kernels/pixel_tiles.h"

#include <algorithm>
#include <cstring>
#include <vector>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/pixel_tiles.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/pixel_tiles-inl.h"
// clang-format on

#ifndef TANDEM_PIXEL_TILES_SHARED
#define TANDEM_PIXEL_TILES_SHARED
namespace tandem::kernels {

// Planes, what is added to them, and what comes of them.
struct TileJob {
    const float* planes = nullptr;
    std::span<const float> code;
    std::size_t channels = 0;
    TileNumbers numbers;
    NormSquares norms;
    float* tiles = nullptr;
};

} // namespace tandem::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

// The sum's tiles of a chunk: out[tile][channel][pixel], zero behind the last pixel.
HWY_INLINE void loadChunk(const PixelCut& cut, const TileJob& job, std::size_t chunk, float* out) {
    using namespace vm;
    const std::size_t first = chunk * cut.chunk, count = HWY_MIN(cut.chunk, cut.pixels - first);
    const std::size_t tileFloats = job.channels * kTileWidth;
    if (count < cut.chunk)
        std::memset(out, 0, cut.chunk / kTileWidth * tileFloats * sizeof(float));
    const bool planes = job.code.size() > job.channels;
    for (std::size_t c = 0; c < job.channels; ++c) {
        const float* plane = job.planes + c * cut.pixels + first;
        const float* code = planes ? job.code.data() + c * cut.pixels + first : nullptr;
        const V constant = job.code.empty() || planes ? hn::Zero(d) : set(job.code[c]);
        for (std::size_t x = 0; x < count; x += lanes) {
            const V add = planes ? loadPart(code + x, count - x) : constant;
            storePart(hn::Add(loadPart(plane + x, count - x), add),
                      out + x / kTileWidth * tileFloats + c * kTileWidth + x % kTileWidth, count - x);
        }
    }
}

// Takes the mean over the channels off and returns the mean square of one vector of pixels.
HWY_INLINE vm::V centre(float* x, std::size_t channels) {
    using namespace vm;
    const V share = set(1.f / static_cast<float>(channels));
    V sum = hn::Zero(d), square = hn::Zero(d);
    for (std::size_t c = 0; c < channels; ++c)
        sum = hn::Add(sum, hn::LoadU(d, x + c * kTileWidth));
    const V mean = hn::Mul(sum, share);
    for (std::size_t c = 0; c < channels; ++c) {
        const V y = hn::Sub(hn::LoadU(d, x + c * kTileWidth), mean);
        hn::StoreU(y, d, x + c * kTileWidth);
        square = hn::MulAdd(y, y, square);
    }
    return hn::Mul(square, share);
}

// The squares of one tile, which is lost.
HWY_INLINE void tileSquares(const PixelCut& cut, const TileJob& job, float* tile, float* squares) {
    using namespace vm;
    for (std::size_t i = 0; i < job.norms.gains.size(); ++i)
        for (std::size_t x = 0; x < kTileWidth; x += lanes) {
            hn::StoreU(centre(tile + x, job.channels), d, squares + i * cut.stride + x);
            for (std::size_t c = 0; c < job.channels; ++c) {
                float* at = tile + c * kTileWidth + x;
                hn::StoreU(hn::Mul(hn::LoadU(d, at), set(job.norms.gains[i][c])), d, at);
            }
        }
}

// `scratch` has room for the floats of a chunk.
void tileChunk(const PixelCut& cut, const TileJob& job, std::size_t chunk, float* scratch) {
    const std::size_t tileFloats = job.channels * kTileWidth;
    const std::size_t tileWords = job.numbers.depth(job.channels) * kTileWidth;
    const std::size_t tiles = cut.chunk / kTileWidth;
    float* squares = job.norms.squares + chunk * job.norms.gains.size() * cut.stride;
    loadChunk(cut, job, chunk, scratch);
    for (std::size_t t = 0; t < tiles; ++t) {
        float *in = scratch + t * tileFloats, *out = job.tiles + (chunk * tiles + t) * tileWords;
        if (job.numbers.half())
            packWords(job.numbers, in, kTileWidth, job.channels, out);
        else
            std::memcpy(out, in, tileFloats * sizeof(float));
        tileSquares(cut, job, in, squares + t * kTileWidth);
    }
}

void projectOneChunk(const PixelCut& cut, const TiledImage& image, const LeftPanels& left, std::size_t chunk,
                     float* rows) {
    AmxTile registers;
    projectChunk(registers, cut, image, left, chunk, rows);
}

void dotMatrix(ConstMatrix left, ConstMatrix right, Matrix result) {
    dots(left, right, result);
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(tileChunk);
HWY_EXPORT(projectOneChunk);
HWY_EXPORT(dotMatrix);

namespace {

std::size_t roundUpTo(std::size_t n, std::size_t step) {
    return (n + step - 1) / step * step;
}

// Panels of the tile's rows: panel[input][row]; at(row, input) is an element.
template <class At>
void packPanels(std::size_t rows, std::size_t depth, float* out, const At& at) {
    const std::size_t height = registerTile().rows;
    for (std::size_t r = 0; r < rows; r += height)
        for (std::size_t k = 0; k < depth; ++k, out += height)
            for (std::size_t i = 0; i < height; ++i)
                out[i] = r + i < rows ? at(r + i, k) : 0.f;
}

// The same as bfloat16: panel[pair of inputs][row].
template <class At>
void packPanelsOfPairs(std::size_t rows, std::size_t depth, float* out, const At& at) {
    const std::size_t height = registerTile().rows, words = (depth + 1) / 2;
    std::vector<float> line(2 * words, 0.f);
    std::vector<std::uint32_t> packed(words);
    for (std::size_t r = 0; r < roundUpTo(rows, height); ++r) {
        for (std::size_t k = 0; k < depth; ++k)
            line[k] = r < rows ? at(r, k) : 0.f;
        toBfloat16(line.data(), depth, packed.data());
        float* column = out + r / height * height * words + r % height;
        for (std::size_t k = 0; k < words; ++k)
            std::memcpy(column + k * height, &packed[k], sizeof(float));
    }
}

// The same row after row, `words` each.
template <class At>
void packRowsOfPairs(std::size_t rows, std::size_t depth, std::size_t words, float* out, const At& at) {
    std::vector<float> line(depth);
    for (std::size_t r = 0; r < rows; ++r, out += words) {
        for (std::size_t k = 0; k < depth; ++k)
            line[k] = at(r, k);
        toBfloat16(line.data(), depth, reinterpret_cast<std::uint32_t*>(out));
        std::fill(out + (depth + 1) / 2, out + words, 0.f);
    }
}

template <class At>
void packInto(LeftPanels& left, std::size_t rows, std::size_t depth, Numbers numbers, const At& at) {
    left.rows = rows;
    left.depth = depth;
    left.numbers = tileNumbers(numbers);
    float* out = left.panels.reserve((left.numbers.amx ? rows : roundUpTo(rows, registerTile().rows)) *
                                     left.packedDepth());
    if (left.numbers.amx)
        packRowsOfPairs(rows, depth, left.packedDepth(), out, at);
    else if (left.numbers.half())
        packPanelsOfPairs(rows, depth, out, at);
    else
        packPanels(rows, depth, out, at);
}

} // namespace

std::size_t TileNumbers::depth(std::size_t inputs) const {
    const std::size_t words = half() ? (inputs + 1) / 2 : inputs;
    return amx ? roundUpTo(words, kAmxWords) : words;
}

std::size_t TileNumbers::panelRows() const {
    return amx ? kAmxRows : registerTile().rows;
}

TileNumbers tileNumbers(Numbers numbers) {
    return {numbers, numbers == Numbers::Bfloat16 && hasAmx() && registerTile().width == kAmxWidth};
}

PixelCut cutPixels(std::size_t pixels) {
    constexpr std::size_t most = 256, parts = 4; // pixels of a chunk; chunks that a small map has
    PixelCut cut;
    cut.pixels = pixels;
    cut.tile = registerTile().width;
    cut.chunk = roundUpTo(std::min((pixels + parts - 1) / parts, most), cut.tile);
    cut.stride = cut.chunk + 16; // rows must not meet in the same lines of the cache
    return cut;
}

void packLeft(ConstMatrix rows, LeftPanels& left, Numbers numbers) {
    packInto(left, rows.rows, rows.columns, numbers,
             [&](std::size_t r, std::size_t k) { return rows.row(r)[k]; });
}

void packLeftTransposed(ConstMatrix columns, LeftPanels& left, Numbers numbers) {
    packInto(left, columns.columns, columns.rows, numbers,
             [&](std::size_t r, std::size_t k) { return columns.row(k)[r]; });
}

void packHeads(ConstMatrix rows, std::size_t heads, HeadPanels& left) {
    left.heads = heads;
    left.rows = rows.rows;
    left.depth = rows.columns / heads;
    left.headFloats = roundUpTo(rows.rows, registerTile().rows) * left.depth;
    float* out = left.panels.reserve(heads * left.headFloats);
    for (std::size_t h = 0; h < heads; ++h)
        packPanels(left.rows, left.depth, out + h * left.headFloats,
                   [&](std::size_t r, std::size_t k) { return rows.row(r)[h * left.depth + k]; });
}

void tileImage(Workers& workers, const PixelCut& cut, const float* planes, std::span<const float> code,
               std::size_t channels, Numbers numbers, TiledImage& image, const NormSquares& norms) {
    image.channels = channels;
    image.numbers = tileNumbers(numbers);
    float* tiles = image.tiles.reserve(cut.chunks() * cut.chunk * image.packedDepth());
    const TileJob job{planes, code, channels, image.numbers, norms, tiles};
    workers.run(cut.chunks(), [&](std::size_t chunk, int worker) {
        HWY_DYNAMIC_DISPATCH(tileChunk)(cut, job, chunk, workers.scratch(worker, cut.chunk * channels));
    });
}

void projectImage(Workers& workers, const PixelCut& cut, const TiledImage& image, const LeftPanels& left,
                  float* map) {
    workers.run(cut.chunks(), [&](std::size_t chunk, int) {
        HWY_DYNAMIC_DISPATCH(projectOneChunk)
        (cut, image, left, chunk, map + chunk * left.rows * cut.stride);
    });
}

void dotProducts(ConstMatrix left, ConstMatrix right, Matrix result) {
    HWY_DYNAMIC_DISPATCH(dotMatrix)(left, right, result);
}

} // namespace tandem::kernels
#endif
