#pragma once
// Private to inference/engine/.

#include "inference/engine/decoder.h"
#include "inference/kernels/mask_head.h"
#include "inference/kernels/two_way.h"

#include <vector>

namespace tandem::engine {

/// Takes a row's mean off it.
void removeMean(std::span<float> row);

/// For each head its n rows of a matrix of heads * n rows turned, to fold a token's share of the head into
/// them.
using TurnedHeads = std::vector<kernels::PackedWeights>;

/// What the image's side of all layers needs, and how rows that act on a layer's image become rows on the
/// embedding (two_way.h).
struct ImageSide {
    std::size_t width = 0, heads = 0, grid = 0;
    kernels::Numbers numbers = kernels::Numbers::Float32;
    kernels::PixelCut cut;
    kernels::TiledImage position; ///< the code of the grid
    /// Of the norms of the image, a layer each.
    std::vector<std::vector<float>> gains, biases;
    float eps = 1e-5f;
    /// Of what a layer's attention to the tokens adds: its bias, and width x inner.
    std::vector<std::vector<float>> outBiases, outWeights;

    ImageSide(const Keys& decoder, std::span<const float> gaussian, const net::NetworkConfig&);
    float headScale(std::size_t inner) const;
    /// Rows that are multiplied with X(layer) of two_way.h, as rows that are multiplied with the image.
    std::vector<float> onImage(std::vector<float> rows, std::size_t layer) const;
    /// What layer j's attention to the tokens adds, as rows that are multiplied with the image to give their
    /// products with Y(layer) (SpreadPass::crosses).
    std::vector<float> crosses(std::size_t j, std::size_t layer) const;
    /// The same for its constant term.
    std::vector<float> constant(std::size_t j, std::size_t layer) const;
    /// Rows packed in the image's numbers.
    kernels::LeftPanels left(const std::vector<float>& rows) const;
    /// The rows' heads turned.
    TurnedHeads turned(const std::vector<float>& rows) const;
    /// The map of the rows times the position code.
    kernels::FloatBuffer onPosition(const std::vector<float>& rows) const;

private:
    std::vector<float> carried(std::vector<float> added, std::size_t j, std::size_t layer) const;
};

/// Attention among the tokens.
struct SelfAttention {
    Linear q, k, v, out;
    SelfAttention(const Keys&, std::size_t width);
};

/// Attention of the tokens to the image after `layer` layers. The bias of the keys falls out of the softmax.
struct ImageAttention {
    Linear q, out;
    kernels::PackedWeights keys, values; ///< keys / sqrt(d)
    std::vector<float> valueBias;
    kernels::LeftPanels imageKeys, imageValues; ///< on the image, as PoolPass has them
    TurnedHeads turnedKeys;
    kernels::FloatBuffer position; ///< of the keys
    ImageAttention(const Keys&, const ImageSide&, std::size_t layer);
};

/// Attention of the image to the tokens in a layer.
struct TokenAttention {
    Linear k, v;
    kernels::PackedWeights queries;                       ///< / sqrt(d)
    std::vector<float> queryBias;                         ///< / sqrt(d)
    TurnedHeads out;                                      ///< v to what a pixel gets
    kernels::LeftPanels imageQueries, crosses, constants; ///< as SpreadPass has them
    TurnedHeads turnedQueries;
    std::vector<TurnedHeads> turnedCrosses; ///< of each layer up to this one
    kernels::FloatBuffer position;          ///< of the queries
    TokenAttention(const Keys&, const ImageSide&, std::size_t layer);
};

struct DecoderLayer {
    SelfAttention self;
    ImageAttention toImage;
    TokenAttention toToken;
    Norm norm1, norm2, norm3;
    Linear lin1, lin2;
    DecoderLayer(const Keys&, const ImageSide&, const net::NetworkConfig&, std::size_t layer);
};

/// The upscaling, its first convolution on what prompts share and on what their terms stand for.
struct Upscaling {
    kernels::MaskHead head;
    kernels::PackedWeights terms;
    std::vector<float> firstBias;
    Upscaling(const Keys&, const ImageSide&);
    Upscaling(Upscaling&&) noexcept = default;
    Upscaling& operator=(Upscaling&&) noexcept = default;

private:
    Norm norm_;
    std::vector<float> secondBias_;
};

/// A chain of linear layers with ReLU between them.
struct ReluMlp {
    std::vector<Linear> layers;
    ReluMlp(const Keys&, std::size_t inputs, int count);
    /// A row out for each row in, one behind the other.
    std::vector<float> run(kernels::Workers&, kernels::ConstMatrix rows) const;
};

/// The position code of the image grid (DB-SAM.md section 3): C planes.
std::vector<float> gridPositionCode(std::span<const float> gaussian, std::size_t grid);

/// The image as each of some prompts sees it, and what tokens and images give to each other. A matrix of
/// tokens has the tokens of the first prompt, then those of the second, and so on. Memory is kept for the
/// next prompts. Thread: one caller at a time.
class PromptImages {
public:
    /// A new image for all prompts: the embedding plus a dense code of C values, or of C planes.
    void setImage(kernels::Workers&, const ImageSide&, std::span<const float> embedding,
                  std::span<const float> dense);
    /// `count` new prompts of `tokens` tokens on the image.
    void start(kernels::Workers&, const ImageSide&, std::size_t count, std::size_t tokens);
    /// What the image gives to the first `used` tokens of each prompt, heads side by side.
    /// @param values  result, as large as `queries`; nothing for other tokens
    void pool(kernels::Workers&, const ImageSide&, const ImageAttention&, kernels::Matrix queries,
              std::size_t used, kernels::Matrix values);
    /// What the tokens give to the image in a layer, and its norm.
    void spread(kernels::Workers&, const ImageSide&, const TokenAttention&, std::size_t layer,
                kernels::Matrix keys, kernels::Matrix values);
    /// @param hypers  for each prompt a row for each mask
    /// @param logits  prompts x masks x 4g x 4g
    void masks(kernels::Workers&, const ImageSide&, const Upscaling&, kernels::Matrix hypers,
               std::span<float> logits);
    /// The first prompt's image after so many layers, a row for each pixel. Slow: for comparisons.
    std::vector<float> formed(const ImageSide&, std::span<const float> embedding,
                              std::span<const float> dense, std::size_t layers) const;

private:
    /// Of one prompt.
    struct State {
        kernels::PromptImage image;
        kernels::FloatBuffer terms, scale;
        std::vector<kernels::HeadPanels> values; ///< of each layer
        MapBuffer rows;                          ///< the terms' rows and this layer's, their means taken off
        MapBuffer coefficients, gram, pooled, means;
    };
    void preparePool(const ImageSide&, std::size_t prompt, kernels::Matrix queries, kernels::Matrix keyRows);
    void finishPool(const ImageAttention&, std::size_t prompt, std::size_t used, kernels::Matrix valueRows,
                    kernels::Matrix values) const;
    kernels::Matrix coefficients(State&, std::size_t heads, kernels::Matrix tokens, kernels::Matrix rows);
    /// A row for each head and token of all prompts: the token's share of the head folded.
    static void fold(kernels::Workers&, const TurnedHeads&, kernels::Matrix tokens, kernels::Matrix rows);
    /// Whether folding the tokens into the image's rows leaves fewer of them.
    bool folds(const ImageSide&, kernels::Matrix tokens) const;
    const kernels::LeftPanels* keysOf(kernels::Workers&, const ImageSide&, const ImageAttention&,
                                      kernels::Matrix queries);
    kernels::SpreadPass spreadPass(kernels::Workers&, const ImageSide&, const TokenAttention&,
                                   std::size_t layer, kernels::Matrix keys);
    void prepareSpread(const ImageSide&, const TokenAttention&, std::size_t layer, std::size_t prompt,
                       kernels::Matrix keys, kernels::Matrix queryRows, kernels::Matrix values);
    void prepareGram(const ImageSide&, std::size_t layer, std::size_t prompt, kernels::Matrix folded,
                     kernels::Matrix next);
    /// The prompt's share of a matrix of tokens, or of terms.
    kernels::Matrix ofPrompt(kernels::Matrix m, std::size_t prompt) const {
        return m.slice(prompt * (m.rows / count_), m.rows / count_);
    }

    std::size_t count_ = 0, tokens_ = 0;
    kernels::TiledImage image_;
    kernels::FloatBuffer squares_;
    std::vector<State> states_;
    std::vector<kernels::PoolPrompt> pools_;
    std::vector<kernels::SpreadPrompt> spreads_;
    std::vector<kernels::MaskPrompt> masks_;
    std::vector<MapBuffer> valueMemory_; ///< of each layer
    std::vector<kernels::Matrix> values_;
    kernels::LeftPanels foldedRows_, foldedCrosses_;
    MapBuffer rowMemory_[2], projected_[2], folded_, foldMemory_;
    kernels::Matrix rows_; ///< of the terms of all prompts
};

struct FastDecoder::Parts {
    net::NetworkConfig config;
    ImageSide side;
    std::vector<float> ownTokens; ///< IoU token, then the mask tokens
    std::vector<DecoderLayer> layers;
    ImageAttention last;
    Norm lastNorm;
    Upscaling up;
    std::vector<ReluMlp> hyper;
    ReluMlp iou;

    // Memory of one call, kept for the next: new memory costs a page fault for each page.
    PromptImages images;
    MapBuffer values, small[6];
    kernels::FloatBuffer scratch;

    Parts(const net::NetworkConfig&, const WeightSource&, kernels::Numbers);
    std::size_t pixels() const { return side.cut.pixels; }
    std::size_t width() const { return static_cast<std::size_t>(config.outChans); }
    std::size_t heads() const { return static_cast<std::size_t>(config.decoder.numHeads); }
};

} // namespace tandem::engine
