#pragma once
// Private to inference/.

#include "core/files/json.h"
#include "inference/network/network.h"
#include "inference/train/recipe.h"

#include <filesystem>
#include <string>

namespace tandem::train {

/// A training configuration as read.
struct Plan {
    JsonValue network; ///< with focus settings and prompts, as it goes into the model
    net::NetworkConfig config;
    Recipe recipe;
    std::string card;
};

/// A configuration without "network" takes that of the model to start from, with its calibration and card.
/// Errors: readFile's, checkpoint::openModel's, InvalidArgument and ModelInvalid naming the file and what is
/// wrong.
Result<Plan> readPlan(const std::filesystem::path& file, const std::filesystem::path& startFrom);

/// The weights that a run starts from: those of a model file of the same network (a plain SAM or MedSAM gives
/// all but the adapter, which starts anew), or fresh ones for an empty path. Errors: checkpoint::openModel's;
/// ModelInvalid.
Result<net::Weights> startWeights(const Plan&, const std::filesystem::path& from);

} // namespace tandem::train
