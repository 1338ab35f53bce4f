#pragma once
// Private to inference/engine/.

#include "inference/engine/decoder.h"

#include <vector>

namespace tandem::engine {

/// Projections of queries, keys and values, and back.
struct Heads {
    Linear q, k, v, out;
    Heads(const Keys&, std::size_t width);
    std::size_t inner() const { return q.outputs(); }
};

/// What one layer (or the last attention) asks of the image: keys and values of the tokens' attention and, in
/// a layer, the queries of the image's own, side by side in one product. The position code's share is added
/// as a constant.
struct ImageSide {
    kernels::PackedWeights weights;
    std::vector<float> constant; ///< a row for each pixel
    std::size_t columns = 0;
    /// @param position  the position code, a row of `width` for each pixel
    /// @param queries   null: keys and values alone
    ImageSide(const Keys& keysAndValues, const Keys* queries, kernels::Workers&,
              kernels::ConstMatrix position);
};

struct DecoderLayer {
    Heads self, toImage, toToken;
    Norm norm1, norm2, norm3, norm4;
    Linear lin1, lin2;
    ImageSide image;
    DecoderLayer(const Keys&, const net::NetworkConfig&, kernels::Workers&, kernels::ConstMatrix position);
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
    std::vector<float> ownTokens; ///< IoU token, then the mask tokens
    std::vector<DecoderLayer> layers;
    Heads last;
    Norm lastNorm, upNorm;
    Linear up1, up2; ///< transposed convolutions as products: outputs are (dy, dx, channel)
    std::vector<ReluMlp> hyper;
    ReluMlp iou;

    // Memory of one call.
    MapBuffer keys, projected, first, attended, upscaled1, upscaled2, masks, small[6];
    kernels::FloatBuffer scratch;

    Parts(const net::NetworkConfig&, const WeightSource&, kernels::Workers&, std::span<const float> position);
    std::size_t pixels() const { return static_cast<std::size_t>(config.grid() * config.grid()); }
    std::size_t width() const { return static_cast<std::size_t>(config.outChans); }
    std::size_t heads() const { return static_cast<std::size_t>(config.decoder.numHeads); }
    void release();

    ImageSide lastImage;
};

} // namespace tandem::engine
