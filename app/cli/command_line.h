#pragma once

#include "app/composition.h"

namespace tandem {

/// Whether the arguments name a command ("tandem segment ...", "tandem --help", "tandem --version"); otherwise they
/// are things to open in the window.
bool isCommandLine(int argc, const char* const* argv);

/// Runs one command. Returns the exit status: 0 done, 1 failed (the sentence is on standard error), 2 wrong usage,
/// 130 interrupted (nothing half-written).
int runCommandLine(int argc, const char* const* argv, Parts& parts);

} // namespace tandem
