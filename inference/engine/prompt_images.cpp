#include "inference/engine/decoder_parts.h"

#include <algorithm>

namespace tandem::engine {

using kernels::ConstMatrix;
using kernels::Matrix;
using kernels::PackedWeights;

namespace {

// Columns [first, first + count).
Matrix columnsOf(Matrix m, std::size_t first, std::size_t count) {
    return {m.data + first, m.rows, count, m.stride};
}

Matrix product(kernels::Workers& workers, const PackedWeights& weights, ConstMatrix x, MapBuffer& to) {
    const Matrix y = to.shaped(x.rows, weights.outputs);
    kernels::linear(workers, x, weights, {}, y);
    return y;
}

} // namespace

void PromptImages::setImage(kernels::Workers& workers, const ImageSide& side,
                            std::span<const float> embedding, std::span<const float> dense) {
    std::vector<const float*> gains;
    for (const auto& g : side.gains)
        gains.push_back(g.data());
    const kernels::NormSquares norms{gains, squares_.reserve(side.cut.floats(gains.size()))};
    kernels::tileImage(workers, side.cut, embedding.data(), dense, side.width, side.numbers, image_, norms);
}

// Every prompt's image is X(0): scale 1, and a constant term of zeros that biases will be added to.
void PromptImages::start(kernels::Workers& workers, const ImageSide& side, std::size_t count,
                         std::size_t tokens) {
    count_ = count;
    tokens_ = tokens;
    states_.resize(std::max(states_.size(), count));
    pools_.resize(states_.size());
    spreads_.resize(states_.size());
    masks_.resize(states_.size());
    valueMemory_.resize(side.gains.size());
    values_.resize(side.gains.size());
    rows_ = rowMemory_[0].shaped(count, side.width);
    const kernels::PixelCut& cut = side.cut;
    workers.run(count, [&](std::size_t b, int) {
        State& s = states_[b];
        s.values.resize(side.gains.size());
        s.image.used = 1;
        s.image.capacity = 1 + side.gains.size() * (side.heads * tokens + 1);
        s.image.terms = s.terms.reserve(cut.floats(s.image.capacity));
        s.image.scale = s.scale.reserve(cut.floats(1));
        std::fill_n(s.image.scale, cut.floats(1), 1.f);
        for (std::size_t k = 0; k < cut.chunks(); ++k)
            std::fill_n(s.image.terms + k * s.image.capacity * cut.stride, cut.stride, 1.f);
        std::fill_n(rows_.row(b), side.width, 0.f);
    });
}

// A row for each head and token: the token's share of the head times the terms' rows, both projected.
Matrix PromptImages::coefficients(State& s, std::size_t heads, Matrix tokens, Matrix rows) {
    const std::size_t n = tokens.columns / heads;
    const Matrix out = s.coefficients.shaped(heads * tokens.rows, rows.rows);
    for (std::size_t h = 0; h < heads; ++h)
        kernels::dotProducts(columnsOf(tokens, h * n, n), columnsOf(rows, h * n, n),
                             out.slice(h * tokens.rows, tokens.rows));
    return out;
}

void PromptImages::preparePool(const ImageSide& side, std::size_t prompt, Matrix queries, Matrix keyRows) {
    State& s = states_[prompt];
    kernels::PoolPrompt& p = pools_[prompt];
    p.image = s.image;
    kernels::packHeads(queries, side.heads, p.queries);
    kernels::packLeft(coefficients(s, side.heads, queries, keyRows), p.coefficients, side.numbers);
    p.values = s.pooled.shaped(side.heads * queries.rows, queries.columns / side.heads);
    p.means = s.means.shaped(side.heads * queries.rows, s.image.used);
}

// Values of the common image and of the terms, and the bias.
void PromptImages::finishPool(const ImageAttention& a, std::size_t prompt, std::size_t used, Matrix valueRows,
                              Matrix values) const {
    const kernels::PoolPrompt& p = pools_[prompt];
    const std::size_t n = p.values.columns;
    for (std::size_t t = used; t < values.rows; ++t)
        std::fill_n(values.row(t), values.columns, 0.f);
    for (std::size_t i = 0; i < p.values.rows; ++i) {
        const std::size_t first = i / used * n;
        float* out = values.row(i % used) + first;
        for (std::size_t j = 0; j < n; ++j)
            out[j] = p.values.row(i)[j] + a.valueBias[first + j];
        for (std::size_t e = 0; e < p.means.columns; ++e)
            for (std::size_t j = 0; j < n; ++j)
                out[j] += p.means.row(i)[e] * valueRows.row(e)[first + j];
    }
}

void PromptImages::fold(kernels::Workers& workers, const TurnedHeads& heads, Matrix tokens, Matrix rows) {
    const std::size_t n = tokens.columns / heads.size();
    for (std::size_t h = 0; h < heads.size(); ++h)
        kernels::linear(workers, columnsOf(tokens, h * n, n), heads[h], {},
                        rows.slice(h * tokens.rows, tokens.rows));
}

bool PromptImages::folds(const ImageSide& side, Matrix tokens) const {
    return count_ == 1 && side.heads * tokens.rows < tokens.columns;
}

const kernels::LeftPanels* PromptImages::keysOf(kernels::Workers& workers, const ImageSide& side,
                                                const ImageAttention& a, Matrix queries) {
    if (!folds(side, queries))
        return &a.imageKeys;
    const Matrix rows = foldMemory_.shaped(side.heads * queries.rows, side.width);
    fold(workers, a.turnedKeys, queries, rows);
    kernels::packLeft(rows, foldedRows_, side.numbers);
    return &foldedRows_;
}

void PromptImages::pool(kernels::Workers& workers, const ImageSide& side, const ImageAttention& a,
                        Matrix queries, std::size_t used, Matrix values) {
    const Matrix keyRows = product(workers, a.keys, rows_, projected_[0]);
    const Matrix valueRows = product(workers, a.values, rows_, projected_[1]);
    workers.run(count_, [&](std::size_t b, int) {
        preparePool(side, b, ofPrompt(queries, b).slice(0, used), ofPrompt(keyRows, b));
    });
    const kernels::LeftPanels* keys = keysOf(workers, side, a, ofPrompt(queries, 0).slice(0, used));
    kernels::poolImage(workers, side.cut,
                       {&image_, keys, keys == &foldedRows_, &a.imageValues, a.position.data()},
                       std::span(pools_).first(count_));
    workers.run(count_, [&](std::size_t b, int) {
        finishPool(a, b, used, ofPrompt(valueRows, b), ofPrompt(values, b));
    });
}

// The terms' rows of a layer without their means, what they have in common, and the next layer's rows.
void PromptImages::prepareGram(const ImageSide& side, std::size_t layer, std::size_t prompt, Matrix folded,
                               Matrix next) {
    State& s = states_[prompt];
    const std::size_t width = side.width, used = s.image.used, height = kernels::registerTile().rows;
    const Matrix rows = s.rows.shaped(next.rows - 1, width), before = ofPrompt(rows_, prompt);
    for (std::size_t e = 0; e < rows.rows; ++e) {
        const std::size_t i = e - used; // head * tokens + token
        const float* from =
            e < used ? before.row(e) : folded.row((i / tokens_ * count_ + prompt) * tokens_ + i % tokens_);
        std::copy_n(from, width, rows.row(e));
        for (std::size_t c = 0; c < width && e + 1 == used; ++c)
            rows.row(e)[c] += side.outBiases[layer][c];
        removeMean({rows.row(e), width});
        for (std::size_t c = 0; c < width; ++c)
            next.row(e)[c] = rows.row(e)[c] * side.gains[layer][c];
    }
    std::copy_n(side.biases[layer].data(), width, next.row(rows.rows));
    const Matrix gram = s.gram.shaped(rows.rows, rows.rows);
    for (std::size_t e = 0; e < rows.rows; e += height) {
        const std::size_t count = std::min(height, rows.rows - e);
        kernels::dotProducts(rows.slice(e, count), rows.slice(e, rows.rows - e),
                             columnsOf(gram.slice(e, count), e, rows.rows - e));
    }
    for (std::size_t e = 0; e < rows.rows; ++e)
        for (std::size_t f = 0; f < rows.rows; ++f)
            gram.row(e)[f] = f < e ? 0.f : gram.row(e)[f] * (f > e ? 2.f : 1.f) / static_cast<float>(width);
    kernels::packLeft(gram, spreads_[prompt].gram, side.numbers);
}

void PromptImages::prepareSpread(const ImageSide& side, const TokenAttention& a, std::size_t layer,
                                 std::size_t prompt, Matrix keys, Matrix queryRows, Matrix values) {
    State& s = states_[prompt];
    kernels::SpreadPrompt& p = spreads_[prompt];
    const std::size_t n = keys.columns / side.heads, last = s.image.used - 1;
    const Matrix logits = coefficients(s, side.heads, keys, queryRows);
    for (std::size_t i = 0; i < logits.rows; ++i) { // the queries' bias rides on the constant term
        const std::size_t first = i / tokens_ * n;
        for (std::size_t j = first; j < first + n; ++j)
            logits.row(i)[last] += a.queryBias[j] * keys.row(i % tokens_)[j];
    }
    kernels::packLeft(logits, p.coefficients, side.numbers);
    kernels::packHeads(keys, side.heads, p.keys);
    kernels::packHeads(values, side.heads, s.values[layer]);
    p.image = s.image;
    p.values = std::span(s.values).first(layer + 1);
}

kernels::SpreadPass PromptImages::spreadPass(kernels::Workers& workers, const ImageSide& side,
                                             const TokenAttention& a, std::size_t layer, Matrix keys) {
    kernels::SpreadPass pass{&image_,           &a.imageQueries,   &a.crosses,      false,
                             &a.constants,      a.position.data(), squares_.data(), layer,
                             side.gains.size(), side.width,        side.eps};
    if (!folds(side, keys))
        return pass;
    const std::size_t queries = side.heads * tokens_;
    const Matrix rows = foldMemory_.shaped((layer + 2) * queries, side.width);
    fold(workers, a.turnedQueries, keys, rows.slice(0, queries));
    for (std::size_t j = 0; j <= layer; ++j)
        fold(workers, a.turnedCrosses[j], values_[j], rows.slice((j + 1) * queries, queries));
    kernels::packLeft(rows.slice(0, queries), foldedRows_, side.numbers);
    kernels::packLeft(rows.slice(queries, (layer + 1) * queries), foldedCrosses_, side.numbers);
    pass.queries = &foldedRows_;
    pass.crosses = &foldedCrosses_;
    pass.folded = true;
    return pass;
}

void PromptImages::spread(kernels::Workers& workers, const ImageSide& side, const TokenAttention& a,
                          std::size_t layer, Matrix keys, Matrix values) {
    const std::size_t used = states_[0].image.used + side.heads * tokens_ + 1;
    values_[layer] = valueMemory_[layer].shaped(values.rows, values.columns);
    for (std::size_t t = 0; t < values.rows; ++t)
        std::copy_n(values.row(t), values.columns, values_[layer].row(t));
    const Matrix queryRows = product(workers, a.queries, rows_, projected_[0]);
    const Matrix folded = folded_.shaped(side.heads * values.rows, side.width);
    fold(workers, a.out, values, folded);
    const Matrix next = rowMemory_[(layer + 1) % 2].shaped(count_ * used, side.width);
    workers.run(count_, [&](std::size_t b, int) {
        prepareSpread(side, a, layer, b, ofPrompt(keys, b), ofPrompt(queryRows, b), ofPrompt(values, b));
        prepareGram(side, layer, b, folded, ofPrompt(next, b));
    });
    kernels::spreadTokens(workers, side.cut, spreadPass(workers, side, a, layer, keys),
                          std::span(spreads_).first(count_));
    for (std::size_t b = 0; b < count_; ++b)
        states_[b].image.used = used;
    rows_ = next;
}

void PromptImages::masks(kernels::Workers& workers, const ImageSide& side, const Upscaling& up, Matrix hypers,
                         std::span<float> logits) {
    const Matrix given = product(workers, up.terms, rows_, projected_[0]);
    workers.run(count_, [&](std::size_t b, int) {
        const Matrix mine = ofPrompt(given, b);
        for (std::size_t i = 0; i < mine.columns; ++i) // the last term is the constant 1
            mine.row(mine.rows - 1)[i] += up.firstBias[i];
        kernels::MaskPrompt& p = masks_[b];
        p.image = states_[b].image;
        kernels::packLeftTransposed(mine, p.terms, side.numbers);
        p.hypers = ofPrompt(hypers, b);
        p.masks = &logits[b * (logits.size() / count_)];
    });
    kernels::upscaleMasks(workers, side.cut, up.head, image_, side.grid, std::span(masks_).first(count_));
}

std::vector<float> PromptImages::formed(const ImageSide& side, std::span<const float> embedding,
                                        std::span<const float> dense, std::size_t layers) const {
    const kernels::PixelCut& cut = side.cut;
    const std::size_t width = side.width;
    std::vector<float> out(cut.pixels * width);
    for (std::size_t p = 0; p < cut.pixels; ++p) {
        float* row = &out[p * width];
        for (std::size_t c = 0; c < width; ++c)
            row[c] = embedding[c * cut.pixels + p] +
                     (dense.size() == width ? dense[c] : dense[c * cut.pixels + p]);
        for (std::size_t i = 0; i < layers; ++i) {
            removeMean({row, width});
            for (std::size_t c = 0; c < width; ++c)
                row[c] *= side.gains[i][c];
        }
        const kernels::PromptImage& image = states_[0].image;
        const std::size_t chunk = p / cut.chunk, x = p % cut.chunk;
        for (std::size_t c = 0; c < width; ++c) {
            row[c] *= image.scale[chunk * cut.stride + x];
            for (std::size_t e = 0; e < image.used; ++e)
                row[c] += image.terms[(chunk * image.capacity + e) * cut.stride + x] * rows_.row(e)[c];
        }
    }
    return out;
}

} // namespace tandem::engine
