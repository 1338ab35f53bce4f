#pragma once
// Private to inference/: what the benchmarks share.

#include "core/result.h"
#include "inference/checkpoint/model.h"
#include "inference/library.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tandem::bench {

/// The model file of a request, or its configuration with random weights. Errors: those of opening the file.
Result<checkpoint::Model> networkOf(const BenchRequest&);

/// Several runs of one piece of work.
struct Timing {
    std::vector<double> all;              ///< wall time, ms, sorted
    std::vector<double> cpu;              ///< processor time of all threads, ms, sorted
    std::map<std::string, double> stages; ///< wall ms of the fastest run, in which they add up to the total
    double median() const { return all[all.size() / 2]; }
    double medianCpu() const { return cpu[cpu.size() / 2]; }
    double best() const { return all.front(); }
    JsonValue allJson() const;
    JsonValue stagesJson() const;
};

/// Handed to the work that is timed; call after each part. Parts of one kind ("block.3", "block.4") are
/// summed.
using Lap = std::function<void(std::string_view part)>;

/// Runs `work` once to warm up and then `runs` times (at least once).
Timing timed(int runs, const std::function<void(const Lap&)>& work);

/// Of this process so far, MB (10^6 bytes): the largest resident set, and that of now.
double peakResidentMb();
double residentMb();

/// Bytes of all tensors, MB.
double weightsMb(const net::Weights&);

} // namespace tandem::bench
