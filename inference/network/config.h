#pragma once

#include "core/files/json.h"
#include "core/result.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::net {

/// The four image encoders; prompt encoder and mask decoder are the same in all.
enum class Variant {
    Sam,       ///< plain ViT: SAM and MedSAM
    Paper,     ///< DB-SAM as in the paper's figure
    TwoBranch, ///< DB-SAM, published TwoBranchImagePyramidAdapter + DANE
    FourBranch ///< DB-SAM, published FourBranchImagePyramidAdapter + MultiConvFeatsDANE
};
std::string_view variantName(Variant); ///< "sam", "paper", "two_branch", "four_branch"

/// How an image becomes the network's input.
enum class Preprocess { Sam, Medsam, Focus };
std::string_view preprocessName(Preprocess);

enum class CabPosition { Stage, Block, None };
enum class Fusion { Mask, Dane, MultiDane };

/// What stands beside the ViT in a dual encoder. Defaults are those of the published ViT-B models.
struct AdapterConfig {
    int numHeads = 12, nPoints = 4;
    double expandRatio = 4, lnEps = 1e-5, ln2dEps = 1e-6, bnEps = 1e-5;
    std::vector<std::array<int, 2>> interactionIndexes{
        {0, 2}, {3, 5}, {6, 8}, {9, 11}}; ///< first, last block
    std::vector<int> levels{1, 2, 3, 4};
    std::array<int, 3> convWidths{128, 256, 512};
    bool convLayerNorm = true;
    CabPosition cabPosition = CabPosition::Stage;
    bool cabBefore = true, cabGelu = true;
    double cabExpandRatio = 1, seRatio = 0.25;
    int seDivisor = 8;
    bool crossPreNorm = true, ffnMix = true, preNeckNorm = true;
    Fusion fusion = Fusion::Dane;
    int fusionReduction = 12, fusionNumConv = 5;
    double fusionExpandRatio = 4;

    int seHidden(int embedDim) const; ///< width inside the squeeze-and-excitation
    friend bool operator==(const AdapterConfig&, const AdapterConfig&) = default;
};

struct DecoderConfig {
    int depth = 2, numHeads = 8, mlpDim = 2048, attentionDownsampleRate = 2, numMultimaskOutputs = 3;
    int iouHeadDepth = 3, iouHeadHiddenDim = 256;
    int maskTokens() const { return numMultimaskOutputs + 1; }
    friend bool operator==(const DecoderConfig&, const DecoderConfig&) = default;
};

/// Maps that a refiner sees of an object.
inline constexpr int refinerChannels = 7;

/// Sizes of a refiner: a light U-shaped convolutional network that redraws a mask after each corrective
/// click.
struct RefinerConfig {
    int cells = 128;         ///< along a side of the square that it sees and draws, or twice as many
    double cropScale = 1.25; ///< that square's side, in units of the box's longer side
    std::array<int, 4> widths{32, 48, 64, 64}; ///< channels at a half, quarter, eighth and sixteenth of it
    int likeness = 8; ///< length of the code by which cells are compared with those that clicks point at
    int detail = 8;   ///< channels that come back to every cell
    int head = 16;    ///< channels of the last layer but one
    double bnEps = 1e-5;
    friend bool operator==(const RefinerConfig&, const RefinerConfig&) = default;
};

/// Every size of a network; names as in its JSON (snake_case there). Plain data.
struct NetworkConfig {
    Variant variant = Variant::Sam;
    int imageSize = 1024, patchSize = 16, inChans = 3;
    int embedDim = 768, depth = 12, numHeads = 12;
    double mlpRatio = 4;
    bool qkvBias = true, useAbsPos = true, useRelPos = true;
    std::optional<int> relPosGrid; ///< grid of the global blocks' relative tables; empty: grid()
    int windowSize = 14;           ///< 0: all blocks are global
    std::vector<int> globalAttnIndexes{2, 5, 8, 11};
    double vitLnEps = 1e-6;
    int outChans = 256, maskInChans = 16;
    DecoderConfig decoder;
    std::array<double, 3> pixelMean{123.675, 116.28, 103.53}, pixelStd{58.395, 57.12, 57.375};
    Preprocess preprocess = Preprocess::Sam;
    std::optional<AdapterConfig> adapter; ///< of every variant but sam
    std::optional<RefinerConfig> refiner; ///< of models with the focus convention that were trained for it

    int grid() const { return imageSize / patchSize; } ///< tokens along one side
    int headDim() const { return embedDim / numHeads; }
    int mlpDim() const { return static_cast<int>(embedDim * mlpRatio); }
    bool isGlobalBlock(int block) const;
    friend bool operator==(const NetworkConfig&, const NetworkConfig&) = default;
};

/// Reads a configuration; keys that are not known are left alone (a model's calibration, say).
/// Error: ModelInvalid naming the key that is missing, of the wrong kind or impossible. Pure.
Result<NetworkConfig> configFromJson(const JsonValue&);
/// All keys of a configuration, so that configFromJson gives it back.
JsonValue configToJson(const NetworkConfig&);

/// What a weight is; decides how it is initialised and whether an optimiser moves it.
enum class WeightKind {
    Weight, ///< of a linear layer or convolution
    Bias,
    NormGain,
    NormBias,
    RunningMean, ///< of a BatchNorm; moved by batches, not by the optimiser
    RunningVar,
    Counter,       ///< num_batches_tracked, int64
    Embedding,     ///< position code, token or embedding
    RelativeTable, ///< relative position table
    FixedCode,     ///< the random Fourier matrix; never trained
    OffsetWeight,  ///< of deformable attention's sampling_offsets
    OffsetBias,
    AttentionWeight, ///< of deformable attention's attention_weights
    AttentionBias
};

/// One entry of a state dict.
struct WeightSpec {
    std::string key;
    std::vector<std::int64_t> shape;
    WeightKind kind = WeightKind::Weight;
    bool trainable() const;
    std::int64_t count() const;
};

/// Every key of a configuration's state dict in checkpoint order (published names).
std::vector<WeightSpec> layoutOf(const NetworkConfig&);
/// How many parameters that is: running statistics, counters and the fixed code do not count.
std::int64_t parameterCount(const NetworkConfig&);

using ShapeList = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

/// Recognises variant and sizes from the keys and shapes of a state dict (after `module.` prefixes are gone).
/// Conventions where the shapes do not tell: 64 channels a head without relative tables, 8 decoder heads, 4
/// points, stages of equal length, the published channel attention. Error: ModelInvalid with what could not
/// be told.
Result<NetworkConfig> recogniseConfig(const ShapeList&);

} // namespace tandem::net
