#pragma once

#include "app/cli/command.h"

namespace tandem {

/// `tandem model list|import|remove|speed|known`, beside info, verify, convert and average.
void addModelShelfCommands(CLI::App& model, CommandContext&);

} // namespace tandem
