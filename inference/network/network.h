#pragma once
// Private to inference/: this header shows LibTorch's tensor.

#include "inference/network/config.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tandem::net {

/// A state dict: tensors by published key. Tensors are shared handles; copying the map copies no numbers.
using Weights = std::unordered_map<std::string, at::Tensor>;

/// Sees intermediate tensors under the names of the goldens ("block.3", "cab.0", ...).
using Recorder = std::function<void(const std::string& name, const at::Tensor&)>;

/// Which statistics BatchNorm uses.
enum class BatchNorm {
    Running,       ///< those of the checkpoint (inference, frozen branch)
    Batch,         ///< those of this batch, running ones untouched
    BatchAndUpdate ///< those of this batch; the running tensors in the weights are moved in place
};

/// How a forward pass is run. The defaults are inference.
struct Forward {
    Recorder record;
    /// Called on the same thread after each named part ("patch_embed", "conv_branch", "block.3", "cab.0",
    /// "cross.0", "fusion", "neck") with the share of the work done, 0..1. What it throws ends the pass: that
    /// is how to cancel.
    std::function<void(std::string_view part, double done)> step;
    /// Called on the same thread every few milliseconds where the own kernels do the work, and never
    /// elsewhere. What it throws ends the pass, as with `step`.
    std::function<void()> pulse;
    BatchNorm batchNorm = BatchNorm::Running;
    double batchNormMomentum = 0.01;
    double attentionDropout = 0, ffnDropout = 0, dropPath = 0; ///< of the adapter, training only
    /// What the encoder's frozen beginning gave for this image (see encodeStem); the pass starts behind it.
    at::Tensor stem;
    /// Training only: what a ViT block computed on its way is dropped and computed again for its gradient.
    /// Costs a second pass through the blocks, and saves nearly all of their memory.
    bool recomputeBlocks = false;
    /// Attention with the published chain of operators, also where no gradient is asked for; the yardstick of
    /// the benchmark. Off: the same numbers (to rounding) with a bounded score matrix, written in place.
    bool publishedAttention = false;
    /// Attention with LibTorch's fused operator, relative positions folded into queries and keys: no score
    /// matrix where the device has a kernel for it (GPU).
    bool fusedAttention = false;
};

/// Encodes images.
/// @param image  B, in_chans, S, S, normalised and padded; any device and floating type the weights have
/// (those of batch norm may be float32 beside half-precision ones)
/// @return B, out_chans, g, g. Differentiable in weights and image under at::GradMode.
/// Throws c10::Error (a key that is missing: std::out_of_range); the rooms above turn that into an Error.
/// Thread: any.
at::Tensor encode(const Weights&, const NetworkConfig&, const at::Tensor& image, const Forward& = {});

/// How many ViT blocks stand before anything of the adapter is added to their result.
int stemBlocks(const NetworkConfig&);
/// Patches, position code and those blocks: B, g, g, D. It depends on the image and the ViT's weights alone,
/// so it can be computed once for an image while only the rest of the network is trained. Throws as encode.
at::Tensor encodeStem(const Weights&, const NetworkConfig&, const at::Tensor& image);

/// Prompts in ModelPx of the input frame (voxel centres; the half pixel is added here). Undefined tensors:
/// none.
struct PromptTensors {
    at::Tensor points; ///< B, N, 2 as x, y
    at::Tensor labels; ///< B, N: 1 foreground, 0 background, -1 padding
    at::Tensor boxes;  ///< B, 4 as x0, y0, x1, y1
    at::Tensor mask;   ///< B, 1, 4g, 4g logits
};
struct PromptCodes {
    at::Tensor sparse; ///< B, T, C
    at::Tensor dense;  ///< B, C, g, g
};
PromptCodes encodePrompts(const Weights&, const NetworkConfig&, const PromptTensors&);

/// The position code of the image grid: 1, C, g, g.
at::Tensor densePe(const Weights&, const NetworkConfig&);

struct Decoded {
    at::Tensor logits; ///< N, K, 4g, 4g
    at::Tensor iou;    ///< N, K
};
/// Decodes N prompts on one embedding (1, C, g, g: shared by all) or on N of them.
/// @param multimask  true: masks 1..K-1; false: mask 0 alone
Decoded decode(const Weights&, const NetworkConfig&, const at::Tensor& embedding, const PromptCodes&,
               bool multimask, const Recorder& = {});

/// What a refiner sees of objects: B, 1, c, c each.
struct RefinerTensors {
    at::Tensor grey, box; ///< see RefinerView
    at::Tensor start;     ///< logits for the box alone
    at::Tensor prior;     ///< logits that box and grey values alone suggest
    at::Tensor in, out;   ///< see RefinerClicks
    at::Tensor latest;    ///< the logits that the latest click was made on
    at::Tensor inBox;     ///< 1 inside the object's box, else 0
};
/// Redraws masks after a click. A U-shaped network of convolutions on a half of the grid and below; besides,
/// every cell is compared with those that clicks point at and with those that the latest mask takes for in
/// and out (the cosine of a learnt code with its mean over them), so that what a click says of a texture
/// holds wherever that texture is.
/// @return B, 1, c, c logits. Differentiable in weights and tensors under at::GradMode. Throws as encode.
at::Tensor refine(const Weights&, const NetworkConfig&, const RefinerTensors&, const Forward& = {});

/// SAM's way back: low-res logits -> S x S -> crop to the resized image -> the original size (bilinear).
at::Tensor postprocessSam(const NetworkConfig&, const at::Tensor& lowRes,
                          std::array<std::int64_t, 2> resizedHw, std::array<std::int64_t, 2> originalHw);
/// MedSAM's way back: probabilities, bilinear to the original size.
at::Tensor postprocessMedsam(const at::Tensor& lowRes, std::array<std::int64_t, 2> originalHw);

struct Loss {
    at::Tensor total, dice, crossEntropy;
};
/// Squared Dice + BCE with logits, mean over samples and channels; target in 0..1, same shape N, K, h, w.
/// @param crossEntropy  false: Dice alone, as MONAI's DiceCELoss did before 1.3 with one channel
Loss diceBce(const at::Tensor& logits, const at::Tensor& target, bool crossEntropy = true);

/// How a new network starts.
enum class Init {
    Published,   ///< adapter as in the DB-SAM repository; matrices of the rest as PyTorch's modules, biases 0
    XavierNormal ///< Linear layers Xavier normal (recipe of the small model), otherwise Published
};
/// Fresh float32 weights of a configuration, the same for the same seed on every machine (CPU generator).
Weights initialWeights(const NetworkConfig&, std::uint64_t seed, Init = Init::Published);
/// Weights with nothing at 0 or 1, for timing and tests: every path is exercised.
Weights randomWeights(const NetworkConfig&, std::uint64_t seed);

} // namespace tandem::net
