#pragma once

#include "core/result.h"

#include <string>
#include <vector>

namespace tandem {

/// What the program was asked when it is started without a command: the window, and what to open in it.
struct WindowOptions {
    std::vector<std::string> paths; ///< projects, images, folders, as given
    std::string stateFile; ///< --state-file: where automated tests read the window's state (see automation.h)
    bool printStartup = false; ///< --print-startup: times of main and of the first frame on standard error
};

/// Whether these arguments (without the program's name) ask for the command line rather than for the window:
/// a first word that is no option and names nothing on disk, or --help or --version.
bool asksForCommandLine(const std::vector<std::string>& arguments);

/// Reads the window's arguments. Error: InvalidArgument for an option that does not exist or lacks its value.
Result<WindowOptions> parseWindowOptions(const std::vector<std::string>& arguments);

} // namespace tandem
