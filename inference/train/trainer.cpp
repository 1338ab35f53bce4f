#include "inference/train/trainer.h"

#include <cmath>
#include <utility>

namespace tandem::train {
namespace {

// Samples' arrays stacked along a first axis.
at::Tensor stacked(const std::vector<TrainingSample>& samples, std::vector<float> TrainingSample::*part,
                   at::IntArrayRef shape) {
    std::vector<at::Tensor> parts;
    for (const TrainingSample& s : samples) {
        const std::vector<float>& values = s.*part;
        parts.push_back(at::from_blob(const_cast<float*>(values.data()), shape, at::kFloat)); // stack copies
    }
    return at::stack(parts);
}

at::Tensor boxesOf(const std::vector<TrainingSample>& samples) {
    at::Tensor boxes = at::empty({static_cast<std::int64_t>(samples.size()), 4});
    auto out = boxes.accessor<float, 2>();
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const SliceBox& b = samples[i].box;
        const double values[] = {b.x0, b.y0, b.x1, b.y1};
        for (std::int64_t k = 0; k < 4; ++k)
            out[static_cast<std::int64_t>(i)][k] = static_cast<float>(values[k]);
    }
    return boxes;
}

} // namespace

Trainer::Trainer(net::NetworkConfig config, net::Weights start, const Recipe& recipe, TaskSource source)
    : config_(std::move(config)), weights_(std::move(start)), recipe_(recipe), source_(std::move(source)),
      optimiser_(weights_, config_, recipe), average_(weights_), random_(recipe.seed) {
    for (const net::WeightSpec& spec :
         net::layoutOf(config_)) // running statistics are moved in place: keep an own copy
        if (!spec.trainable() && weights_.contains(spec.key))
            weights_.at(spec.key) = weights_.at(spec.key).detach().clone();
}

Result<Trainer::Batch> Trainer::drawBatch() {
    Batch batch;
    const int size = config_.imageSize, maskSize = 4 * config_.grid();
    while (static_cast<std::int64_t>(batch.samples.size()) < recipe_.batch) {
        const auto task = source_.draw(random_);
        if (!task)
            return task.error();
        if (auto sample = makeSample(*task, recipe_, size, maskSize, random_))
            batch.samples.push_back(std::move(*sample));
    }
    batch.input = stacked(batch.samples, &TrainingSample::input, {3, size, size});
    batch.prior = stacked(batch.samples, &TrainingSample::prior, {1, maskSize, maskSize});
    batch.target = stacked(batch.samples, &TrainingSample::target, {1, maskSize, maskSize});
    batch.boxes = boxesOf(batch.samples);
    return batch;
}

at::Tensor Trainer::roundLoss(const net::Decoded& decoded, const at::Tensor& target) const {
    const net::Loss loss = net::diceBce(decoded.logits, target);
    const at::Tensor inside = (decoded.logits.detach() > 0), truth = target > 0.5;
    const at::Tensor both = at::logical_and(inside, truth).sum({2, 3}).to(at::kFloat);
    const at::Tensor any = at::logical_or(inside, truth).sum({2, 3}).to(at::kFloat);
    const at::Tensor miss = decoded.iou - both / any.clamp_min(1);
    return loss.total + recipe_.iouWeight * miss.square().mean();
}

// Appends one corrective click per sample (padding where nothing is wrong) and takes the logits as mask
// prompt.
void Trainer::addClicks(const Batch& batch, const at::Tensor& logits, net::PromptTensors& prompts) {
    const auto count = static_cast<std::int64_t>(batch.samples.size());
    const int maskSize = 4 * config_.grid();
    const auto cells = static_cast<std::size_t>(maskSize) * static_cast<std::size_t>(maskSize);
    const double cell = static_cast<double>(config_.imageSize) / maskSize;
    const at::Tensor flat = logits.detach().contiguous();
    at::Tensor at = at::zeros({count, 1, 2}), label = at::full({count, 1}, -1.0F);
    for (std::int64_t n = 0; n < count; ++n) {
        const float* first = flat.data_ptr<float>() + static_cast<std::size_t>(n) * cells;
        const auto click = correctiveClick({first, cells}, batch.samples[static_cast<std::size_t>(n)].target,
                                           maskSize, &random_);
        if (!click)
            continue;
        at[n][0][0] = (static_cast<double>(click->x) + 0.5) * cell - 0.5;
        at[n][0][1] = (static_cast<double>(click->y) + 0.5) * cell - 0.5;
        label[n][0] = click->foreground ? 1.0 : 0.0;
    }
    prompts.points = prompts.points.defined() ? at::cat({prompts.points, at}, 1) : at;
    prompts.labels = prompts.labels.defined() ? at::cat({prompts.labels, label}, 1) : label;
    prompts.mask = flat.clamp(-10, 10);
}

at::Tensor Trainer::lossOf(const Batch& batch) {
    net::Forward forward;
    forward.batchNorm = net::BatchNorm::BatchAndUpdate;
    forward.batchNormMomentum = recipe_.batchNormMomentum;
    const at::Tensor embedding = net::encode(weights_, config_, batch.input, forward);
    net::PromptTensors prompts;
    prompts.boxes = batch.boxes;
    prompts.mask = batch.prior;
    const int clicks =
        random_.chance(recipe_.clickShare) ? random_.integer(1, static_cast<int>(recipe_.mostClicks)) : 0;
    at::Tensor total;
    for (int round = 0; round <= clicks; ++round) {
        const net::PromptCodes codes = net::encodePrompts(weights_, config_, prompts);
        const net::Decoded decoded = net::decode(weights_, config_, embedding, codes, false);
        const at::Tensor loss = roundLoss(decoded, batch.target);
        total = total.defined() ? total + loss : loss;
        if (round < clicks)
            addClicks(batch, decoded.logits, prompts);
    }
    return total / (clicks + 1);
}

Result<double> Trainer::step() {
    const at::AutoGradMode gradients(true);
    const Result<Batch> batch = drawBatch();
    if (!batch)
        return batch.error();
    const at::Tensor loss = lossOf(*batch);
    const double value = loss.item<double>();
    if (!std::isfinite(value))
        return Error{ErrorCode::Internal,
                     "The training's loss is no longer a number; lower the learning rate."};
    loss.backward();
    optimiser_.step(learningRate());
    if (optimiser_.steps() % recipe_.emaEvery == 0)
        average_.follow(weights_, recipe_.emaDecay, recipe_.emaEvery, optimiser_.steps());
    return value;
}

} // namespace tandem::train
