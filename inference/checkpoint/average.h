#pragma once
// Private to inference/, as model.h.

#include "inference/checkpoint/model.h"

#include <filesystem>
#include <vector>

namespace tandem::checkpoint {

/// The mean of the weights of several models of one network, as of runs from the same start: usually better
/// than each of them. Configuration, card, counters and what not every model has (a refiner) are the first
/// one's. Source: Wortsman et al., Model soups, 2022.
/// @param shares  of each model, not negative, whatever their sum; empty: equal ones. A first model with the
///                share 0 gives only what the others lack.
/// Errors: as openModel; InvalidArgument (networks of other sizes, shares that do not fit).
Result<Model> averageModels(const std::vector<std::filesystem::path>&, std::vector<double> shares);

} // namespace tandem::checkpoint
