#pragma once
// Private to inference/.

#include "inference/checkpoint/model.h"
#include "inference/engine/fast_network.h"

#include <functional>
#include <memory>
#include <string_view>

namespace tandem::predict {

/// Thrown through a forward pass to end it; never leaves the predictor.
struct Stopped {};

/// A model's weights on the best device, without gradients. All tensors in and out are float32 on the CPU.
/// On the CPU the own kernels do the work where they were built. When the GPU's memory ends, the weights move
/// to the CPU for good and the work is done there. Throws what LibTorch throws. Thread: one.
class Engine {
public:
    /// @param arithmetic  of the network on the CPU
    explicit Engine(checkpoint::Model, Arithmetic arithmetic = Arithmetic::Automatic);

    /// Without the weights that were packed.
    const checkpoint::Model& model() const { return model_; }
    const net::NetworkConfig& config() const { return model_.config; }

    using Step = std::function<void(std::string_view part, double done)>;
    /// @param input  B, in_chans, S, S  @return B, C, g, g
    /// What `step` (between parts) or `pulse` (every few milliseconds on the own kernels) throws ends it.
    at::Tensor encode(const at::Tensor& input, const Step& step, const std::function<void()>& pulse);
    /// @param embedding  1, C, g, g
    net::Decoded decode(const at::Tensor& embedding, const net::PromptTensors&, bool multimask);

private:
    void moveToCpu();
    void ownWeights();
    template <class Work>
    auto withFallback(const Work& work);

    checkpoint::Model model_;
    Arithmetic arithmetic_;
    at::Device device_ = at::kCPU;
    std::unique_ptr<engine::FastNetwork> fast_; ///< on the CPU, if there is one
};

} // namespace tandem::predict
