#pragma once
// Private to inference/.

#include "inference/arithmetic.h"
#include "inference/network/network.h"

#include <optional>

namespace tandem::predict {

/// A device that runs the network with LibTorch's operators instead of the CPU's own kernels. Prompts and
/// decoder are float32 there: they are little work, and coordinates need the digits.
struct Accelerator {
    at::Device device = at::kCPU;
    at::ScalarType encoder = at::kFloat; ///< what the image encoder computes with
};

/// The GPU, where LibTorch has one: bfloat16 unless float32 is asked for.
std::optional<Accelerator> findAccelerator(Arithmetic);

/// Weights on a device, the encoder's in its type (batch norm stays float32).
net::Weights placed(const net::Weights&, const Accelerator&);
/// A tensor of the CPU on a device, its type kept; through pinned memory, without waiting, where that is a
/// GPU. An undefined one stays so.
at::Tensor sent(const at::Tensor&, at::Device);
/// The way back, float32; waits for the device.
at::Tensor fetched(const at::Tensor&);

} // namespace tandem::predict
