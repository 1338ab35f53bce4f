#include "inference/kernels/two_way.h"

#include <algorithm>
#include <cstring>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/two_way.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/pixel_tiles-inl.h"
// clang-format on

#ifndef TANDEM_TWO_WAY_SHARED
#define TANDEM_TWO_WAY_SHARED
namespace tandem::kernels {

// What one chunk of pixels gives to the result of one prompt.
struct PoolPartial {
    std::size_t queries = 0, valueColumns = 0, terms = 0;
    std::size_t floats() const { return queries * (2 + valueColumns + terms); }
    float* maximum(float* p) const { return p; }
    float* sum(float* p) const { return p + queries; }
    Matrix values(float* p) const { return {p + 2 * queries, queries, valueColumns, valueColumns}; }
    Matrix means(float* p) const { return {p + queries * (2 + valueColumns), queries, terms, terms}; }
};
inline PoolPartial partialOf(const PoolPrompt& p) {
    return {p.queries.heads * p.queries.rows, p.queries.depth, p.image.used};
}

} // namespace tandem::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {

// Where a chunk of a map of `rows` rows lies.
HWY_INLINE std::size_t chunkAt(const PixelCut& cut, std::size_t chunk, std::size_t rows) {
    return chunk * rows * cut.stride;
}

// A tile of rows as the right side of a product.
struct RightTile {
    const float* data;
    std::size_t step;
};

// The terms of a tile for a matrix of these numbers; `words` has room for them.
HWY_INLINE RightTile rightOf(TileNumbers numbers, const float* terms, std::size_t stride, std::size_t rows,
                             float* words) {
    if (!numbers.half())
        return {terms, stride};
    packWords(numbers, terms, stride, rows, words);
    return {words, kTileWidth};
}

// One tile of logits, a row for each head and token: scale * (left . projected) + left . position +
// coefficients . terms. Where left is folded into `projected` its products are there. `words` has room for
// the terms of a tile.
HWY_INLINE void tileLogits(AmxTile& registers, const PixelCut& cut, const HeadPanels& left, bool folded,
                           const float* projected, const float* position, const LeftPanels& coefficients,
                           const float* terms, const float* scale, float* words, float* logits) {
    using namespace vm;
    if (!folded)
        headProducts(left, projected, cut.stride, logits, cut.stride, false);
    const float* products = folded ? projected : logits;
    for (std::size_t x = 0; x < kTileWidth; x += lanes) {
        const V s = hn::LoadU(d, scale + x);
        for (std::size_t q = 0; q < left.heads * left.rows; ++q)
            hn::StoreU(hn::Mul(hn::LoadU(d, products + q * cut.stride + x), s), d,
                       logits + q * cut.stride + x);
    }
    headProducts(left, position, cut.stride, logits, cut.stride, true);
    const RightTile right = rightOf(coefficients.numbers, terms, cut.stride, coefficients.depth, words);
    tileProduct(registers, coefficients, right.data, right.step, logits, cut.stride, true);
}

// Logits of `count` pixels to weights against their own maximum.
HWY_INLINE void rowSoftmax(float* row, std::size_t count, std::size_t padded, float& maximum, float& sum) {
    using namespace vm;
    for (std::size_t x = count; x < padded; ++x)
        row[x] = -1e30f;
    V top = hn::LoadU(d, row), total = hn::Zero(d);
    for (std::size_t x = lanes; x < padded; x += lanes)
        top = hn::Max(top, hn::LoadU(d, row + x));
    maximum = hn::GetLane(hn::MaxOfLanes(d, top));
    const V shift = set(maximum * log2E);
    for (std::size_t x = 0; x < padded; x += lanes) {
        const V weight = exp2Below(hn::MulSub(hn::LoadU(d, row + x), set(log2E), shift));
        hn::StoreU(weight, d, row + x);
        total = hn::Add(total, weight);
    }
    sum = hn::GetLane(hn::SumOfLanes(d, total));
}

std::size_t poolScratch(const PixelCut& cut, const PoolPass& pass, const PoolPrompt& p) {
    return cut.stride * (pass.keys->rows + pass.values->rows + 2 * p.queries.heads * p.queries.rows) +
           kTileWidth * p.coefficients.packedDepth();
}

// One chunk of one prompt; `projected` are the chunk's rows of keys, then of values.
HWY_INLINE void poolPrompt(AmxTile& registers, const PixelCut& cut, const PoolPass& pass, PoolPrompt& p,
                           std::size_t chunk, const float* projected, float* logits) {
    using namespace vm;
    const PoolPartial partial = partialOf(p);
    const std::size_t inner = p.queries.heads * p.queries.depth, tokens = p.queries.rows;
    const float* terms = p.image.terms + chunkAt(cut, chunk, p.image.capacity);
    const float* scale = p.image.scale + chunkAt(cut, chunk, 1);
    const float* position = pass.position + chunkAt(cut, chunk, inner);
    float* scaled = logits + partial.queries * cut.stride;
    float* words = scaled + partial.queries * cut.stride;
    for (std::size_t x = 0; x < cut.chunk; x += kTileWidth)
        tileLogits(registers, cut, p.queries, pass.folded, projected + x, position + x, p.coefficients,
                   terms + x, scale + x, words, logits + x);
    float* out = p.partials.data() + chunk * partial.floats();
    const std::size_t count = HWY_MIN(cut.chunk, cut.pixels - chunk * cut.chunk);
    for (std::size_t q = 0; q < partial.queries; ++q) {
        float* row = logits + q * cut.stride;
        rowSoftmax(row, count, cut.chunk, partial.maximum(out)[q], partial.sum(out)[q]);
        for (std::size_t x = 0; x < cut.chunk; x += lanes)
            hn::StoreU(hn::Mul(hn::LoadU(d, row + x), hn::LoadU(d, scale + x)), d,
                       scaled + q * cut.stride + x);
    }
    const auto rowsAt = [&](const float* data, std::size_t rows) {
        return ConstMatrix{data, rows, cut.chunk, cut.stride};
    };
    for (std::size_t h = 0; h < p.queries.heads; ++h)
        dots(rowsAt(scaled + h * tokens * cut.stride, tokens),
             rowsAt(projected + (pass.keys->rows + h * p.queries.depth) * cut.stride, p.queries.depth),
             partial.values(out).slice(h * tokens, tokens));
    dots(rowsAt(logits, partial.queries), rowsAt(terms, partial.terms), partial.means(out));
}

void poolChunk(const PixelCut& cut, const PoolPass& pass, std::span<PoolPrompt> prompts, std::size_t chunk,
               float* scratch) {
    float* values = scratch + pass.keys->rows * cut.stride;
    AmxTile registers;
    projectChunk(registers, cut, *pass.image, *pass.keys, chunk, scratch);
    projectChunk(registers, cut, *pass.image, *pass.values, chunk, values);
    for (PoolPrompt& p : prompts)
        poolPrompt(registers, cut, pass, p, chunk, scratch, values + pass.values->rows * cut.stride);
}

// out (+)= in * factor
HWY_INLINE void addScaled(const float* in, float factor, std::size_t n, bool first, float* out) {
    using namespace vm;
    const V f = set(factor);
    for (std::size_t i = 0; i < n; i += lanes) {
        const V before = first ? hn::Zero(d) : loadPart(out + i, n - i);
        storePart(hn::MulAdd(loadPart(in + i, n - i), f, before), out + i, n - i);
    }
}

// The chunks of one prompt joined in their order.
void joinChunks(PoolPrompt& p, std::size_t chunks) {
    const PoolPartial partial = partialOf(p);
    const auto at = [&](std::size_t k) { return p.partials.data() + k * partial.floats(); };
    for (std::size_t q = 0; q < partial.queries; ++q) {
        float top = partial.maximum(at(0))[q], total = 0;
        for (std::size_t k = 1; k < chunks; ++k)
            top = HWY_MAX(top, partial.maximum(at(k))[q]);
        const auto weight = [&](std::size_t k) {
            return hn::GetLane(vm::exp2Below(vm::set((partial.maximum(at(k))[q] - top) * vm::log2E)));
        };
        for (std::size_t k = 0; k < chunks; ++k)
            total += weight(k) * partial.sum(at(k))[q];
        for (std::size_t k = 0; k < chunks; ++k) {
            const float factor = weight(k) / total;
            addScaled(partial.values(at(k)).row(q), factor, partial.valueColumns, k == 0, p.values.row(q));
            addScaled(partial.means(at(k)).row(q), factor, partial.terms, k == 0, p.means.row(q));
        }
    }
}

// Softmax over the `tokens` rows of one head, pixel by pixel.
HWY_INLINE void tokenSoftmax(std::size_t tokens, std::size_t stride, float* rows) {
    using namespace vm;
    for (std::size_t x = 0; x < kTileWidth; x += lanes) {
        V top = hn::LoadU(d, rows + x), sum = hn::Zero(d);
        for (std::size_t t = 1; t < tokens; ++t)
            top = hn::Max(top, hn::LoadU(d, rows + t * stride + x));
        top = hn::Mul(top, set(log2E));
        for (std::size_t t = 0; t < tokens; ++t) {
            float* at = rows + t * stride + x;
            const V weight = exp2Below(hn::MulSub(hn::LoadU(d, at), set(log2E), top));
            hn::StoreU(weight, d, at);
            sum = hn::Add(sum, weight);
        }
        const V scale = hn::Div(set(1.f), sum);
        for (std::size_t t = 0; t < tokens; ++t) {
            float* at = rows + t * stride + x;
            hn::StoreU(hn::Mul(hn::LoadU(d, at), scale), d, at);
        }
    }
}

// What the terms' rows have in common with Y: a row for each term, times 2 scale / channels. `projected`: the
// pass's rows of crosses, then of constants.
HWY_INLINE void tileCrosses(const PixelCut& cut, const SpreadPass& pass, const SpreadPrompt& p,
                            const float* projected, const float* scale, float* crosses) {
    using namespace vm;
    const std::size_t layers = p.values.size(), perLayer = pass.crosses->rows / layers,
                      queries = p.keys.heads * p.keys.rows;
    for (std::size_t j = 0; j < layers; ++j) {
        const float* from = projected + j * perLayer * cut.stride;
        float* out = crosses + j * (queries + 1) * kTileWidth;
        std::memcpy(out, projected + (layers * perLayer + j) * cut.stride, kTileWidth * sizeof(float));
        if (!pass.folded)
            headProducts(p.values[j], from, cut.stride, out + kTileWidth, kTileWidth, false);
        for (std::size_t i = 0; i < queries && pass.folded; ++i)
            std::memcpy(out + (i + 1) * kTileWidth, from + i * cut.stride, kTileWidth * sizeof(float));
    }
    for (std::size_t x = 0; x < kTileWidth; x += lanes) {
        const V factor = hn::Mul(hn::LoadU(d, scale + x), set(2.f / static_cast<float>(pass.channels)));
        for (std::size_t e = 0; e < layers * (queries + 1); ++e) {
            float* at = crosses + e * kTileWidth + x;
            hn::StoreU(hn::Mul(hn::LoadU(d, at), factor), d, at);
        }
    }
}

// out += gram . terms, of which the part below the diagonal is nothing.
HWY_INLINE void addGram(AmxTile& registers, const LeftPanels& gram, const RightTile& terms, float* out) {
    for (std::size_t r = 0; r < gram.rows; r += panelRows(gram)) {
        const std::size_t first = gram.numbers.half() ? r / 2 : r;
        panelProduct(registers, gram, r, first, terms.data + first * terms.step, terms.step,
                     out + r * kTileWidth, kTileWidth, true);
    }
}

// Divides the terms and the scale of a tile by the deviation over the channels, and adds the constant term.
HWY_INLINE void normaliseTerms(const PixelCut& cut, const SpreadPass& pass, std::size_t count,
                               const float* products, const float* squares, float* terms, float* scale) {
    using namespace vm;
    for (std::size_t x = 0; x < kTileWidth; x += lanes) {
        const V before = hn::LoadU(d, scale + x);
        V variance = hn::Mul(hn::Mul(before, before), hn::LoadU(d, squares + x));
        for (std::size_t e = 0; e < count; ++e)
            variance = hn::MulAdd(hn::LoadU(d, terms + e * cut.stride + x),
                                  hn::LoadU(d, products + e * kTileWidth + x), variance);
        const V s = hn::Div(set(1.f), hn::Sqrt(hn::Add(hn::Max(variance, hn::Zero(d)), set(pass.eps))));
        for (std::size_t e = 0; e < count; ++e) {
            float* at = terms + e * cut.stride + x;
            hn::StoreU(hn::Mul(hn::LoadU(d, at), s), d, at);
        }
        hn::StoreU(set(1.f), d, terms + count * cut.stride + x);
        hn::StoreU(hn::Mul(before, s), d, scale + x);
    }
}

std::size_t spreadRows(const SpreadPass& pass) {
    return pass.queries->rows + pass.crosses->rows + pass.constants->rows;
}

std::size_t spreadScratch(const PixelCut& cut, const SpreadPass& pass, const SpreadPrompt& p) {
    return cut.stride * spreadRows(pass) +
           kTileWidth * (p.image.capacity + p.gram.numbers.depth(p.image.capacity));
}

HWY_INLINE void spreadPrompt(AmxTile& registers, const PixelCut& cut, const SpreadPass& pass,
                             const SpreadPrompt& p, std::size_t chunk, const float* projected,
                             float* products) {
    const std::size_t inner = p.keys.heads * p.keys.depth, tokens = p.keys.rows, used = p.image.used;
    const float* squares =
        pass.squares + chunkAt(cut, chunk, pass.squaresRows) + pass.squaresRow * cut.stride;
    const std::size_t count = used + p.keys.heads * tokens;
    float* words = products + kTileWidth * p.image.capacity;
    for (std::size_t x = 0; x < cut.chunk; x += kTileWidth) {
        float* terms = p.image.terms + chunkAt(cut, chunk, p.image.capacity) + x;
        float* scale = p.image.scale + chunkAt(cut, chunk, 1) + x;
        float* weights = terms + used * cut.stride;
        tileLogits(registers, cut, p.keys, pass.folded, projected + x,
                   pass.position + chunkAt(cut, chunk, inner) + x, p.coefficients, terms, scale, words,
                   weights);
        for (std::size_t h = 0; h < p.keys.heads; ++h)
            tokenSoftmax(tokens, cut.stride, weights + h * tokens * cut.stride);
        tileCrosses(cut, pass, p, projected + pass.queries->rows * cut.stride + x, scale, products);
        addGram(registers, p.gram, rightOf(p.gram.numbers, terms, cut.stride, count, words), products);
        normaliseTerms(cut, pass, count, products, squares + x, terms, scale);
    }
}

void spreadChunk(const PixelCut& cut, const SpreadPass& pass, std::span<SpreadPrompt> prompts,
                 std::size_t chunk, float* scratch) {
    AmxTile registers;
    float* rows = scratch;
    for (const LeftPanels* left : {pass.queries, pass.crosses, pass.constants}) {
        projectChunk(registers, cut, *pass.image, *left, chunk, rows);
        rows += left->rows * cut.stride;
    }
    for (const SpreadPrompt& p : prompts)
        spreadPrompt(registers, cut, pass, p, chunk, scratch, rows);
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(poolScratch);
HWY_EXPORT(poolChunk);
HWY_EXPORT(joinChunks);
HWY_EXPORT(spreadScratch);
HWY_EXPORT(spreadChunk);

void poolImage(Workers& workers, const PixelCut& cut, const PoolPass& pass, std::span<PoolPrompt> prompts) {
    std::size_t scratch = 0;
    for (PoolPrompt& p : prompts) {
        p.partials.reserve(cut.chunks() * partialOf(p).floats());
        scratch = std::max(scratch, HWY_DYNAMIC_DISPATCH(poolScratch)(cut, pass, p));
    }
    workers.run(cut.chunks(), [&](std::size_t chunk, int worker) {
        HWY_DYNAMIC_DISPATCH(poolChunk)(cut, pass, prompts, chunk, workers.scratch(worker, scratch));
    });
    workers.run(prompts.size(), [&](std::size_t i, int) {
        HWY_DYNAMIC_DISPATCH(joinChunks)(prompts[i], cut.chunks());
    });
}

void spreadTokens(Workers& workers, const PixelCut& cut, const SpreadPass& pass,
                  std::span<SpreadPrompt> prompts) {
    std::size_t scratch = 0;
    for (const SpreadPrompt& p : prompts)
        scratch = std::max(scratch, HWY_DYNAMIC_DISPATCH(spreadScratch)(cut, pass, p));
    workers.run(cut.chunks(), [&](std::size_t chunk, int worker) {
        HWY_DYNAMIC_DISPATCH(spreadChunk)(cut, pass, prompts, chunk, workers.scratch(worker, scratch));
    });
}

} // namespace tandem::kernels
#endif
