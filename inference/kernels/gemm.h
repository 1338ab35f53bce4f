#pragma once

#include "inference/kernels/buffer.h"
#include "inference/kernels/workers.h"

#include <cstddef>

/// Matrix products with weights that were packed once, in float32 with fused multiply-add. Every product of a
/// depth k has the rounding error of a plain loop in another order: |error| <= k 6e-8 sum |a||b|. With
/// weights packed as bfloat16 the inputs are rounded too (a part in 256 at most each); the sums stay float32.
namespace tandem::kernels {

/// How the factors of products are held.
enum class Numbers {
    Float32,
    Bfloat16 ///< only where hasBfloat16() (bfloat16.h)
};

/// A weight matrix (outputs x inputs, as linear layers store it) in the order in which the inner loop of this
/// processor's instruction set reads it. Made by packWeights; used on the machine that packed it.
struct PackedWeights {
    FloatBuffer panels; ///< of bfloat16: words of two inputs
    std::size_t outputs = 0, inputs = 0;
    std::size_t depthBlock = 0; ///< inputs are taken in blocks of this many; even for bfloat16
    std::size_t width = 0;      ///< outputs side by side in a panel; tells the instruction set
    Numbers numbers = Numbers::Float32;
    bool amx = false; ///< made for the tile registers (amx.h): each depth block is padded to kAmxWords words
};

/// @param weight      outputs rows of `inputs` floats
/// @param depthBlock  0: chosen; for convolutions a divisor of the channels
PackedWeights packWeights(const float* weight, std::size_t outputs, std::size_t inputs,
                          std::size_t depthBlock = 0, Numbers = Numbers::Float32);

/// Rows and columns of the register tile in use.
struct RegisterTile {
    std::size_t rows = 0, width = 0;
};
RegisterTile registerTile();

enum class Activation { None, Relu, Gelu };

/// What happens to a product before it is stored: c = activation(product + bias) + residual.
struct Epilogue {
    const float* bias = nullptr; ///< one for each output, or none
    Activation activation = Activation::None;
    ConstMatrix residual; ///< added row by row; no data: nothing. It may be the result itself, then without
                          ///< an activation.
};

/// LayerNorm over the columns of the left matrix, applied while it is read: (x - mean) / sqrt(var + eps) *
/// gain + bias, biased variance. Null: none.
struct RowNorm {
    const float* gain = nullptr;
    const float* bias = nullptr;
    float eps = 0;
};

/// result = epilogue(norm(left) * weights^T).
/// @param left    rows x weights.inputs
/// @param result  rows x weights.outputs; may be the residual, not `left`
void linear(Workers&, ConstMatrix left, const PackedWeights&, const Epilogue&, Matrix result,
            const RowNorm* norm = nullptr);

/// The same with a result in bfloat16, without a residual: half the memory traffic where another product
/// reads it, which rounds its inputs anyway. Only for weights with `amx`. GELU is that of the precision of
/// bfloat16: |error| < 1.1e-4 max(1, |x|) before rounding.
void linear(Workers&, ConstMatrix left, const PackedWeights&, const Epilogue&, const HalfMatrix& result,
            const RowNorm* norm = nullptr);
/// And with a left matrix in bfloat16; only for weights with `amx`.
void linear(Workers&, const HalfMatrix& left, const PackedWeights&, const Epilogue&, Matrix result);

/// out = norm(in), row by row. |error| <= 1e-6 of the row's largest result. `out` may be `in`.
void layerNorm(Workers&, ConstMatrix in, const RowNorm&, Matrix out);

/// A square convolution over a map of height x width pixels, each one row of `channels` floats; zero padded.
struct Convolution {
    std::size_t height = 0, width = 0, channels = 0;
    std::size_t kernel = 3, stride = 1, padding = 1;
    std::size_t outHeight() const { return (height + 2 * padding - kernel) / stride + 1; }
    std::size_t outWidth() const { return (width + 2 * padding - kernel) / stride + 1; }
};

/// Weights (outputs, channels, kernel, kernel), as a state dict has them, for convolve.
/// @param scale    multiplies each output's weights (a folded BatchNorm), or null
/// @param numbers  an odd number of channels stays float32
PackedWeights packConvolution(const float* weight, std::size_t outputs, std::size_t channels,
                              std::size_t kernel, const float* scale = nullptr,
                              Numbers numbers = Numbers::Float32);

/// @param image   height * width rows of `channels` floats
/// @param result  outHeight * outWidth rows of weights.outputs floats
void convolve(Workers&, const Convolution&, ConstMatrix image, const PackedWeights&, const Epilogue&,
              Matrix result);

/// The best rate of linear() seen in a few runs of a 1024 x 768 x 3072 product (with results of both kinds
/// where there are two), in 10^9 multiplications and additions a second: the roof that everything here is
/// held against.
double measureGemmGflops(Workers&, Numbers = Numbers::Float32);

} // namespace tandem::kernels
