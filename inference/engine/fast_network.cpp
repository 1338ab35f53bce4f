#include "inference/engine/fast_network.h"

#ifdef TANDEM_KERNELS
#include "inference/engine/decoder.h"
#include "inference/engine/encoder.h"
#include "inference/kernels/amx.h"
#include "inference/kernels/bfloat16.h"
#include "inference/kernels/instruction_set.h"

#include <optional>
#include <vector>
#endif

namespace tandem::engine {

#ifdef TANDEM_KERNELS

struct FastNetwork::State {
    net::Weights weights;
    net::NetworkConfig config;
    kernels::Workers workers;
    std::optional<FastEncoder> encoder;
    std::optional<FastDecoder> decoder;
    kernels::Numbers numbers = kernels::Numbers::Float32;

    State(const net::Weights& w, const net::NetworkConfig& c, int threads, kernels::Numbers n)
        : weights(w), config(c), workers(threads), numbers(n) {}

    // Calls build with the weights; tensors that had to be converted live until it returns.
    template <class Build>
    void withWeights(const Build& build) const {
        std::vector<at::Tensor> converted;
        build(WeightSource([&](std::string_view key) -> std::span<const float> {
            const auto found = weights.find(std::string(key));
            if (found == weights.end())
                return {};
            converted.push_back(found->second.to(at::kCPU, at::kFloat).contiguous());
            const at::Tensor& t = converted.back();
            return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())};
        }));
    }
    void packEncoder() {
        if (!encoder)
            withWeights([&](const WeightSource& source) { encoder.emplace(config, source, numbers); });
    }
    void packDecoder() {
        if (!decoder)
            withWeights([&](const WeightSource& source) { decoder.emplace(config, source, numbers); });
    }
};

namespace {

std::span<const float> valuesOf(const at::Tensor& t) {
    return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())};
}
std::span<float> spaceOf(at::Tensor& t) {
    return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())};
}
// Small networks are quick in float32 already.
constexpr int kWideEnoughForBfloat16 = 768;
kernels::Numbers numbersFor(Arithmetic arithmetic, const net::NetworkConfig& c) {
    const bool wanted = arithmetic == Arithmetic::Bfloat16 ||
                        (arithmetic == Arithmetic::Automatic && c.embedDim >= kWideEnoughForBfloat16);
    return wanted && kernels::hasBfloat16() ? kernels::Numbers::Bfloat16 : kernels::Numbers::Float32;
}
// Sets the workers' pulse for one pass.
class PulseGuard {
public:
    PulseGuard(kernels::Workers& workers, const std::function<void()>& pulse) : workers_(workers) {
        workers_.setPulse(pulse);
    }
    ~PulseGuard() { workers_.setPulse({}); }
    PulseGuard(const PulseGuard&) = delete;
    PulseGuard& operator=(const PulseGuard&) = delete;

private:
    kernels::Workers& workers_;
};

at::Tensor plain(const at::Tensor& t) {
    return t.to(at::kCPU, at::kFloat).contiguous();
}

} // namespace

std::unique_ptr<FastNetwork> FastNetwork::create(const net::Weights& weights,
                                                 const net::NetworkConfig& config, int threads,
                                                 Arithmetic arithmetic) {
    if (!FastEncoder::supports(config))
        return nullptr;
    return std::unique_ptr<FastNetwork>(
        new FastNetwork(std::make_unique<State>(weights, config, threads, numbersFor(arithmetic, config))));
}

std::string FastNetwork::cpuPath() const {
    const std::string name = kernels::instructionSet();
    return (name == "AVX3" ? "AVX-512" : name) + (usesBfloat16() && kernels::hasAmx() ? ", AMX" : "");
}

double FastNetwork::gemmGflops(int threads, bool bfloat16) {
    kernels::Workers workers(threads);
    return kernels::measureGemmGflops(workers,
                                      bfloat16 ? kernels::Numbers::Bfloat16 : kernels::Numbers::Float32);
}

bool FastNetwork::usesBfloat16() const {
    return state_->numbers == kernels::Numbers::Bfloat16;
}

void FastNetwork::packAll() {
    state_->packEncoder();
    state_->packDecoder();
    state_->weights.clear();
}

at::Tensor FastNetwork::encode(const at::Tensor& image, const net::Forward& forward) {
    State& s = *state_;
    s.packEncoder();
    const at::Tensor in = plain(image);
    at::Tensor out = at::empty({in.size(0), s.config.outChans, s.config.grid(), s.config.grid()}, at::kFloat);
    Hooks hooks;
    hooks.step = forward.step;
    const PulseGuard pulse(s.workers, forward.pulse);
    for (std::int64_t b = 0; b < in.size(0); ++b) {
        at::Tensor target = out[b];
        s.encoder->encode(s.workers, valuesOf(in[b]), spaceOf(target), hooks);
    }
    return out;
}

net::Decoded FastNetwork::decode(const at::Tensor& embedding, const net::PromptCodes& codes, bool multimask,
                                 const net::Forward& forward) {
    State& s = *state_;
    s.packDecoder();
    const std::int64_t count = codes.sparse.size(0), side = 4 * s.config.grid();
    const auto masks = static_cast<std::int64_t>(s.decoder->maskCount(multimask));
    // A dense code that is one vector for all pixels is a view without strides along them.
    const bool constant = codes.dense.stride(2) == 0 && codes.dense.stride(3) == 0 &&
                          (count == 1 || codes.dense.stride(0) == 0);
    const at::Tensor dense =
        plain(constant ? codes.dense.select(0, 0).select(1, 0).select(1, 0) : codes.dense);
    const at::Tensor sparse = plain(codes.sparse), image = plain(embedding);
    net::Decoded out{at::empty({count, masks, side, side}, at::kFloat),
                     at::empty({count, masks}, at::kFloat)};
    const EncodedPrompts prompts{static_cast<std::size_t>(count), static_cast<std::size_t>(sparse.size(1)),
                                 valuesOf(sparse), valuesOf(dense)};
    Hooks hooks;
    hooks.step = forward.step;
    s.decoder->decode(s.workers, valuesOf(image), prompts, multimask, spaceOf(out.logits), spaceOf(out.iou),
                      hooks);
    return out;
}

#else

struct FastNetwork::State {};
std::unique_ptr<FastNetwork> FastNetwork::create(const net::Weights&, const net::NetworkConfig&, int,
                                                 Arithmetic) {
    return nullptr;
}
std::string FastNetwork::cpuPath() const {
    return "LibTorch";
}
double FastNetwork::gemmGflops(int, bool) {
    return 0;
}
bool FastNetwork::usesBfloat16() const {
    return false;
}
void FastNetwork::packAll() {}
at::Tensor FastNetwork::encode(const at::Tensor&, const net::Forward&) {
    return {};
}
net::Decoded FastNetwork::decode(const at::Tensor&, const net::PromptCodes&, bool, const net::Forward&) {
    return {};
}

#endif

FastNetwork::FastNetwork(std::unique_ptr<State> state) : state_(std::move(state)) {}
FastNetwork::~FastNetwork() = default;

} // namespace tandem::engine
