#include "inference/bench/bench_encode.h"

#include "core/files/files.h"
#include "inference/bench/flops.h"
#include "inference/bench/machine.h"
#include "inference/checkpoint/model.h"
#include "inference/engine/fast_network.h"
#include "inference/service/service.h"

#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace tandem::bench {
namespace {

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Result<checkpoint::Model> networkOf(const BenchEncodeRequest& request) {
    if (request.configOrModel.extension() != ".json")
        return checkpoint::openModel(request.configOrModel);
    const auto text = readFile(request.configOrModel, 1 << 20);
    if (!text)
        return text.error();
    const auto json = parseJson(*text);
    if (!json)
        return Error{ErrorCode::FormatInvalid, request.configOrModel.string() + ": " + json.error().sentence};
    const auto config = net::configFromJson(*json);
    if (!config)
        return config.error();
    return checkpoint::Model{*config, *json, net::randomWeights(*config, request.seed), {}};
}

struct Timing {
    std::vector<double> all;              // ms, sorted
    std::map<std::string, double> stages; // ms of the fastest run
    double median() const { return all[all.size() / 2]; }
};

// Time since the last part, added to the part's kind ("block.3" -> "block").
net::Forward timedForward(bool published, std::map<std::string, double>& stages, Clock::time_point& last) {
    net::Forward forward;
    forward.publishedAttention = published;
    forward.step = [&](std::string_view part, double) {
        stages[std::string(part.substr(0, part.find('.')))] += millisecondsSince(last);
        last = Clock::now();
    };
    return forward;
}

// @param fast  the kernels; null: LibTorch's operators
Timing timeEncode(const checkpoint::Model& model, engine::FastNetwork* fast, const at::Tensor& image,
                  bool published, int runs) {
    Timing timing;
    for (int i = 0; i <= runs; ++i) { // the first one warms up
        std::map<std::string, double> stages;
        auto last = Clock::now();
        const auto start = last;
        const net::Forward forward = timedForward(published, stages, last);
        (void)(fast ? fast->encode(image, forward)
                    : net::encode(model.weights, model.config, image, forward));
        const double ms = millisecondsSince(start);
        if (i == 0 && runs > 0)
            continue;
        if (timing.all.empty() || ms < *std::min_element(timing.all.begin(), timing.all.end()))
            timing.stages = stages;
        timing.all.push_back(ms);
    }
    std::sort(timing.all.begin(), timing.all.end());
    return timing;
}

double peakResidentMb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

double weightsMb(const net::Weights& weights) {
    double bytes = 0;
    for (const auto& [key, tensor] : weights)
        bytes += static_cast<double>(tensor.nbytes());
    return bytes / 1e6;
}

} // namespace

Result<std::string> benchEncode(const BenchEncodeRequest& request, const Progress& progress) {
    const auto say = [&](double done, const char* words) {
        if (progress)
            progress(done, words);
    };
    service::keepLargePieces();
    at::set_num_threads(request.threads > 0 ? request.threads : service::defaultThreads());
    const at::NoGradGuard noGradients;
    say(0, "Preparing the network");
    const auto model = networkOf(request);
    if (!model)
        return model.error();
    const std::int64_t side = model->config.imageSize;
    const at::Tensor image = at::randn({1, model->config.inChans, side, side});
    say(0.1, "Timing the encoder");
    const auto fast = engine::FastNetwork::create(model->weights, model->config, at::get_num_threads());
    const Timing ours = timeEncode(*model, fast.get(), image, false, std::max(1, request.runs));
    const double peak = peakResidentMb();
    say(0.7, "Timing the published operators");
    const Timing reference = timeEncode(*model, nullptr, image, true, 1);
    say(0.95, "Timing matrix products");
    const double own = engine::FastNetwork::gemmGflops(at::get_num_threads());
    const double gemm = std::max(own, bestGemmGflops()), necessary = necessaryGflop(model->config);

    JsonValue out;
    out.set("variant", net::variantName(model->config.variant));
    out.set("image_size", model->config.imageSize);
    out.set("cpu_path",
            fast ? "own kernels, " + engine::FastNetwork::cpuPath() : "LibTorch operators, " + blasName());
    out.set("reference_path", "LibTorch operators, " + blasName());
    out.set("arithmetic", "float32");
    out.set("threads", at::get_num_threads());
    out.set("encode_ms", ours.median());
    JsonValue::Array all;
    for (const double ms : ours.all)
        all.emplace_back(ms);
    out.set("encode_ms_all", std::move(all));
    out.set("reference_ms", reference.median());
    out.set("gemm_gflops", gemm);
    out.set("necessary_gflop", necessary);
    out.set("floor_ms", necessary / gemm * 1000);
    out.set("over_floor", ours.median() / (necessary / gemm * 1000));
    out.set("peak_rss_mb", peak);
    out.set("weights_mb", weightsMb(model->weights));
    JsonValue stages;
    for (const auto& [name, ms] : ours.stages)
        stages.set(name, ms);
    out.set("stages", std::move(stages));
    return writeJson(out, 1);
}

} // namespace tandem::bench
