#include "inference/predict/engine.h"

#include <ATen/Parallel.h>

#include <string>

namespace tandem::predict {
namespace {

// LibTorch's threads wait for each other after every small layer, and spin meanwhile: beside a window that
// draws, on two cores, a refiner took up to a second with them and is hardly slower without.
class OneThread {
public:
    OneThread() { at::set_num_threads(1); }
    ~OneThread() { at::set_num_threads(before_); }
    OneThread(const OneThread&) = delete;
    OneThread& operator=(const OneThread&) = delete;

private:
    int before_ = at::get_num_threads();
};

bool isOutOfMemory(const std::exception& e) {
    return std::string(e.what()).find("out of memory") != std::string::npos;
}

} // namespace

Engine::Engine(checkpoint::Model model, Arithmetic arithmetic, std::optional<Accelerator> accelerator)
    : model_(std::move(model)), arithmetic_(arithmetic), accelerator_(accelerator) {
    const at::NoGradGuard noGradients;
    if (!accelerator_) {
        useCpu();
        return;
    }
    try {
        there_ = placed(model_.weights, *accelerator_);
    } catch (const std::exception&) { // too small or in use: the CPU serves as well
        giveUp();
    }
}

void Engine::giveUp() {
    gaveUp_ = true;
    accelerator_.reset();
    there_.clear();
    latest_ = {};
    useCpu();
}

void Engine::useCpu() {
    fast_ = engine::FastNetwork::create(model_.weights, model_.config, at::get_num_threads(), arithmetic_);
    if (fast_)
        fast_->packAll();
    ownWeights();
}

// The weights may refer to a mapped file: what is needed from now on is copied, what was packed is dropped.
void Engine::ownWeights() {
    net::Weights kept;
    for (const auto& [key, tensor] : model_.weights)
        if (!fast_ || key.starts_with("prompt_encoder.") || key.starts_with("refiner."))
            kept.emplace(key, tensor.clone());
    model_.weights = std::move(kept);
}

template <class Work>
auto Engine::withFallback(const Work& work) {
    const at::NoGradGuard noGradients;
    if (!accelerator_)
        return work();
    try {
        return work();
    } catch (const std::exception& e) {
        if (!isOutOfMemory(e))
            throw;
    }
    giveUp();
    return work();
}

at::Tensor Engine::encodeThere(const at::Tensor& input, net::Forward forward) {
    forward.fusedAttention = true;
    const at::Tensor image = sent(input, accelerator_->device).to(accelerator_->encoder);
    return fetched(net::encode(there_, model_.config, image, forward));
}

net::Decoded Engine::decodeThere(const at::Tensor& embedding, const net::PromptTensors& prompts,
                                 bool multimask) {
    const at::Device device = accelerator_->device;
    const net::PromptTensors promptsThere{sent(prompts.points, device), sent(prompts.labels, device),
                                          sent(prompts.boxes, device), sent(prompts.mask, device)};
    const net::PromptCodes codes = net::encodePrompts(there_, model_.config, promptsThere);
    if (!latest_.host.defined() || !latest_.host.is_same(embedding))
        latest_ = {embedding, sent(embedding, device)};
    const net::Decoded out = net::decode(there_, model_.config, latest_.device, codes, multimask);
    return {fetched(out.logits), fetched(out.iou)};
}

at::Tensor Engine::encode(const at::Tensor& input, const Step& step, const std::function<void()>& pulse) {
    net::Forward forward;
    forward.step = step;
    forward.pulse = pulse;
    return withFallback([&] {
        if (accelerator_)
            return encodeThere(input, forward);
        if (fast_)
            return fast_->encode(input, forward);
        return net::encode(model_.weights, model_.config, input, forward);
    });
}

net::Decoded Engine::decode(const at::Tensor& embedding, const net::PromptTensors& prompts, bool multimask) {
    return withFallback([&] {
        if (accelerator_)
            return decodeThere(embedding, prompts, multimask);
        const net::PromptCodes codes = net::encodePrompts(model_.weights, model_.config, prompts);
        if (fast_)
            return fast_->decode(embedding, codes, multimask);
        return net::decode(model_.weights, model_.config, embedding, codes, multimask);
    });
}

at::Tensor Engine::refine(const net::RefinerTensors& tensors) const {
    const at::NoGradGuard noGradients;
    const OneThread alone;
    return net::refine(model_.weights, model_.config, tensors);
}

} // namespace tandem::predict
