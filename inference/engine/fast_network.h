#pragma once
// Private to inference/: this header shows LibTorch's tensor.

#include "inference/arithmetic.h"
#include "inference/network/network.h"

#include <memory>

namespace tandem::engine {

/// net::encode and net::decode on the CPU, on the kernels of this processor: the same tensors in and out, in
/// float32 the same numbers to rounding; both may compute with bfloat16. Weights are packed when they
/// are first needed, a copy as large as the network (half as large for bfloat16). Thread: one caller at a
/// time.
class FastNetwork {
public:
    /// Null where the kernels were not built or do not know the configuration; then net:: does the work.
    /// @param weights  float32 on the CPU; shared handles, no copy
    /// @param threads  1 or more
    static std::unique_ptr<FastNetwork> create(const net::Weights& weights, const net::NetworkConfig&,
                                               int threads, Arithmetic = Arithmetic::Float32);
    ~FastNetwork();

    /// Packs everything now and lets the weights it was created from go.
    void packAll();

    /// What computes: "AVX-512", "AVX-512, AMX", "AVX2", ..., or "LibTorch" where there are no kernels.
    std::string cpuPath() const;
    /// The best rate of the packed product on so many threads, GFLOP/s; 0 where there are no kernels.
    static double gemmGflops(int threads, bool bfloat16 = false);
    /// Whether encoder and decoder compute with bfloat16.
    bool usesBfloat16() const;

    /// As net::encode; of `forward` only `step` and `pulse` count.
    at::Tensor encode(const at::Tensor& image, const net::Forward& forward = {});
    /// As net::decode; of `forward` only `step` counts (see FastDecoder).
    net::Decoded decode(const at::Tensor& embedding, const net::PromptCodes&, bool multimask,
                        const net::Forward& forward = {});

private:
    struct State;
    explicit FastNetwork(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

} // namespace tandem::engine
