#include "inference/train/optimiser.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tandem::train {
namespace {

// Hidden layers that mix channels; neither the first layer nor filters that see one channel each.
bool isHidden(const net::WeightSpec& spec) {
    return spec.shape[1] > 1 && spec.key.find("patch_embed") == std::string::npos;
}

} // namespace

at::Tensor orthogonalised(const at::Tensor& matrix) {
    const bool tall = matrix.size(0) > matrix.size(1);
    at::Tensor x = tall ? matrix.t() : matrix;
    x = x / (x.norm() + 1e-7);
    for (int n = 0; n < 5; ++n) {
        const at::Tensor square = at::mm(x, x.t());
        x = at::addmm(x, at::addmm(square, square, square, -4.7750, 2.0315), x, 3.4445, 1);
    }
    return tall ? x.t() : x;
}

Optimiser::Optimiser(net::Weights& weights, const net::NetworkConfig& config, const Recipe& recipe)
    : recipe_(recipe) {
    for (const net::WeightSpec& spec : net::layoutOf(config)) {
        if (!spec.trainable() || isFrozen(spec.key, recipe))
            continue;
        at::Tensor& w = weights.at(spec.key);
        w = w.detach().clone().requires_grad_(true);
        const bool matrix = spec.shape.size() >= 2 && spec.kind != net::WeightKind::Embedding;
        parameters_.push_back({spec.key, w, at::zeros_like(w.detach()), at::zeros_like(w.detach()),
                               matrix || recipe.decayAll, recipe.muon && matrix && isHidden(spec)});
    }
}

double Optimiser::step(double learningRate) {
    const at::NoGradGuard noGradients;
    double squares = 0;
    for (const Parameter& p : parameters_)
        if (p.value.grad().defined())
            squares += p.value.grad().square().sum().item<double>();
    const double norm = std::sqrt(squares);
    const double scale = std::min(1.0, recipe_.clipNorm / (norm + 1e-6));
    ++steps_;
    for (Parameter& p : parameters_) {
        if (!p.value.grad().defined())
            continue;
        const at::Tensor g = p.value.grad() * scale;
        if (p.decays)
            p.value.mul_(1 - learningRate * recipe_.weightDecay);
        if (p.muon)
            moveByMuon(p, g, learningRate);
        else
            moveByAdam(p, g, learningRate);
        p.value.mutable_grad().reset();
    }
    return norm;
}

void Optimiser::moveByAdam(Parameter& p, const at::Tensor& g, double learningRate) const {
    const double meanCorrection = 1 - std::pow(recipe_.beta1, static_cast<double>(steps_));
    const double squareCorrection = 1 - std::pow(recipe_.beta2, static_cast<double>(steps_));
    p.mean.mul_(recipe_.beta1).add_(g, 1 - recipe_.beta1);
    p.square.mul_(recipe_.beta2).addcmul_(g, g, 1 - recipe_.beta2);
    const at::Tensor root = (p.square / squareCorrection).sqrt_().add_(1e-8);
    p.value.addcdiv_(p.mean, root, -learningRate / meanCorrection);
}

void Optimiser::moveByMuon(Parameter& p, const at::Tensor& g, double learningRate) const {
    constexpr double momentum = 0.95;
    p.mean.mul_(momentum).add_(g);
    const at::Tensor ahead = at::add(g, p.mean, momentum).flatten(1); // Nesterov
    const double side = static_cast<double>(std::max(ahead.size(0), ahead.size(1)));
    p.value.add_(orthogonalised(ahead).reshape(p.value.sizes()), -learningRate * 0.2 * std::sqrt(side));
}

double learningRateAt(std::int64_t step, const Recipe& r) {
    const double at = static_cast<double>(step);
    const double warm = static_cast<double>(r.warmupSteps);
    const double all = static_cast<double>(std::max<std::int64_t>(1, r.samples / r.batch));
    const bool polynomial = r.schedule == Schedule::Polynomial;
    if (at < warm)
        return polynomial ? r.learningRate / 2 : r.learningRate * (at + 1) / warm;
    const double share = std::clamp((at - warm) / std::max(1.0, all - warm), 0.0, 1.0);
    if (polynomial)
        return r.learningRate * std::pow(1 - share, 0.9);
    return r.learningRate * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

MovingAverage::MovingAverage(const net::Weights& weights, const Recipe& recipe) : recipe_(recipe) {
    for (const auto& [key, w] : weights)
        average_.emplace(key, w.detach().clone());
}

void MovingAverage::follow(const net::Weights& weights, double decay, std::int64_t steps,
                           std::int64_t stepsInAll) {
    const at::NoGradGuard noGradients;
    const double n = static_cast<double>(stepsInAll);
    const double keep = std::pow(std::min(decay, (1 + n) / (10 + n)), static_cast<double>(steps));
    for (auto& [key, average] : average_) {
        if (isFrozen(key, recipe_))
            continue;
        const at::Tensor now = weights.at(key).detach();
        if (average.is_floating_point())
            average.mul_(keep).add_(now, 1 - keep);
        else
            average.copy_(now);
    }
}

} // namespace tandem::train
