#include "inference/predict/engine.h"

#include <ATen/Parallel.h>

#include <string>

namespace tandem::predict {
namespace {

void moveWeights(net::Weights& weights, at::Device device) {
    net::Weights moved;
    for (const auto& [key, tensor] : weights)
        moved.emplace(key, tensor.to(device));
    weights = std::move(moved); // all or none
}

at::Tensor onDevice(const at::Tensor& t, at::Device device) {
    return t.defined() ? t.to(device) : t;
}

bool isOutOfMemory(const std::exception& e) {
    return std::string(e.what()).find("out of memory") != std::string::npos;
}

} // namespace

Engine::Engine(checkpoint::Model model, Arithmetic arithmetic)
    : model_(std::move(model)), arithmetic_(arithmetic) {
    const at::NoGradGuard noGradients;
    if (!at::hasCUDA()) {
        moveToCpu();
        return;
    }
    try {
        moveWeights(model_.weights, at::kCUDA);
        device_ = at::kCUDA;
    } catch (const std::exception&) { // too small or in use: the CPU serves as well
        moveToCpu();
    }
}

void Engine::moveToCpu() {
    moveWeights(model_.weights, at::kCPU);
    device_ = at::kCPU;
    fast_ = engine::FastNetwork::create(model_.weights, model_.config, at::get_num_threads(), arithmetic_);
    if (fast_)
        fast_->packAll();
    ownWeights();
}

// The weights may refer to a mapped file: what is needed from now on is copied, what was packed is dropped.
void Engine::ownWeights() {
    net::Weights kept;
    for (const auto& [key, tensor] : model_.weights)
        if (!fast_ || key.starts_with("prompt_encoder."))
            kept.emplace(key, tensor.clone());
    model_.weights = std::move(kept);
}

template <class Work>
auto Engine::withFallback(const Work& work) {
    const at::NoGradGuard noGradients;
    if (!device_.is_cuda())
        return work();
    try {
        return work();
    } catch (const std::exception& e) {
        if (!isOutOfMemory(e))
            throw;
    }
    moveToCpu();
    return work();
}

at::Tensor Engine::encode(const at::Tensor& input, const Step& step, const std::function<void()>& pulse) {
    net::Forward forward;
    forward.step = step;
    forward.pulse = pulse;
    return withFallback([&] {
        if (fast_)
            return fast_->encode(input, forward);
        return net::encode(model_.weights, model_.config, onDevice(input, device_), forward).to(at::kCPU);
    });
}

net::Decoded Engine::decode(const at::Tensor& embedding, const net::PromptTensors& prompts, bool multimask) {
    return withFallback([&] {
        const net::PromptTensors there{onDevice(prompts.points, device_), onDevice(prompts.labels, device_),
                                       onDevice(prompts.boxes, device_), onDevice(prompts.mask, device_)};
        const net::PromptCodes codes = net::encodePrompts(model_.weights, model_.config, there);
        if (fast_)
            return fast_->decode(embedding, codes, multimask);
        const net::Decoded out =
            net::decode(model_.weights, model_.config, onDevice(embedding, device_), codes, multimask);
        return net::Decoded{out.logits.to(at::kCPU), out.iou.to(at::kCPU)};
    });
}

} // namespace tandem::predict
