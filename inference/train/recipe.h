#pragma once

#include "core/files/json.h"
#include "core/result.h"
#include "inference/predict/focus.h"

#include <cstdint>
#include <string>

namespace tandem {

/// How a model is trained: the "recipe" object of a training configuration. Every number has its key of the
/// same name in the file; keys that are not known are refused, so that a misspelt one is noticed.
struct Recipe {
    std::uint64_t seed = 1;
    std::int64_t samples = 8000; ///< in all; the learning rate falls to 0 there
    std::int64_t batch = 8;
    std::int64_t threads = 1;

    double learningRate = 1e-3;
    double beta1 = 0.9, beta2 = 0.98;
    double weightDecay = 0.05; ///< matrices only
    double clipNorm = 1;
    std::int64_t warmupSteps = 200;
    double emaDecay = 0.997; ///< per step
    std::int64_t emaEvery = 4;
    double batchNormMomentum = 0.05;
    double iouWeight = 0.05;

    double sceneShare = 0.2;  ///< of all samples: synthetic scenes
    double regionShare = 0.3; ///< of all samples: superpixels of real images
    double unionShare = 0.15; ///< of labelled samples: several labels as one object
    double tightShare = 0.75; ///< boxes within a pixel or so of the object
    double handShare = 0.17;  ///< boxes off by a share of the picture's side; the rest by a share of the box
    double clickShare = 0.4;  ///< of steps: rounds of corrective clicks after the box
    std::int64_t mostClicks = 5;
    double invertShare = 0.15;

    std::int64_t saveEverySamples = 800; ///< state and last model
    FocusSettings focus;                 ///< written into the model
};

/// Reads a recipe. Error: InvalidArgument names the key that is unknown or whose value makes no sense.
Result<Recipe> recipeFromJson(const JsonValue&);
/// The "focus" object of a configuration, as predict::focusSettingsFrom reads it.
JsonValue focusToJson(const FocusSettings&);

} // namespace tandem
