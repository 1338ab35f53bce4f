#include "inference/bench/timing.h"

#include "core/files/files.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>

namespace tandem::bench {
namespace {

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double processorMilliseconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

} // namespace

Result<checkpoint::Model> networkOf(const BenchRequest& request) {
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

JsonValue Timing::allJson() const {
    JsonValue::Array values;
    for (const double ms : all)
        values.emplace_back(ms);
    return values;
}

JsonValue Timing::stagesJson() const {
    JsonValue json;
    for (const auto& [name, ms] : stages)
        json.set(name, ms);
    return json;
}

Timing timed(int runs, const std::function<void(const Lap&)>& work) {
    Timing timing;
    for (int i = 0; i <= std::max(1, runs); ++i) {
        std::map<std::string, double> stages;
        const double processor = processorMilliseconds();
        const auto start = Clock::now();
        auto last = start;
        work([&](std::string_view part) {
            stages[std::string(part.substr(0, part.find('.')))] += millisecondsSince(last);
            last = Clock::now();
        });
        const double ms = millisecondsSince(start);
        if (i == 0)
            continue;
        if (!stages.empty())
            stages["other"] = millisecondsSince(last); // between the last part and the end
        if (timing.all.empty() || ms < *std::min_element(timing.all.begin(), timing.all.end()))
            timing.stages = stages;
        timing.all.push_back(ms);
        timing.cpu.push_back(processorMilliseconds() - processor);
    }
    std::sort(timing.all.begin(), timing.all.end());
    std::sort(timing.cpu.begin(), timing.cpu.end());
    return timing;
}

double peakResidentMb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) * 1024e-6;
}

double residentMb() {
    std::ifstream pages("/proc/self/statm");
    double all = 0, resident = 0;
    pages >> all >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) * 1e-6;
}

double weightsMb(const net::Weights& weights) {
    double bytes = 0;
    for (const auto& [key, tensor] : weights)
        bytes += static_cast<double>(tensor.nbytes());
    return bytes / 1e6;
}

} // namespace tandem::bench
