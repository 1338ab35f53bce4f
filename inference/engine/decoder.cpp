#include "inference/engine/decoder.h"

#include "inference/engine/decoder_parts.h"

#include <algorithm>

namespace tandem::engine {

using kernels::Activation;
using kernels::ConstMatrix;
using kernels::Matrix;

namespace {

// Columns [first, first + count).
ConstMatrix columnsOf(Matrix m, std::size_t first, std::size_t count) {
    return {m.data + first, m.rows, count, m.stride};
}

// C planes to a row for each pixel.
void toRows(std::span<const float> planes, Matrix rows) {
    for (std::size_t c = 0; c < rows.columns; ++c)
        for (std::size_t p = 0; p < rows.rows; ++p)
            rows.row(p)[c] = planes[c * rows.rows + p];
}

// Where the 4x4 pixels of one grid cell lie among the rows after two doublings: (dy, dx) of the first, then
// the second.
std::size_t pixelOf(std::size_t row, std::size_t grid) {
    const std::size_t cell = row / 16, outer = row / 4 % 4, inner = row % 4;
    const std::size_t y = cell / grid * 4 + outer / 2 * 2 + inner / 2,
                      x = cell % grid * 4 + outer % 2 * 2 + inner % 2;
    return y * 4 * grid + x;
}

} // namespace

namespace {

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
        source_.resize(p_.pixels() * p_.width());
        const Matrix rows{source_.data(), p_.pixels(), p_.width(), p_.width()};
        toRows(embedding, rows);
        const bool constant = dense.size() == p_.width();
        for (std::size_t p = 0; p < rows.rows; ++p)
            for (std::size_t c = 0; c < rows.columns; ++c)
                rows.row(p)[c] += constant ? dense[c] : dense[c * rows.rows + p];
        firstProjected_ = false;
    }

    void run(std::span<const float> sparse) {
        startTokens(sparse);
        keys_ = p_.keys.shaped(p_.pixels(), p_.width());
        for (std::size_t i = 0; i < p_.layers.size(); ++i) {
            layer(p_.layers[i], i == 0);
            record("decoder.layer" + std::to_string(i) + ".tokens", x_);
            record("decoder.layer" + std::to_string(i) + ".image", keys_);
        }
        const Matrix image = project(p_.lastImage, p_.layers.empty());
        toImage(p_.last, image);
        kernels::layerNorm(w_, x_, p_.lastNorm.view(), x_);
        record("decoder.tokens", x_);
        upscale();
    }

    // Mask `m` of the prompt: 4g x 4g logits.
    void mask(std::size_t m, std::span<float> logits) {
        const std::vector<float> hyper = p_.hyper[m].run(w_, {x_.row(1 + m), p_.width()});
        const kernels::PackedWeights weights = kernels::packWeights(hyper.data(), 1, hyper.size());
        const Matrix out{p_.scratch.reserve(up_.rows), up_.rows, 1, 1};
        kernels::linear(w_, up_, weights, {}, out);
        const auto grid = static_cast<std::size_t>(p_.config.grid());
        for (std::size_t r = 0; r < up_.rows; ++r)
            logits[pixelOf(r, grid)] = out.data[r];
    }

    std::vector<float> iou() { return p_.iou.run(w_, {x_.row(0), p_.width()}); }

private:
    void record(const std::string& name, ConstMatrix m) const {
        if (hooks_.record)
            hooks_.record(name, m);
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

    Matrix apply(const Linear& l, ConstMatrix x, MapBuffer& to, Activation activation = Activation::None) {
        const Matrix y = to.shaped(x.rows, l.outputs());
        kernels::linear(w_, x, l.weights, {l.biasData(), activation, {}}, y);
        return y;
    }

    // Everything a layer asks of the image, in one product.
    Matrix project(const ImageSide& side, bool first) {
        const ConstMatrix constant{side.constant.data(), p_.pixels(), side.columns, side.columns};
        const Matrix to = (first ? p_.first : p_.projected).shaped(p_.pixels(), side.columns);
        if (!first || !firstProjected_) {
            const ConstMatrix source{source_.data(), p_.pixels(), p_.width(), p_.width()};
            kernels::linear(w_, first ? source : ConstMatrix(keys_), side.weights,
                            {nullptr, Activation::None, constant}, to);
            firstProjected_ = firstProjected_ || first;
        }
        return to;
    }

    void attend(const Heads& h, ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out) {
        kernels::attention(w_, p_.heads(), h.inner() / p_.heads(), q, k, v, out, p_.scratch);
    }

    void selfAttention(const DecoderLayer& l, bool first) {
        const Matrix in = first ? x_ : coded(); // the first layer has no position code and no residual
        const Matrix q = apply(l.self.q, in, p_.small[3]), k = apply(l.self.k, in, p_.small[4]);
        const Matrix v = apply(l.self.v, x_, p_.small[5]), out = p_.attended.shaped(tokens_, l.self.inner());
        attend(l.self, q, k, v, out);
        kernels::linear(w_, out, l.self.out.weights,
                        {l.self.out.biasData(), Activation::None, first ? ConstMatrix{} : ConstMatrix(x_)},
                        x_);
    }

    // x += attention of the tokens to the image; `image` holds its keys and values.
    void toImage(const Heads& h, Matrix image) {
        const Matrix q = apply(h.q, coded(), p_.small[3]), out = p_.attended.shaped(tokens_, h.inner());
        attend(h, q, columnsOf(image, 0, h.inner()), columnsOf(image, h.inner(), h.inner()), out);
        kernels::linear(w_, out, h.out.weights, {h.out.biasData(), Activation::None, x_}, x_);
    }

    void toToken(const Heads& h, Matrix image, bool first) {
        const Matrix k = apply(h.k, coded(), p_.small[3]), v = apply(h.v, x_, p_.small[4]);
        const Matrix out = p_.attended.shaped(p_.pixels(), h.inner());
        attend(h, columnsOf(image, image.columns - h.inner(), h.inner()), k, v, out);
        const ConstMatrix before =
            first ? ConstMatrix{source_.data(), p_.pixels(), p_.width(), p_.width()} : keys_;
        kernels::linear(w_, out, h.out.weights, {h.out.biasData(), Activation::None, before}, keys_);
    }

    void layer(const DecoderLayer& l, bool first) {
        selfAttention(l, first);
        kernels::layerNorm(w_, x_, l.norm1.view(), x_);
        const Matrix image = project(l.image, first);
        toImage(l.toImage, image);
        kernels::layerNorm(w_, x_, l.norm2.view(), x_);
        const Matrix hidden = apply(l.lin1, x_, p_.small[3], Activation::Relu);
        kernels::linear(w_, hidden, l.lin2.weights, {l.lin2.biasData(), Activation::None, x_}, x_);
        kernels::layerNorm(w_, x_, l.norm3.view(), x_);
        toToken(l.toToken, image, first);
        kernels::layerNorm(w_, keys_, l.norm4.view(), keys_);
    }

    // Two doublings; the rows of a cell stay together (see pixelOf).
    void upscale() {
        const std::size_t quarter = p_.width() / 4, eighth = p_.width() / 8, pixels = p_.pixels();
        const ConstMatrix keys =
            p_.layers.empty() ? ConstMatrix{source_.data(), pixels, p_.width(), p_.width()} : keys_;
        float* one = p_.upscaled1.shaped(4 * pixels, quarter).data;
        kernels::linear(w_, keys, p_.up1.weights, {p_.up1.biasData(), Activation::None, {}},
                        {one, pixels, 4 * quarter, 4 * quarter});
        const Matrix half{one, 4 * pixels, quarter, quarter};
        kernels::layerNorm(w_, half, p_.upNorm.view(), half);
        kernels::gelu(w_, half);
        float* two = p_.upscaled2.shaped(16 * pixels, eighth).data;
        kernels::linear(w_, half, p_.up2.weights, {p_.up2.biasData(), Activation::Gelu, {}},
                        {two, 4 * pixels, 4 * eighth, 4 * eighth});
        up_ = {two, 16 * pixels, eighth, eighth};
    }

    Parts& p_;
    kernels::Workers& w_;
    const Hooks& hooks_;
    std::size_t tokens_;
    Matrix own_, x_, coded_, keys_, up_;
    std::vector<float> source_; ///< embedding + dense code, a row for each pixel
    bool firstProjected_ = false;
};

} // namespace

FastDecoder::FastDecoder(const net::NetworkConfig& c, const WeightSource& source) {
    kernels::Workers workers(1);
    const Keys prompt(source, "prompt_encoder.pe_layer.");
    const auto position =
        gridPositionCode(prompt["positional_encoding_gaussian_matrix"], static_cast<std::size_t>(c.grid()));
    parts_ = std::make_unique<Parts>(c, source, workers, position);
}
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
        decoding.run(prompts.sparse.subspan(n * prompts.tokens * width, prompts.tokens * width));
        const std::vector<float> scores = decoding.iou();
        for (std::size_t m = 0; m < masks; ++m) {
            decoding.mask(firstMask + m, logits.subspan((n * masks + m) * low, low));
            iou[n * masks + m] = scores[firstMask + m];
        }
    }
    p.release();
    workers.releaseScratch();
}

} // namespace tandem::engine
