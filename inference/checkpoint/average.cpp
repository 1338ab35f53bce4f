#include "inference/checkpoint/average.h"

#include <algorithm>
#include <numeric>

namespace tandem::checkpoint {
namespace {

// The sizes of what every model must have.
net::NetworkConfig withoutRefiner(net::NetworkConfig config) {
    config.refiner.reset();
    return config;
}

Result<std::vector<Model>> openAll(const std::vector<std::filesystem::path>& files) {
    std::vector<Model> models;
    for (const std::filesystem::path& file : files) {
        auto model = openModel(file);
        if (!model)
            return model.error();
        if (!models.empty() && !(withoutRefiner(model->config) == withoutRefiner(models.front().config)))
            return Error{ErrorCode::InvalidArgument, file.string() + " is a network of other sizes than " +
                                                         files.front().string() +
                                                         "; only runs of one network can be averaged."};
        models.push_back(std::move(*model));
    }
    return models;
}

bool soundShares(const std::vector<double>& shares, std::size_t models) {
    return shares.size() == models &&
           std::all_of(shares.begin(), shares.end(), [](double s) { return s >= 0 && s < 1e9; }) &&
           std::accumulate(shares.begin(), shares.end(), 0.0) > 0;
}

} // namespace

Result<Model> averageModels(const std::vector<std::filesystem::path>& files, std::vector<double> shares) {
    if (files.size() < 2)
        return Error{ErrorCode::InvalidArgument, "Name two models or more to average."};
    if (shares.empty())
        shares.assign(files.size(), 1.0);
    if (!soundShares(shares, files.size()))
        return Error{ErrorCode::InvalidArgument,
                     "Give one share, zero or more, for each model, and not zero for all of them."};
    auto models = openAll(files);
    if (!models)
        return models.error();
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    Model& mean = models->front();
    for (auto& [key, weight] : mean.weights) {
        const bool everywhere = std::all_of(models->begin(), models->end(), [&](const Model& m) {
            return m.weights.contains(key) && m.weights.at(key).sizes() == weight.sizes();
        });
        if (!everywhere || !weight.is_floating_point())
            continue;
        at::Tensor total = at::zeros_like(weight, at::kDouble);
        for (std::size_t i = 0; i < models->size(); ++i)
            total.add_((*models)[i].weights.at(key).to(at::kDouble), shares[i] / sum);
        weight = total.to(weight.scalar_type());
    }
    return std::move(mean);
}

} // namespace tandem::checkpoint
