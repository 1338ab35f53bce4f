#include "inference/bench/bench_encode.h"

#include "inference/bench/flops.h"
#include "inference/bench/machine.h"
#include "inference/bench/timing.h"
#include "inference/engine/fast_network.h"
#include "inference/process.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include <algorithm>

namespace tandem::bench {
namespace {

// @param fast  the kernels; null: LibTorch's operators
Timing timeEncode(const checkpoint::Model& model, engine::FastNetwork* fast, const at::Tensor& image,
                  bool published, int runs) {
    return timed(runs, [&](const Lap& lap) {
        net::Forward forward;
        forward.publishedAttention = published;
        forward.step = [&](std::string_view part, double) { lap(part); };
        (void)(fast ? fast->encode(image, forward)
                    : net::encode(model.weights, model.config, image, forward));
    });
}

} // namespace

Result<std::string> benchEncode(const BenchRequest& request, const Progress& progress) {
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
    const std::int64_t side = model->config.imageSize;
    const at::Tensor image = at::randn({1, model->config.inChans, side, side});
    say(0.1, "Timing the encoder");
    const auto fast =
        engine::FastNetwork::create(model->weights, model->config, at::get_num_threads(), request.arithmetic);
    if (fast)
        fast->packAll();
    const bool bfloat16 = fast && fast->usesBfloat16();
    const double ready = residentMb();
    const Timing ours = timeEncode(*model, fast.get(), image, false, request.runs);
    const double peak = peakResidentMb();
    malloc_trim(std::size_t{64} << 20); // as the service does after a request
    const double after = residentMb();
    say(0.7, "Timing the published operators");
    const Timing reference = timeEncode(*model, nullptr, image, true, 1);
    say(0.95, "Timing matrix products");
    const double own = engine::FastNetwork::gemmGflops(at::get_num_threads(), bfloat16);
    const double gemm = bfloat16 ? own : std::max(own, bestGemmGflops());
    const double necessary = necessaryGflop(model->config);

    JsonValue out;
    out.set("variant", net::variantName(model->config.variant));
    out.set("image_size", model->config.imageSize);
    out.set("cpu_path", fast ? "own kernels, " + fast->cpuPath() : "LibTorch operators, " + blasName());
    out.set("reference_path", "LibTorch operators, " + blasName());
    out.set("arithmetic", bfloat16 ? "bfloat16" : "float32");
    out.set("threads", at::get_num_threads());
    out.set("encode_ms", ours.median());
    out.set("encode_ms_all", ours.allJson());
    out.set("encode_cpu_ms", ours.medianCpu());
    out.set("reference_ms", reference.median());
    out.set("reference_cpu_ms", reference.medianCpu());
    out.set("reference_over_encode", reference.median() / ours.median());
    out.set("gemm_gflops", gemm);
    out.set("necessary_gflop", necessary);
    out.set("floor_ms", necessary / gemm * 1000);
    out.set("over_floor", ours.median() / (necessary / gemm * 1000));
    out.set("peak_rss_mb", peak);
    out.set("resident_ready_mb", ready); // the network packed, nothing encoded yet
    out.set("peak_above_ready_mb", peak - ready);
    out.set("resident_after_mb", after);
    out.set("weights_mb", weightsMb(model->weights));
    out.set("stages", ours.stagesJson());
    return writeJson(out, 1);
}

} // namespace tandem::bench
