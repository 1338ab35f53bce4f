#include "inference/network/mixed_precision.h"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace tandem::net {
namespace {

void castProducts(bool on, bool onGpu) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    const at::DeviceType device = onGpu ? at::kCUDA : at::kCPU;
    at::autocast::set_autocast_dtype(device, at::kBFloat16);
    at::autocast::set_autocast_enabled(device, on);
#else
    if (onGpu) {
        at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
        at::autocast::set_enabled(on);
    } else {
        at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
        at::autocast::set_cpu_enabled(on);
    }
#endif
}

} // namespace

bool MixedPrecision::inForce(bool onGpu) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    return at::autocast::is_autocast_enabled(onGpu ? at::kCUDA : at::kCPU);
#else
    return onGpu ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled();
#endif
}

MixedPrecision::MixedPrecision(bool on, bool onGpu) : on_(on), onGpu_(onGpu) {
    if (!on_)
        return;
    at::autocast::increment_nesting();
    castProducts(true, onGpu_);
}

MixedPrecision::~MixedPrecision() {
    if (!on_)
        return;
    castProducts(false, onGpu_);
    if (at::autocast::decrement_nesting() == 0)
        at::autocast::clear_cache(); // the weights as bfloat16: the next step's are others
}

} // namespace tandem::net
