#include "inference/engine/decoder.h"

#include "inference/engine/decoder_parts.h"

#include <algorithm>

namespace tandem::engine {

using kernels::Activation;
using kernels::ConstMatrix;
using kernels::Matrix;
using kernels::PackedWeights;

namespace {

// Columns [first, first + count).
Matrix columnsOf(Matrix m, std::size_t first, std::size_t count) {
    return {m.data + first, m.rows, count, m.stride};
}

// Every `heads`-th row from `head` on: m has a row for each token and head.
Matrix rowsOfHead(Matrix m, std::size_t head, std::size_t heads) {
    return {m.row(head), m.rows / heads, m.columns, heads * m.stride};
}

// Decodes one prompt after the other on one embedding.
template <class Parts>
class Decoding {
public:
    Decoding(Parts& parts, kernels::Workers& workers, const Hooks& hooks, std::size_t tokens)
        : p_(parts), w_(workers), hooks_(hooks), tokens_(tokens),
          own_(parts.small[0].shaped(tokens, parts.width())),
          x_(parts.small[1].shaped(tokens, parts.width())),
          coded_(parts.small[2].shaped(tokens, parts.width())) {}

    // A new image: the embedding plus a dense code of C values, or of C planes.
    void setImage(std::span<const float> embedding, std::span<const float> dense) {
        source_ = p_.embedded.shaped(p_.pixels(), p_.width());
        kernels::planesToRows(w_, embedding.data(), source_);
        const bool constant = dense.size() == p_.width();
        const Matrix code = p_.keys.shaped(p_.pixels(), p_.width()); // not in use yet
        if (!constant)
            kernels::planesToRows(w_, dense.data(), code);
        for (std::size_t p = 0; p < source_.rows; ++p) {
            const float* add = constant ? dense.data() : code.row(p);
            for (std::size_t c = 0; c < source_.columns; ++c)
                source_.row(p)[c] += add[c];
        }
        step("image");
    }

    // @param used  the first tokens, those that masks and scores are made of
    void run(std::span<const float> sparse, std::size_t used) {
        startTokens(sparse);
        keys_ = p_.layers.empty() ? source_ : p_.keys.shaped(p_.pixels(), p_.width());
        for (std::size_t i = 0; i < p_.layers.size(); ++i) {
            layer(p_.layers[i], i == 0);
            record("decoder.layer" + std::to_string(i) + ".tokens", x_);
            record("decoder.layer" + std::to_string(i) + ".image", keys_);
        }
        attendToImage(p_.last, keys_, hooks_.record ? tokens_ : used);
        kernels::layerNorm(w_, x_, p_.lastNorm.view(), x_);
        record("decoder.tokens", x_);
    }

    // The masks [first, first + count) of the prompt: 4g x 4g logits each.
    void masks(std::size_t first, std::size_t count, std::span<float> logits) {
        const std::size_t channels = p_.up.second.outputs / 4;
        const Matrix hypers = p_.small[3].shaped(count, channels);
        for (std::size_t m = 0; m < count; ++m) {
            const std::vector<float> hyper = p_.hyper[first + m].run(w_, {x_.row(1 + first + m), p_.width()});
            std::copy(hyper.begin(), hyper.end(), hypers.row(m));
        }
        step("tokens");
        kernels::upscaleMasks(w_, p_.up, p_.grid(), keys_, hypers, logits.data());
        step("upscale");
    }

    std::vector<float> iou() { return p_.iou.run(w_, {x_.row(0), p_.width()}); }

private:
    void record(const std::string& name, ConstMatrix m) const {
        if (hooks_.record)
            hooks_.record(name, m);
    }
    void step(std::string_view part) const {
        if (hooks_.step)
            hooks_.step(part, 0);
    }

    void startTokens(std::span<const float> sparse) {
        const std::size_t width = p_.width(), own = p_.ownTokens.size() / width;
        for (std::size_t t = 0; t < tokens_; ++t) {
            const float* from = t < own ? &p_.ownTokens[t * width] : &sparse[(t - own) * width];
            std::copy_n(from, width, own_.row(t));
            std::copy_n(from, width, x_.row(t));
        }
    }

    // x + the tokens' own code.
    Matrix coded() {
        for (std::size_t t = 0; t < tokens_; ++t)
            for (std::size_t c = 0; c < x_.columns; ++c)
                coded_.row(t)[c] = x_.row(t)[c] + own_.row(t)[c];
        return coded_;
    }

    ConstMatrix position() const { return {p_.position.data(), p_.pixels(), p_.width(), p_.width()}; }

    Matrix apply(const Linear& l, ConstMatrix x, MapBuffer& to, Activation activation = Activation::None) {
        const Matrix y = to.shaped(x.rows, l.outputs());
        kernels::linear(w_, x, l.weights, {l.biasData(), activation, {}}, y);
        return y;
    }

    // A vector of each token and head through that head's weights: a row for each token and head.
    Matrix fold(const std::vector<PackedWeights>& heads, Matrix tokens, MapBuffer& to) {
        const std::size_t n = heads[0].inputs;
        const Matrix out = to.shaped(tokens.rows * heads.size(), heads[0].outputs);
        for (std::size_t h = 0; h < heads.size(); ++h)
            kernels::linear(w_, columnsOf(tokens, h * n, n), heads[h], {}, rowsOfHead(out, h, heads.size()));
        return out;
    }

    void attendToTokens(const SelfAttention& a, bool first) {
        const Matrix in = first ? x_ : coded(); // the first layer has no position code and no residual
        const Matrix q = apply(a.q, in, p_.small[3]), k = apply(a.k, in, p_.small[4]);
        const Matrix v = apply(a.v, x_, p_.small[5]), out = p_.values.shaped(tokens_, a.q.outputs());
        kernels::attention(w_, p_.heads(), a.q.outputs() / p_.heads(), q, k, v, out, p_.scratch);
        kernels::linear(w_, out, a.out.weights,
                        {a.out.biasData(), Activation::None, first ? ConstMatrix{} : ConstMatrix(x_)}, x_);
    }

    // x += attention of the first `count` tokens to the image.
    void attendToImage(const ImageAttention& a, ConstMatrix image, std::size_t count) {
        const Matrix x = x_.slice(0, count), q = apply(a.q, coded().slice(0, count), p_.small[3]);
        const std::size_t heads = a.keys.size(), n = a.values[0].outputs;
        const Matrix queries = fold(a.keys, q, p_.folded);
        const Matrix means = p_.pooled.shaped(queries.rows, queries.columns);
        step("tokens");
        kernels::poolRows(w_, image, position(), queries, means, p_.scratch);
        step("to_image");
        const Matrix values = p_.values.shaped(count, heads * n);
        for (std::size_t h = 0; h < heads; ++h)
            kernels::linear(w_, rowsOfHead(means, h, heads), a.values[h],
                            {&a.valueBias[h * n], Activation::None, {}}, columnsOf(values, h * n, n));
        kernels::linear(w_, values, a.out.weights, {a.out.biasData(), Activation::None, x}, x);
    }

    // The image's attention to the tokens, its residual and norm.
    void giveToImage(const TokenAttention& a, const Norm& norm, ConstMatrix image) {
        const Matrix k = apply(a.k, coded(), p_.small[3]), v = apply(a.v, x_, p_.small[4]);
        const std::size_t heads = a.queries.size(), n = a.queries[0].inputs;
        kernels::TokenSide side;
        side.heads = heads;
        side.queries = fold(a.queries, k, p_.folded);
        side.values = fold(a.out, v, p_.pooled);
        std::vector<float> offset(tokens_ * heads, 0.f);
        for (std::size_t t = 0; t < tokens_; ++t)
            for (std::size_t i = 0; i < heads * n; ++i)
                offset[t * heads + i / n] += a.queryBias[i] * k.row(t)[i];
        side.offset = offset.data();
        side.bias = a.outBias.data();
        side.norm = norm.view();
        step("tokens");
        kernels::spreadTokens(w_, image, position(), side, keys_);
        step("to_token");
    }

    void layer(const DecoderLayer& l, bool first) {
        const Matrix image = first ? source_ : keys_;
        attendToTokens(l.self, first);
        kernels::layerNorm(w_, x_, l.norm1.view(), x_);
        attendToImage(l.toImage, image, tokens_);
        kernels::layerNorm(w_, x_, l.norm2.view(), x_);
        const Matrix hidden = apply(l.lin1, x_, p_.small[3], Activation::Relu);
        kernels::linear(w_, hidden, l.lin2.weights, {l.lin2.biasData(), Activation::None, x_}, x_);
        kernels::layerNorm(w_, x_, l.norm3.view(), x_);
        giveToImage(l.toToken, l.norm4, image);
    }

    Parts& p_;
    kernels::Workers& w_;
    const Hooks& hooks_;
    std::size_t tokens_;
    Matrix own_, x_, coded_;
    Matrix source_; ///< embedding + dense code, a row for each pixel
    Matrix keys_;   ///< the image as the layers change it
};

} // namespace

FastDecoder::FastDecoder(const net::NetworkConfig& c, const WeightSource& source)
    : parts_(std::make_unique<Parts>(c, source)) {}
FastDecoder::~FastDecoder() = default;
FastDecoder::FastDecoder(FastDecoder&&) noexcept = default;

std::size_t FastDecoder::maskCount(bool multimask) const {
    return multimask && parts_->hyper.size() > 1 ? parts_->hyper.size() - 1 : 1;
}

void FastDecoder::decode(kernels::Workers& workers, std::span<const float> embedding,
                         const EncodedPrompts& prompts, bool multimask, std::span<float> logits,
                         std::span<float> iou, const Hooks& hooks) {
    Parts& p = *parts_;
    const std::size_t width = p.width(), image = width * p.pixels(), masks = maskCount(multimask);
    const std::size_t firstMask = masks > 1 ? 1 : 0, low = 16 * p.pixels(), own = p.ownTokens.size() / width;
    const bool shared = embedding.size() == image && prompts.dense.size() == width;
    Decoding decoding(p, workers, hooks, own + prompts.tokens);
    for (std::size_t n = 0; n < prompts.count; ++n) {
        if (n == 0 || !shared)
            decoding.setImage(embedding.size() == image ? embedding : embedding.subspan(n * image, image),
                              prompts.dense.size() == width ? prompts.dense
                                                            : prompts.dense.subspan(n * image, image));
        decoding.run(prompts.sparse.subspan(n * prompts.tokens * width, prompts.tokens * width),
                     1 + firstMask + masks);
        const std::vector<float> scores = decoding.iou();
        std::copy_n(&scores[firstMask], masks, &iou[n * masks]);
        decoding.masks(firstMask, masks, logits.subspan(n * masks * low, masks * low));
    }
    workers.releaseScratch();
}

} // namespace tandem::engine
