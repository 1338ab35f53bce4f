#pragma once
// Private to inference/: this header shows LibTorch's tensor.

#include "inference/network/network.h"

#include <memory>

namespace tandem::engine {

/// net::encode and net::decode for float32 on the CPU, on the kernels of this processor: the same tensors in
/// and out, the same numbers to rounding. Weights are packed when they are first needed, a copy as large as
/// the network. Thread: one caller at a time.
class FastNetwork {
public:
    /// Null where the kernels were not built or do not know the configuration; then net:: does the work.
    /// @param weights  float32 on the CPU; shared handles, no copy
    /// @param threads  1 or more
    static std::unique_ptr<FastNetwork> create(const net::Weights& weights, const net::NetworkConfig&,
                                               int threads);
    ~FastNetwork();

    /// "AVX-512", "AVX2", ..., or "LibTorch" where there are no kernels.
    static std::string cpuPath();
    /// The best rate of the packed product on so many threads, GFLOP/s; 0 where there are no kernels.
    static double gemmGflops(int threads);

    /// As net::encode; of `forward` only `step` and `pulse` count.
    at::Tensor encode(const at::Tensor& image, const net::Forward& forward = {});
    /// As net::decode.
    net::Decoded decode(const at::Tensor& embedding, const net::PromptCodes&, bool multimask);

private:
    struct State;
    explicit FastNetwork(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

} // namespace tandem::engine
