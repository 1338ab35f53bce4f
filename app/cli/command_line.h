#pragma once

#include "app/composition.h"

namespace tandem {

/// Runs one command. Returns the exit status: 0 done, 1 failed (the sentence is on standard error), 2 wrong
/// usage, 130 interrupted (nothing half-written).
int runCommandLine(int argc, const char* const* argv, Parts& parts);

} // namespace tandem
