#pragma once

#include <string>
#include <vector>

namespace tandem::kernels {

/// The instruction set in use: "AVX3" (AVX-512), "AVX2", "SSE4", ...
const char* instructionSet();

/// Those that were compiled and that this processor runs, best first.
std::vector<std::string> availableInstructionSets();

/// Uses one of availableInstructionSets() from now on, or the best again for an empty name. For tests and for
/// finding faults: weights packed before must not be used after. Returns whether the name is known. Thread:
/// only while no kernel runs.
bool useInstructionSet(const std::string& name);

} // namespace tandem::kernels
