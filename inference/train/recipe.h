#pragma once

#include "core/files/json.h"
#include "core/result.h"
#include "inference/predict/focus.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// How the learning rate moves after its warm-up.
enum class Schedule {
    Cosine,    ///< linear warm-up, then a cosine to 0
    Polynomial ///< half the rate during warm-up, then (1 - t)^0.9, as DB-SAM was trained
};

/// How a model is trained: the "recipe" object of a training configuration. Every number has its key of the
/// same name in the file; keys that are not known are refused, so that a misspelt one is noticed.
struct Recipe {
    std::uint64_t seed = 1;
    std::int64_t samples = 8000; ///< in all; the learning rate falls to 0 there
    std::int64_t batch = 8;
    std::int64_t threads = 1;
    std::int64_t loaders = 1; ///< threads that make batches
    bool gpu = true;          ///< train on the GPU, where LibTorch has one

    bool muon = false; ///< Muon for the hidden layers' matrices, AdamW for the rest; else AdamW for all
    double learningRate = 1e-3;
    double beta1 = 0.9, beta2 = 0.98;
    double weightDecay = 0.05; ///< of matrices
    bool decayAll = false;     ///< of every weight, as DB-SAM was trained
    Schedule schedule = Schedule::Cosine;
    double clipNorm = 1;
    std::int64_t warmupSteps = 200;
    double emaDecay = 0.997; ///< per step
    std::int64_t emaEvery = 4;
    double batchNormMomentum = 0.05;
    double iouWeight = 0.05;
    double attentionDropout = 0, ffnDropout = 0, dropPath = 0; ///< of the adapter

    /// Parts that are not trained: "vit" (blocks), "patch_embed", "pos_embed", "adapter", "neck",
    /// "prompt_encoder", "mask_decoder", "refiner".
    std::vector<std::string> freeze;
    bool recomputeBlocks = false; ///< the ViT's blocks are computed twice instead of remembered
    std::int64_t stemCacheMb = 0; ///< memory for what the frozen beginning of the encoder gave for a slice
    bool bfloat16 = false; ///< products have bfloat16 factors, forward and backward; weights, their sums and
                           ///< the loss stay float32
    bool float16 = true;   ///< the model file's numbers

    double sceneShare = 0.2;  ///< of all samples: synthetic scenes
    double regionShare = 0.3; ///< of all samples: superpixels of real images
    double patternShare = 0;  ///< of all samples: objects of many parts, half of them synthetic
    /// Of the draws from packs: the first pack (a user's own, say), whatever its size; 0: packs count alike.
    double firstPackShare = 0;
    double unionShare = 0.15; ///< of labelled samples: several labels as one object
    double tightShare = 0.75; ///< boxes within a pixel or so of the object
    double handShare = 0.17;  ///< boxes off by a share of the picture's side; the rest by a share of the box
    double fineShare = 0;     ///< of batches: a refiner sees and draws twice as many cells along a side
    double clickShare = 0.4;  ///< of steps: rounds of corrective clicks after the box
    std::int64_t mostClicks = 5;
    double invertShare = 0.15;
    double bendShare = 0;    ///< patches bent by a smooth field of shifts
    double repaintShare = 0; ///< patches whose regions get new grey values; the object's outline stays
    double speckleShare = 0; ///< grain as of ultrasound
    double remapShare = 0;   ///< grey values changed by a smooth curve that need not be monotonous
    double boxShift = 19; ///< whole slices: edges move outward by 0 .. so many pixels of a 256-pixel picture

    std::int64_t saveEverySamples = 800; ///< state and last model
    std::vector<std::string> leaveOut;   ///< data sets that are not trained on, but scored
    /// Kept-out patients and data sets left out are scored every so many samples (0: never), on so many
    /// structures.
    std::int64_t validateEverySamples = 4000, validateItems = 48;
    FocusSettings focus; ///< written into the model
};

/// Whether a weight of that name (as in a checkpoint) is trained under a recipe's `freeze`.
bool isFrozen(std::string_view key, const Recipe&);

/// Whether a recipe leaves a data set out.
bool isLeftOut(std::string_view source, const Recipe&);

/// Reads a recipe. Error: InvalidArgument names the key that is unknown or whose value makes no sense.
Result<Recipe> recipeFromJson(const JsonValue&);
/// The "focus" object of a configuration, as predict::focusSettingsFrom reads it.
JsonValue focusToJson(const FocusSettings&);

} // namespace tandem
