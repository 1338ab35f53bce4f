#pragma once
// Private to inference/engine/.

#include "inference/engine/decoder.h"
#include "inference/kernels/mask_head.h"
#include "inference/kernels/two_way.h"

#include <vector>

namespace tandem::engine {

/// Attention among the tokens.
struct SelfAttention {
    Linear q, k, v, out;
    SelfAttention(const Keys&, std::size_t width);
};

/// Attention of the tokens to the image, the image's projections folded into the tokens (see two_way.h). The
/// bias of the keys falls out of the softmax.
struct ImageAttention {
    Linear q, out;
    std::vector<kernels::PackedWeights> keys;   ///< for each head: q to K^T q / sqrt(d)
    std::vector<kernels::PackedWeights> values; ///< for each head: mean pixel to value
    std::vector<float> valueBias;
    ImageAttention(const Keys&, std::size_t width, std::size_t heads);
};

/// Attention of the image to the tokens, likewise.
struct TokenAttention {
    Linear k, v;
    std::vector<kernels::PackedWeights> queries; ///< for each head: k to Q^T k / sqrt(d)
    std::vector<float> queryBias;                ///< / sqrt(d)
    std::vector<kernels::PackedWeights> out;     ///< for each head: v to what a pixel gets
    std::vector<float> outBias;
    TokenAttention(const Keys&, std::size_t width, std::size_t heads);
};

struct DecoderLayer {
    SelfAttention self;
    ImageAttention toImage;
    TokenAttention toToken;
    Norm norm1, norm2, norm3, norm4;
    Linear lin1, lin2;
    DecoderLayer(const Keys&, const net::NetworkConfig&);
};

/// A chain of linear layers with ReLU between them.
struct ReluMlp {
    std::vector<Linear> layers;
    ReluMlp(const Keys&, std::size_t inputs, int count);
    /// One row in, one row out.
    std::vector<float> run(kernels::Workers&, std::span<const float> row) const;
};

/// The position code of the image grid (DB-SAM.md section 3): a row of C for each pixel.
std::vector<float> gridPositionCode(std::span<const float> gaussian, std::size_t grid);

struct FastDecoder::Parts {
    net::NetworkConfig config;
    std::vector<float> position;  ///< the grid's code, a row for each pixel
    std::vector<float> ownTokens; ///< IoU token, then the mask tokens
    std::vector<DecoderLayer> layers;
    ImageAttention last;
    Norm lastNorm, upNorm;
    std::vector<float> upBias1, upBias2;
    kernels::MaskHead up; ///< points into the three above
    std::vector<ReluMlp> hyper;
    ReluMlp iou;

    // Memory of one call, kept for the next: new memory costs a page fault for each page.
    MapBuffer embedded, keys, folded, pooled, values, small[6];
    kernels::FloatBuffer scratch;

    Parts(const net::NetworkConfig&, const WeightSource&);
    std::size_t grid() const { return static_cast<std::size_t>(config.grid()); }
    std::size_t pixels() const { return grid() * grid(); }
    std::size_t width() const { return static_cast<std::size_t>(config.outChans); }
    std::size_t heads() const { return static_cast<std::size_t>(config.decoder.numHeads); }
};

} // namespace tandem::engine
