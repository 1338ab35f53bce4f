#include "inference/predict/accelerator.h"

namespace tandem::predict {

std::optional<Accelerator> findAccelerator(Arithmetic arithmetic) {
    if (!at::hasCUDA())
        return std::nullopt;
    if (arithmetic == Arithmetic::Float32) // otherwise cuDNN convolves with 10 bits
        at::globalContext().setAllowTF32CuDNN(false);
    return Accelerator{at::kCUDA, arithmetic == Arithmetic::Float32 ? at::kFloat : at::kBFloat16};
}

net::Weights placed(const net::Weights& weights, const Accelerator& a) {
    net::Weights moved;
    for (const auto& [key, tensor] : weights) {
        const bool narrow = key.starts_with("image_encoder.") && key.find(".bn.") == std::string::npos &&
                            tensor.is_floating_point();
        moved.emplace(key, tensor.to(a.device, narrow ? a.encoder : tensor.scalar_type()));
    }
    return moved;
}

at::Tensor sent(const at::Tensor& t, at::Device device) {
    if (!t.defined() || !device.is_cuda())
        return t;
    return t.pin_memory().to(device, t.scalar_type(), /*non_blocking=*/true);
}

at::Tensor fetched(const at::Tensor& t) {
    const at::Tensor precise = t.to(at::kFloat);
    if (!t.is_cuda())
        return precise;
    return at::empty(precise.sizes(), at::TensorOptions(at::kFloat).pinned_memory(true)).copy_(precise);
}

} // namespace tandem::predict
