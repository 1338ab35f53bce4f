#pragma once

#include "database/sql.h"

#include <cstdint>

namespace tandem {

/// The schema that this program writes; a file with a higher user_version is refused.
inline constexpr std::uint32_t newestSchema = 2;

/// Brings a file from its user_version to newestSchema, one transaction for each step. Thread: the store's.
Result<void> migrate(Sql&);

/// Whether all tables are there. Error: FormatInvalid.
Result<void> checkTables(Sql&);

} // namespace tandem
