#include "inference/bench/machine.h"

#include "inference/process.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <fstream>

namespace tandem::bench {
namespace {

double gemmGflops(std::int64_t m, std::int64_t k, std::int64_t n) {
    const at::Tensor a = at::rand({m, k}), b = at::rand({k, n});
    at::Tensor out = at::empty({m, n});
    double best = 0;
    for (int i = 0; i < 4; ++i) {
        const auto start = std::chrono::steady_clock::now();
        at::mm_out(out, a, b);
        const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        best = std::max(best, 2e-9 * static_cast<double>(m * k * n) / s);
    }
    return best;
}

std::string processorName() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name"))
            return line.substr(line.find(':') + 2);
    return "an unknown processor";
}

} // namespace

double bestGemmGflops() {
    const at::NoGradGuard noGradients;
    return std::max(gemmGflops(1024, 768, 3072), gemmGflops(2048, 768, 2304));
}

std::string blasName() {
    if (auto* config = reinterpret_cast<char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_config")))
        return config();
    return at::hasMKL() ? "MKL" : "an unknown BLAS";
}

std::vector<std::string> describeMachine() {
    at::set_num_threads(defaultThreads());
    const double rate = bestGemmGflops();
    std::vector<std::string> lines{"LibTorch " TORCH_VERSION " on " + processorName() + ", " +
                                   std::to_string(at::get_num_threads()) + " threads."};
    lines.push_back("Matrix products: " + blasName() + ", " + std::to_string(static_cast<int>(rate)) +
                    " GFLOP/s.");
    if (rate < 15 * at::get_num_threads())
        lines.push_back("That is slow. Install libopenblas0-openmp, or let other programs finish.");
    lines.push_back(at::hasCUDA() ? "A CUDA GPU runs the network."
                                  : "No GPU is used; the network runs on the processor.");
    return lines;
}

} // namespace tandem::bench
