#include "inference/bench/bench_decode.h"

#include "inference/bench/flops.h"
#include "inference/bench/machine.h"
#include "inference/bench/timing.h"
#include "inference/engine/fast_network.h"
#include "inference/process.h"

#include <ATen/Parallel.h>

namespace tandem::bench {
namespace {

constexpr std::int64_t kBoxes = 16;

// Boxes spread over the image, in ModelPx.
at::Tensor someBoxes(const net::NetworkConfig& c) {
    at::Tensor boxes = at::rand({kBoxes, 4}) * (0.4 * c.imageSize);
    boxes.narrow(1, 2, 2).add_(boxes.narrow(1, 0, 2)).add_(0.1 * c.imageSize);
    return boxes;
}

struct Question {
    const checkpoint::Model& model;
    at::Tensor embedding, boxes;
};

// One call of the decoder with the first `count` boxes. @param fast  null: LibTorch's operators
void decodeOnce(const Question& q, engine::FastNetwork* fast, std::int64_t count, const Lap& lap) {
    net::PromptTensors prompts;
    prompts.boxes = q.boxes.narrow(0, 0, count);
    const net::PromptCodes codes = net::encodePrompts(q.model.weights, q.model.config, prompts);
    lap("prompts");
    if (!fast) {
        (void)net::decode(q.model.weights, q.model.config, q.embedding, codes, false);
        return;
    }
    net::Forward forward;
    forward.step = [&](std::string_view part, double) { lap(part); };
    (void)fast->decode(q.embedding, codes, false, forward);
}

} // namespace

Result<std::string> benchDecode(const BenchRequest& request, const Progress& progress) {
    const auto say = [&](double done, const char* words) {
        if (progress)
            progress(done, words);
    };
    keepLargePieces();
    at::set_num_threads(request.threads > 0 ? request.threads : defaultThreads());
    const at::NoGradGuard noGradients;
    say(0, "Preparing the network");
    const auto model = networkOf(request);
    if (!model)
        return model.error();
    const net::NetworkConfig& c = model->config;
    at::manual_seed(request.seed);
    const Question question{*model, at::randn({1, c.outChans, c.grid(), c.grid()}), someBoxes(c)};
    const auto fast =
        engine::FastNetwork::create(model->weights, c, at::get_num_threads(), request.arithmetic);
    const bool bfloat16 = fast && fast->usesBfloat16();
    const auto time = [&](engine::FastNetwork* network, std::int64_t count, int runs) {
        return timed(runs, [&](const Lap& lap) { decodeOnce(question, network, count, lap); });
    };
    say(0.2, "Timing one box");
    const Timing one = time(fast.get(), 1, request.runs);
    say(0.4, "Timing the published operators");
    const Timing reference = time(nullptr, 1, request.runs);
    say(0.6, "Timing 16 boxes");
    const Timing many = time(fast.get(), kBoxes, request.runs);
    say(0.95, "Timing matrix products");
    const double gemm = engine::FastNetwork::gemmGflops(at::get_num_threads(), bfloat16);
    const double rate = bfloat16 ? gemm : std::max(gemm, bestGemmGflops());

    JsonValue out;
    out.set("variant", net::variantName(c.variant));
    out.set("image_size", c.imageSize);
    out.set("cpu_path", fast ? "own kernels, " + fast->cpuPath() : "LibTorch operators, " + blasName());
    out.set("reference_path", "LibTorch operators, " + blasName());
    out.set("arithmetic", bfloat16 ? "bfloat16" : "float32");
    out.set("threads", at::get_num_threads());
    out.set("decode_ms", one.median());
    out.set("decode_ms_all", one.allJson());
    out.set("decode_cpu_ms", one.medianCpu());
    out.set("decode16_ms", many.median());
    out.set("decode16_ms_all", many.allJson());
    out.set("decode16_cpu_ms", many.medianCpu());
    out.set("reference_ms", reference.median());
    out.set("reference_ms_all", reference.allJson());
    out.set("reference_cpu_ms", reference.medianCpu());
    out.set("reference_over_decode", reference.median() / one.median());
    out.set("decode16_over_decode", many.median() / one.median());
    out.set("gemm_gflops", rate);
    out.set("upscale_gflop", upscaleGflop(c));
    out.set("upscale_floor_ms", upscaleGflop(c) / rate * 1000);
    out.set("stages", one.stagesJson());
    out.set("stages16", many.stagesJson());
    return writeJson(out, 1);
}

} // namespace tandem::bench
