#include "app/cli/command_line.h"
#include "app/composition.h"
#include "app/gui/shell/startup_clock.h"
#include "app/gui/shell/window.h"

#include <cstdio>

/// One program: with a command it is the command line, without one it is the window.
int main(int argc, char** argv) {
    const double mainAt = tandem::millisecondsSinceStart();
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    tandem::Parts parts = tandem::composeParts();
    if (tandem::asksForCommandLine(arguments))
        return tandem::runCommandLine(argc, argv, parts);

    const auto options = tandem::parseWindowOptions(arguments);
    if (!options) {
        std::fprintf(stderr, "tandem: %s\n", options.error().sentence.c_str());
        return 2;
    }
    if (options->printStartup)
        std::fprintf(stderr, "main after %.0f ms\n", mainAt);
    return tandem::runWindow(argc, argv, *options, parts);
}
