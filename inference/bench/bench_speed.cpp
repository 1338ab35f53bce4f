#include "inference/bench/bench_speed.h"

#include "core/usecases/segment_volume.h"
#include "inference/bench/machine.h"
#include "inference/checkpoint/model.h"
#include "inference/engine/fast_network.h"
#include "inference/predict/accelerator.h"
#include "inference/process.h"
#include "inference/service/service.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>

namespace tandem::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kSide = 512;
constexpr double kSlowMs = 10'000; // a first box that takes longer is not asked for again and again

// Slices with something on them, each another one, so that no embedding is met twice.
Result<std::shared_ptr<const Volume>> someSlices(int count) {
    std::vector<std::int16_t> values;
    values.reserve(static_cast<std::size_t>(kSide * kSide * count));
    for (int k = 0; k < count; ++k)
        for (std::int64_t j = 0; j < kSide; ++j)
            for (std::int64_t i = 0; i < kSide; ++i)
                values.push_back(static_cast<std::int16_t>(
                    200 * std::sin(0.03 * static_cast<double>(i + 17 * k)) *
                        std::cos(0.04 * static_cast<double>(j)) +
                    static_cast<double>((i * 7919 + j * 104729 + k * 1299709) % 31)));
    auto volume =
        Volume::make(Geometry::axisAligned({kSide, kSide, count}, {1, 1, 1}, {0, 0, 0}), std::move(values));
    if (!volume)
        return volume.error();
    return std::make_shared<const Volume>(std::move(*volume));
}

struct Answered {
    double wallMs = 0, encodeMs = 0;
};

class SpeedRun {
public:
    static Prompts firstBox() { return {SliceBox{120, 140, 320, 360}, {}}; }

    SpeedRun(Segmenter& segmenter, std::shared_ptr<const Volume> volume, const Progress& progress,
             const std::stop_token& stop)
        : segmenter_(segmenter), volume_(std::move(volume)), progress_(progress), stop_(stop) {}

    Result<Answered> ask(int slice, const Prompts& object) {
        SegmentRequest request;
        request.volume = volume_;
        request.imageHash = "speed";
        request.slice = {Plane::Axial, slice};
        request.window = {0, 500, false};
        request.objects = {object};
        const Progress within = [&](double done, std::string_view) { say(slice, done); };
        const auto start = Clock::now();
        const auto answer = segmentSlice(request, segmenter_, within, stop_);
        if (!answer)
            return answer.error();
        return Answered{std::chrono::duration<double, std::milli>(Clock::now() - start).count(),
                        answer->front().encodeMs};
    }

    // Asks for two boxes on a slice and for a click on the second, and keeps the times.
    Result<void> askInTurn(int slice) {
        const auto first = ask(slice, firstBox());
        if (!first)
            return first.error();
        Prompts object{SliceBox{200, 180, 420, 330}, {}};
        const auto further = ask(slice, object);
        if (!further)
            return further.error();
        object.points = {{{{340, 300}}, true, {}}};
        const auto clicked = ask(slice, object);
        if (!clicked)
            return clicked.error();
        encode_.push_back(first->encodeMs);
        first_.push_back(first->wallMs);
        further_.push_back(further->wallMs);
        click_.push_back(clicked->wallMs);
        return {};
    }

    void fill(ModelSpeed& speed) {
        speed.encodeMs = median(encode_);
        speed.firstBoxMs = median(first_);
        speed.furtherBoxMs = median(further_);
        speed.clickMs = median(click_);
        speed.runs = static_cast<int>(first_.size());
    }

private:
    void say(int slice, double done) const {
        const auto count = static_cast<double>(volume_->geometry().size()[2]);
        if (progress_)
            progress_((slice + std::clamp(done, 0.0, 1.0)) / count,
                      slice == 0 ? "Warming up" : "Timing slice " + std::to_string(slice));
    }
    static double median(std::vector<double> v) {
        std::sort(v.begin(), v.end());
        return v.empty() ? 0 : v[v.size() / 2];
    }

    Segmenter& segmenter_;
    std::shared_ptr<const Volume> volume_;
    const Progress& progress_;
    const std::stop_token& stop_;
    std::vector<double> encode_, first_, further_, click_;
};

// What the service will compute the encoder with.
Result<void> describeEngine(const SpeedRequest& request, ModelSpeed& speed) {
    speed.threads = defaultThreads();
    speed.arithmetic = "float32";
    if (const auto gpu = predict::findAccelerator(request.arithmetic)) {
        speed.computedBy = "CUDA";
        if (gpu->encoder == at::kBFloat16)
            speed.arithmetic = "bfloat16";
        return {};
    }
    const auto model = checkpoint::openModel(request.model);
    if (!model)
        return model.error();
    const auto fast =
        engine::FastNetwork::create(model->weights, model->config, speed.threads, request.arithmetic);
    speed.computedBy = fast ? "own kernels, " + fast->cpuPath() : "LibTorch operators";
    if (fast && fast->usesBfloat16())
        speed.arithmetic = "bfloat16";
    return {};
}

} // namespace

Result<ModelSpeed> measureSpeed(const SpeedRequest& request, const Progress& progress,
                                const std::stop_token& stop) {
    ModelSpeed speed;
    if (progress)
        progress(0, "Loading " + request.model.filename().string());
    if (const auto described = describeEngine(request, speed); !described)
        return described.error();
    service::ServiceOptions options;
    options.arithmetic = request.arithmetic;
    const std::unique_ptr<Segmenter> segmenter = service::makeService(options);
    if (const auto loaded = loadModelNow(*segmenter, request.model); !loaded)
        return loaded.error();
    auto volume = someSlices(request.runs + 1);
    if (!volume)
        return volume.error();
    SpeedRun run(*segmenter, std::move(*volume), progress, stop);
    const auto warm = run.ask(0, SpeedRun::firstBox());
    if (!warm)
        return warm.error();
    for (int slice = 1; slice <= (warm->wallMs > kSlowMs ? 1 : request.runs); ++slice)
        if (const auto asked = run.askInTurn(slice); !asked)
            return asked.error();
    run.fill(speed);
    if (progress)
        progress(1, "Done");
    return speed;
}

} // namespace tandem::bench
