#pragma once
// Private to inference/.

#include "inference/checkpoint/model.h"
#include "inference/engine/fast_network.h"
#include "inference/predict/accelerator.h"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace tandem::predict {

/// Thrown through a forward pass to end it; never leaves the predictor.
struct Stopped {};

/// A model's weights on the best device, without gradients. All tensors in and out are float32 on the CPU.
/// On the CPU the own kernels do the work where they were built. When an accelerator's memory ends, it is
/// given up for good and the CPU does the work. Throws what LibTorch throws. Thread: one.
class Engine {
public:
    /// On the given device, or on the CPU.
    /// @param arithmetic  of the network on the CPU
    Engine(checkpoint::Model, Arithmetic, std::optional<Accelerator>);

    /// Without the weights that were packed.
    const checkpoint::Model& model() const { return model_; }
    const net::NetworkConfig& config() const { return model_.config; }

    using Step = std::function<void(std::string_view part, double done)>;
    /// @param input  B, in_chans, S, S  @return B, C, g, g
    /// What `step` (between parts) or `pulse` (every few milliseconds on the own kernels) throws ends it.
    at::Tensor encode(const at::Tensor& input, const Step& step, const std::function<void()>& pulse);
    /// @param embedding  1, C, g, g
    net::Decoded decode(const at::Tensor& embedding, const net::PromptTensors&, bool multimask);

    /// Redraws a mask; on the CPU always. Only of a model with a refiner.
    at::Tensor refine(const net::RefinerTensors&) const;

    /// Whether an accelerator had to be given up: its memory did not suffice.
    bool gaveUp() const { return gaveUp_; }

private:
    void useCpu();
    void giveUp();
    void ownWeights();
    at::Tensor encodeThere(const at::Tensor& input, net::Forward);
    net::Decoded decodeThere(const at::Tensor& embedding, const net::PromptTensors&, bool multimask);
    template <class Work>
    auto withFallback(const Work& work);

    checkpoint::Model model_; ///< its weights stay those of the file while an accelerator works
    Arithmetic arithmetic_;
    std::optional<Accelerator> accelerator_;
    net::Weights there_; ///< on the accelerator
    struct {
        at::Tensor host, device;
    } latest_; ///< the embedding decoded last, on both sides
    bool gaveUp_ = false;
    std::unique_ptr<engine::FastNetwork> fast_; ///< on the CPU, if there is one
};

} // namespace tandem::predict
