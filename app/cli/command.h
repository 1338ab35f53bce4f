#pragma once

#include "app/composition.h"
#include "core/result.h"
#include "core/usecases/job.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <stop_token>
#include <string>

namespace tandem {

/// What a command gets to work with.
struct CommandContext {
    Parts& parts;
    std::stop_token stop;              ///< set by Ctrl+C
    Progress progress;                 ///< a bar on standard error when that is a terminal, silent otherwise
    std::function<Result<void>()> run; ///< set by the chosen command's callback, run after parsing
};

/// Each command adds its subcommand, options and example; its callback sets CommandContext::run.
void addBenchCommand(CLI::App&, CommandContext&);
void addDoctorCommand(CLI::App&, CommandContext&);
void addEvaluateCommand(CLI::App&, CommandContext&);
void addModelCommand(CLI::App&, CommandContext&);
void addPackCommand(CLI::App&, CommandContext&);
void addPhantomCommand(CLI::App&, CommandContext&);
void addProjectCommand(CLI::App&, CommandContext&);
void addSegmentCommand(CLI::App&, CommandContext&);
void addTrainCommand(CLI::App&, CommandContext&);

/// Starts a subcommand; `example` closes its help page.
CLI::App* newCommand(CLI::App& parent, const std::string& name, const std::string& what,
                     const std::string& example);

/// --arithmetic auto|float32|bfloat16 of a command that runs a network.
void addArithmeticOption(CLI::App& command, Arithmetic& chosen);

/// Prints to standard output ("-") or writes a file (temporary name, rename). Error: FileUnwritable.
Result<void> writeReport(const std::string& target, const std::string& text);

} // namespace tandem
