#include "inference/train/optimiser.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

namespace tandem::train {
namespace {

// Hidden layers that mix channels; neither the first layer nor filters that see one channel each.
bool isHidden(const net::WeightSpec& spec) {
    return spec.shape[1] > 1 && spec.key.find("patch_embed") == std::string::npos;
}

// count, rows, columns; norms at most 1
at::Tensor newtonSchulz(at::Tensor x) {
    for (int n = 0; n < 5; ++n) {
        const at::Tensor square = at::bmm(x, x.transpose(1, 2));
        x = at::baddbmm(x, at::baddbmm(square, square, square, -4.7750, 2.0315), x, 3.4445, 1);
    }
    return x;
}

} // namespace

at::Tensor orthogonalised(const at::Tensor& matrices, at::ScalarType numbers) {
    const bool tall = matrices.size(1) > matrices.size(2);
    at::Tensor x = tall ? matrices.transpose(1, 2) : matrices;
    x = (x / (x.flatten(1).norm(2, 1).view({-1, 1, 1}) + 1e-7)).to(numbers);
    if (numbers != at::kBFloat16 && x.is_cpu()) { // LibTorch's product of many is slower than many products
        std::vector<at::Tensor> factors;
        for (const at::Tensor& matrix : x.unbind())
            factors.push_back(newtonSchulz(matrix.unsqueeze(0)));
        x = at::cat(factors);
    } else {
        x = newtonSchulz(x);
    }
    x = x.to(matrices.scalar_type());
    return tall ? x.transpose(1, 2) : x;
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
    std::vector<at::Tensor> squares; // asked for at once: each number asked for waits for a GPU
    for (const Parameter& p : parameters_)
        if (p.value.grad().defined())
            squares.push_back(p.value.grad().square().sum());
    const double norm =
        squares.empty() ? 0 : std::sqrt(at::stack(squares).to(at::kDouble).sum().item<double>());
    const double scale = std::min(1.0, recipe_.clipNorm / (norm + 1e-6));
    ++steps_;
    for (Parameter& p : parameters_) {
        if (!p.value.grad().defined())
            continue;
        if (p.decays)
            p.value.mul_(1 - learningRate * recipe_.weightDecay);
        if (!p.muon)
            moveByAdam(p, p.value.grad() * scale, learningRate);
    }
    moveByMuon(scale, learningRate);
    for (Parameter& p : parameters_)
        p.value.mutable_grad().reset();
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

void Optimiser::moveByMuon(double scale, double learningRate) {
    constexpr double momentum = 0.95;
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Parameter*>> groups; // of one shape each
    for (Parameter& p : parameters_)
        if (p.muon && p.value.grad().defined())
            groups[{p.value.size(0), p.value.numel() / p.value.size(0)}].push_back(&p);
    for (const auto& [shape, group] : groups) {
        std::vector<at::Tensor> ahead;
        for (Parameter* p : group) {
            const at::Tensor g = p->value.grad() * scale;
            p->mean.mul_(momentum).add_(g);
            ahead.push_back(at::add(g, p->mean, momentum).flatten(1)); // Nesterov
        }
        const at::Tensor moves =
            orthogonalised(at::stack(ahead), recipe_.bfloat16 ? at::kBFloat16 : at::kFloat);
        const double side = static_cast<double>(std::max(shape.first, shape.second));
        for (std::size_t i = 0; i < group.size(); ++i)
            group[i]->value.add_(moves[static_cast<std::int64_t>(i)].reshape(group[i]->value.sizes()),
                                 -learningRate * 0.2 * std::sqrt(side));
    }
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
