#pragma once

#include "app/composition.h"
#include "app/gui/shell/window_options.h"

namespace tandem {

/// Shows the window and runs until it is closed. Thread: main; at most once in a process.
/// Returns the program's exit code; 1 with a sentence on standard error when there is no display.
int runWindow(int& argc, char** argv, const WindowOptions&, Parts&);

} // namespace tandem
