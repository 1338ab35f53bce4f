#include "inference/train/trainer.h"

#include "inference/checkpoint/tensors.h"
#include "inference/network/mixed_precision.h"
#include "inference/train/refiner_loss.h"
#include "inference/train/slice_request.h"
#include "inference/train/whole_sample.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

namespace tandem::train {
namespace {

// Samples' arrays stacked along a first axis; in memory that a GPU reads by itself, if one will.
at::Tensor stacked(const std::vector<TrainingSample>& samples, std::vector<float> TrainingSample::*part,
                   std::vector<std::int64_t> shape, at::Device device) {
    shape.insert(shape.begin(), static_cast<std::int64_t>(samples.size()));
    const at::Tensor all = at::empty(shape, at::TensorOptions(at::kFloat).pinned_memory(device.is_cuda()));
    float* to = all.data_ptr<float>();
    for (const TrainingSample& s : samples)
        to = std::copy((s.*part).begin(), (s.*part).end(), to);
    return all;
}

net::Weights placedOn(at::Device device, const net::Weights& weights) {
    net::Weights placed;
    for (const auto& [key, w] : weights)
        placed.emplace(key, w.detach().to(device));
    return placed;
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

// @param forRefiner  whether a refiner is to be trained: else nothing is made for it
SampleSizes sizesOf(const net::NetworkConfig& c, bool forRefiner) {
    SampleSizes sizes{c.imageSize, 4 * c.grid()};
    if (c.refiner && forRefiner) {
        sizes.refinerCells = c.refiner->cells;
        sizes.refinerCropScale = c.refiner->cropScale;
    }
    return sizes;
}

// Whether a recipe trains a weight beyond the refiner's; or one of those.
bool trainsAny(const net::NetworkConfig& config, const Recipe& recipe, bool ofRefiner) {
    const std::vector<net::WeightSpec> layout = net::layoutOf(config);
    return std::any_of(layout.begin(), layout.end(), [&](const net::WeightSpec& s) {
        return s.key.starts_with("refiner.") == ofRefiner && s.trainable() && !isFrozen(s.key, recipe);
    });
}

// A model's logits on an image's own grid.
Result<std::vector<float>> logitsOf(predict::Predictor& model, const SliceImage& image, const SliceBox& box) {
    auto answers = model.predict(requestFor(image, {{box, {}}}), predict::Watch{});
    if (!answers)
        return answers.error();
    return std::move(answers->front().logits);
}

// What samples are made from; used by the loader's thread alone.
struct SampleMaker {
    net::NetworkConfig config;
    Recipe recipe;
    std::shared_ptr<const TaskSource> source;
    std::shared_ptr<predict::Predictor> teacher;
    bool forRefiner;

    Result<std::vector<TrainingSample>> samples(Random& random) const {
        std::vector<TrainingSample> samples;
        SampleSizes sizes = sizesOf(config, forRefiner);
        if (recipe.fineShare > 0 && random.chance(recipe.fineShare))
            sizes.refinerCells *= 2;
        while (static_cast<std::int64_t>(samples.size()) < recipe.batch) {
            const auto task = source->draw(random);
            if (!task)
                return task.error();
            auto sample = sampleOf(*task, sizes, random);
            if (!sample)
                return sample.error();
            if (*sample)
                samples.push_back(std::move(**sample));
        }
        return samples;
    }

private:
    Result<std::optional<TrainingSample>> sampleOf(const TrainingTask& task, const SampleSizes& sizes,
                                                   Random& random) const {
        std::optional<Error> problem;
        const Teacher ask = [&](const SliceImage& image, const SliceBox& box) {
            auto logits = logitsOf(*teacher, image, box);
            if (!logits)
                problem = logits.error();
            std::vector<float> answer = std::move(logits).value_or({});
            for (float& v : answer)
                v = 1 / (1 + std::exp(-v));
            return answer;
        };
        const Teacher asked = teacher ? ask : Teacher();
        auto sample = config.preprocess == net::Preprocess::Focus
                          ? makeSample(task, recipe, sizes, random, asked)
                          : makeWholeSample(task, recipe, config, random, asked);
        if (problem)
            return *problem;
        return sample;
    }
};

} // namespace

Trainer::Trainer(net::NetworkConfig config, net::Weights start, const Recipe& recipe, TaskSource source)
    : config_(std::move(config)), device_(recipe.gpu && at::hasCUDA() ? at::kCUDA : at::kCPU),
      weights_(placedOn(device_, start)), recipe_(recipe),
      source_(std::make_shared<const TaskSource>(std::move(source))), optimiser_(weights_, config_, recipe),
      average_(weights_, recipe), stems_(recipe.stemCacheMb << 20),
      trainsNetwork_(trainsAny(config_, recipe_, false)), trainsRefiner_(trainsAny(config_, recipe_, true)) {
    for (const net::WeightSpec& spec :
         net::layoutOf(config_)) // running statistics are moved in place: keep an own copy
        if (!spec.trainable() && weights_.contains(spec.key))
            weights_.at(spec.key) = weights_.at(spec.key).detach().clone();
}

void Trainer::learnFrom(checkpoint::Model teacher) {
    teacher_ = std::make_shared<predict::Predictor>(std::move(teacher), "teacher", 0);
}

net::Weights Trainer::averageWeights() const {
    return placedOn(at::kCPU, average_.weights());
}

Loader<Trainer::Batch>::Make Trainer::batchMaker() const {
    auto maker =
        std::make_shared<const SampleMaker>(SampleMaker{config_, recipe_, source_, teacher_, trainsRefiner_});
    return [maker, config = config_, device = device_](Random& random) -> Result<Batch> {
        if (maker->teacher)
            at::set_num_threads(1); // of this thread: the others are the network's
        auto samples = maker->samples(random);
        if (!samples)
            return samples.error();
        Batch batch;
        const std::int64_t size = config.imageSize, maskSize = 4 * config.grid();
        batch.input = stacked(*samples, &TrainingSample::input, {config.inChans, size, size}, device);
        if (config.preprocess == net::Preprocess::Focus)
            batch.prior = stacked(*samples, &TrainingSample::prior, {1, maskSize, maskSize}, device);
        batch.target = stacked(*samples, &TrainingSample::target, {1, maskSize, maskSize}, device);
        batch.boxes = boxesOf(*samples);
        for (TrainingSample& s : *samples)
            s.input = s.prior = {};
        batch.samples = std::move(*samples);
        return batch;
    };
}

Result<Trainer::Batch> Trainer::nextBatch() {
    const int threads = teacher_ ? 1 : static_cast<int>(recipe_.loaders); // a teacher is asked one at a time
    if (!loader_)
        loader_ = std::make_unique<Loader<Batch>>(batchMaker(), recipe_.seed, optimiser_.steps(), threads);
    Result<Batch> batch = loader_->next();
    if (!batch)
        return batch.error();
    for (at::Tensor* part : {&batch->input, &batch->prior, &batch->target, &batch->boxes})
        if (part->defined())
            *part = part->to(device_, /*non_blocking=*/true);
    batch->stem = stemOf(*batch);
    return batch;
}

// Image by image, so that a remembered one has the bits of a fresh one whatever batch it came in.
at::Tensor Trainer::stemOf(const Batch& batch) {
    for (const char* part : {"vit", "patch_embed", "pos_embed"})
        if (std::find(recipe_.freeze.begin(), recipe_.freeze.end(), part) == recipe_.freeze.end())
            return {};
    std::vector<at::Tensor> stems;
    for (std::size_t n = 0; n < batch.samples.size(); ++n)
        stems.push_back(stems_.of(batch.samples[n].imageKey,
                                  batch.input.narrow(0, static_cast<std::int64_t>(n), 1), weights_, config_));
    return at::cat(stems);
}

net::Forward Trainer::forwardOf(const Batch& batch) const {
    net::Forward forward;
    const bool adapterStands =
        std::find(recipe_.freeze.begin(), recipe_.freeze.end(), "adapter") != recipe_.freeze.end();
    forward.batchNorm = adapterStands ? net::BatchNorm::Running : net::BatchNorm::BatchAndUpdate;
    forward.batchNormMomentum = recipe_.batchNormMomentum;
    forward.attentionDropout = recipe_.attentionDropout;
    forward.ffnDropout = recipe_.ffnDropout;
    forward.dropPath = recipe_.dropPath;
    forward.recomputeBlocks = recipe_.recomputeBlocks;
    forward.stem = batch.stem;
    return forward;
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
void Trainer::addClicks(const Batch& batch, const at::Tensor& logits, net::PromptTensors& prompts,
                        const net::NetworkConfig& config, Random& random) {
    const auto count = static_cast<std::int64_t>(batch.samples.size());
    const int maskSize = 4 * config.grid();
    const auto cells = static_cast<std::size_t>(maskSize) * static_cast<std::size_t>(maskSize);
    const double cell = static_cast<double>(config.imageSize) / maskSize;
    const at::Tensor flat = logits.detach().cpu().contiguous();
    at::Tensor at = at::zeros({count, 1, 2}), label = at::full({count, 1}, -1.0F);
    for (std::int64_t n = 0; n < count; ++n) {
        const float* first = flat.data_ptr<float>() + static_cast<std::size_t>(n) * cells;
        const auto click = correctiveClick({first, cells}, batch.samples[static_cast<std::size_t>(n)].target,
                                           maskSize, &random);
        if (!click)
            continue;
        at[n][0][0] = (static_cast<double>(click->x) + 0.5) * cell - 0.5;
        at[n][0][1] = (static_cast<double>(click->y) + 0.5) * cell - 0.5;
        label[n][0] = click->foreground ? 1.0 : 0.0;
    }
    at = at.to(logits.device());
    label = label.to(logits.device());
    prompts.points = prompts.points.defined() ? at::cat({prompts.points, at}, 1) : at;
    prompts.labels = prompts.labels.defined() ? at::cat({prompts.labels, label}, 1) : label;
    prompts.mask = logits.detach().clamp(-10, 10);
}

at::Tensor Trainer::networkLoss(const Batch& batch, Random& random, at::Tensor& boxLogits) {
    const net::MixedPrecision mixed(recipe_.bfloat16, batch.input.is_cuda());
    const at::Tensor embedding = net::encode(weights_, config_, batch.input, forwardOf(batch));
    net::PromptTensors prompts;
    prompts.boxes = batch.boxes;
    prompts.mask = batch.prior;
    const bool asksMore = random.chance(recipe_.clickShare) && trainsNetwork_;
    const int clicks = asksMore ? random.integer(1, static_cast<int>(recipe_.mostClicks)) : 0;
    at::Tensor total;
    for (int round = 0; round <= clicks; ++round) {
        const net::PromptCodes codes = net::encodePrompts(weights_, config_, prompts);
        net::Decoded decoded = net::decode(weights_, config_, embedding, codes, false);
        decoded.logits = decoded.logits.to(at::kFloat);
        const at::Tensor loss = roundLoss(decoded, batch.target);
        total = total.defined() ? total + loss : loss;
        if (round == 0)
            boxLogits = decoded.logits.detach();
        if (round < clicks)
            addClicks(batch, decoded.logits, prompts, config_, random);
    }
    return total / (clicks + 1);
}

at::Tensor Trainer::lossOf(const Batch& batch) {
    Random random = randomOfStep(recipe_.seed, optimiser_.steps(), 1);
    if (recipe_.attentionDropout > 0 || recipe_.ffnDropout > 0 || recipe_.dropPath > 0)
        at::manual_seed(random.next()); // LibTorch's own generator is no part of the state
    at::Tensor boxLogits, loss;
    {
        const at::AutoGradMode gradients(trainsNetwork_);
        loss = networkLoss(batch, random, boxLogits);
    }
    if (!trainsRefiner_)
        return loss;
    net::Forward forward;
    forward.batchNorm = net::BatchNorm::BatchAndUpdate;
    forward.batchNormMomentum = recipe_.batchNormMomentum;
    const net::MixedPrecision mixed(recipe_.bfloat16, batch.input.is_cuda());
    const at::Tensor refined =
        refinerLoss(weights_, config_, batch.samples, boxLogits, batch.prior, forward, random);
    return trainsNetwork_ ? loss + refined : refined;
}

Result<double> Trainer::step() {
    const at::AutoGradMode gradients(true);
    auto begin = std::chrono::steady_clock::now();
    const auto lap = [&begin](double& seconds) {
        const auto now = std::chrono::steady_clock::now();
        seconds += std::chrono::duration<double>(now - begin).count();
        begin = now;
    };
    const Result<Batch> batch = nextBatch();
    if (!batch)
        return batch.error();
    lap(seconds_.wait);
    const at::Tensor loss = lossOf(*batch);
    const double value = loss.item<double>();
    if (!std::isfinite(value))
        return Error{ErrorCode::Internal,
                     "The training's loss is no longer a number; lower the learning rate."};
    if (!batchFolder_.empty())
        if (const auto kept = writeBatch(*batch, value); !kept)
            return kept.error();
    lap(seconds_.forward);
    loss.backward();
    lap(seconds_.backward);
    optimiser_.step(learningRate());
    lap(seconds_.optimiser);
    if (optimiser_.steps() % recipe_.emaEvery == 0)
        average_.follow(weights_, recipe_.emaDecay, recipe_.emaEvery, optimiser_.steps());
    lap(seconds_.average);
    return value;
}

Result<void> Trainer::writeBatch(const Batch& batch, double loss) const {
    std::vector<std::pair<const char*, at::Tensor>> tensors{
        {"input", batch.input.cpu()}, {"target", batch.target.cpu()}, {"boxes", batch.boxes.cpu()}};
    if (batch.prior.defined())
        tensors.emplace_back("prior", batch.prior.cpu());
    std::vector<TensorView> views;
    for (const auto& [name, tensor] : tensors) {
        auto view = checkpoint::viewOf(name, tensor);
        if (!view)
            return view.error();
        views.push_back(std::move(*view));
    }
    char name[48];
    std::snprintf(name, sizeof name, "batch-%06lld.safetensors", static_cast<long long>(optimiser_.steps()));
    return writeSafetensors(batchFolder_ / name, views,
                            {{"loss", writeJson(loss)}, {"learning_rate", writeJson(learningRate())}});
}

} // namespace tandem::train
