#include "inference/engine/decoder.h"

#include "inference/engine/decoder_parts.h"

#include <algorithm>

namespace tandem::engine {

using kernels::Activation;
using kernels::ConstMatrix;
using kernels::Matrix;
using kernels::PackedWeights;

namespace {

constexpr std::size_t kTogether = 16; // prompts decoded at once; each takes memory

// Decodes some prompts on one image. A matrix of tokens has the tokens of the first prompt, of the second
// ...; one of terms likewise.
template <class Parts>
class Decoding {
public:
    Decoding(Parts& parts, kernels::Workers& workers, const Hooks& hooks, std::size_t count,
             std::size_t tokens)
        : p_(parts), w_(workers), hooks_(hooks), count_(count), tokens_(tokens) {}

    // A new image: the embedding plus a dense code of C values, or of C planes.
    void setImage(std::span<const float> embedding, std::span<const float> dense) {
        embedding_ = embedding;
        dense_ = dense;
        p_.images.setImage(w_, p_.side, embedding, dense);
        step("image");
    }

    // @param used  the first tokens of each prompt, those that masks and scores are made of
    void run(std::span<const float> sparse, std::size_t used) {
        startTokens(sparse);
        p_.images.start(w_, p_.side, count_, tokens_);
        for (std::size_t i = 0; i < p_.layers.size(); ++i) {
            layer(p_.layers[i], i);
            record("decoder.layer" + std::to_string(i) + ".tokens", x_.slice(0, tokens_));
            if (hooks_.record)
                recordImage(i + 1);
        }
        attendToImage(p_.last, hooks_.record ? tokens_ : used);
        kernels::layerNorm(w_, x_, p_.lastNorm.view(), x_);
        record("decoder.tokens", x_.slice(0, tokens_));
    }

    // The masks [first, first + masks) of each prompt: 4g x 4g logits each.
    void masks(std::size_t first, std::size_t masks, std::span<float> logits) {
        const std::size_t channels = p_.hyper[0].layers.back().outputs();
        const Matrix hypers = p_.small[3].shaped(count_ * masks, channels);
        for (std::size_t m = 0; m < masks; ++m) {
            const std::vector<float> rows = p_.hyper[first + m].run(w_, tokenOfEach(1 + first + m));
            for (std::size_t b = 0; b < count_; ++b)
                std::copy_n(&rows[b * channels], channels, hypers.row(b * masks + m));
        }
        step("tokens");
        p_.images.masks(w_, p_.side, p_.up, hypers, logits);
        step("upscale");
    }

    // All scores of each prompt.
    std::vector<float> iou() { return p_.iou.run(w_, tokenOfEach(0)); }

private:
    void record(const std::string& name, ConstMatrix m) const {
        if (hooks_.record)
            hooks_.record(name, m);
    }
    void step(std::string_view part) const {
        if (hooks_.step)
            hooks_.step(part, 0);
    }

    Matrix ofPrompt(Matrix m, std::size_t b) const { return m.slice(b * tokens_, tokens_); }
    ConstMatrix tokenOfEach(std::size_t t) const {
        return {x_.row(t), count_, x_.columns, tokens_ * x_.stride};
    }

    void startTokens(std::span<const float> sparse) {
        const std::size_t width = p_.width(), own = p_.ownTokens.size() / width, given = tokens_ - own;
        own_ = p_.small[0].shaped(count_ * tokens_, width);
        x_ = p_.small[1].shaped(count_ * tokens_, width);
        coded_ = p_.small[2].shaped(count_ * tokens_, width);
        for (std::size_t i = 0; i < own_.rows; ++i) {
            const std::size_t b = i / tokens_, t = i % tokens_;
            const float* from = t < own ? &p_.ownTokens[t * width] : &sparse[(b * given + t - own) * width];
            std::copy_n(from, width, own_.row(i));
            std::copy_n(from, width, x_.row(i));
        }
    }

    // x + the tokens' own code.
    Matrix coded() {
        for (std::size_t t = 0; t < x_.rows; ++t)
            for (std::size_t c = 0; c < x_.columns; ++c)
                coded_.row(t)[c] = x_.row(t)[c] + own_.row(t)[c];
        return coded_;
    }

    Matrix apply(const Linear& l, ConstMatrix x, MapBuffer& to, Activation activation = Activation::None) {
        const Matrix y = to.shaped(x.rows, l.outputs());
        kernels::linear(w_, x, l.weights, {l.biasData(), activation, {}}, y);
        return y;
    }
    void attendToTokens(const SelfAttention& a, bool first) {
        const Matrix in = first ? x_ : coded(); // the first layer has no position code and no residual
        const Matrix q = apply(a.q, in, p_.small[3]), k = apply(a.k, in, p_.small[4]);
        const Matrix v = apply(a.v, x_, p_.small[5]), out = p_.values.shaped(x_.rows, a.q.outputs());
        for (std::size_t b = 0; b < count_; ++b)
            kernels::attention(w_, p_.heads(), a.q.outputs() / p_.heads(), ofPrompt(q, b), ofPrompt(k, b),
                               ofPrompt(v, b), ofPrompt(out, b), p_.scratch);
        kernels::linear(w_, out, a.out.weights,
                        {a.out.biasData(), Activation::None, first ? ConstMatrix{} : ConstMatrix(x_)}, x_);
    }

    // x += attention of the first `used` tokens of each prompt to its image.
    void attendToImage(const ImageAttention& a, std::size_t used) {
        const Matrix q = apply(a.q, coded(), p_.small[3]);
        const Matrix values = p_.values.shaped(q.rows, q.columns);
        step("tokens");
        p_.images.pool(w_, p_.side, a, q, used, values);
        step("to_image");
        kernels::linear(w_, values, a.out.weights, {a.out.biasData(), Activation::None, x_}, x_);
    }

    void layer(const DecoderLayer& l, std::size_t index) {
        attendToTokens(l.self, index == 0);
        kernels::layerNorm(w_, x_, l.norm1.view(), x_);
        attendToImage(l.toImage, tokens_);
        kernels::layerNorm(w_, x_, l.norm2.view(), x_);
        const Matrix hidden = apply(l.lin1, x_, p_.small[3], Activation::Relu);
        kernels::linear(w_, hidden, l.lin2.weights, {l.lin2.biasData(), Activation::None, x_}, x_);
        kernels::layerNorm(w_, x_, l.norm3.view(), x_);
        const Matrix k = apply(l.toToken.k, coded(), p_.small[3]);
        const Matrix v = apply(l.toToken.v, x_, p_.small[4]);
        step("tokens");
        p_.images.spread(w_, p_.side, l.toToken, index, k, v);
        step("to_token");
    }

    void recordImage(std::size_t layers) const {
        const std::vector<float> rows = p_.images.formed(p_.side, embedding_, dense_, layers);
        hooks_.record("decoder.layer" + std::to_string(layers - 1) + ".image",
                      {rows.data(), p_.pixels(), p_.width(), p_.width()});
    }

    Parts& p_;
    kernels::Workers& w_;
    const Hooks& hooks_;
    std::size_t count_, tokens_;
    std::span<const float> embedding_, dense_;
    Matrix own_, x_, coded_;
};

} // namespace

FastDecoder::FastDecoder(const net::NetworkConfig& c, const WeightSource& source, kernels::Numbers numbers)
    : parts_(std::make_unique<Parts>(c, source, numbers)) {}
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
    const std::size_t firstMask = masks > 1 ? 1 : 0, low = masks * 16 * p.pixels(),
                      own = p.ownTokens.size() / width;
    const bool oneEmbedding = embedding.size() == image, oneDense = prompts.dense.size() == width;
    const bool shared = oneEmbedding && oneDense;
    for (std::size_t n = 0, count = 0; n < prompts.count; n += count) {
        count = shared ? std::min(kTogether, prompts.count - n) : 1;
        Decoding decoding(p, workers, hooks, count, own + prompts.tokens);
        if (n == 0 || !shared)
            decoding.setImage(oneEmbedding ? embedding : embedding.subspan(n * image, image),
                              oneDense ? prompts.dense : prompts.dense.subspan(n * image, image));
        decoding.run(prompts.sparse.subspan(n * prompts.tokens * width, count * prompts.tokens * width),
                     1 + firstMask + masks);
        const std::vector<float> scores = decoding.iou();
        for (std::size_t b = 0; b < count; ++b)
            std::copy_n(&scores[b * scores.size() / count + firstMask], masks, &iou[(n + b) * masks]);
        decoding.masks(firstMask, masks, logits.subspan(n * low, count * low));
    }
}

} // namespace tandem::engine
