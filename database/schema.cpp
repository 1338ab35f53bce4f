#include "database/schema.h"

#include <schema_sql.h>

#include <array>

namespace tandem {
namespace {

constexpr std::array<const char*, newestSchema> migrations{schema001, schema002};

constexpr std::array tables{"project",      "setting",  "person",  "label_set",    "label",  "case",
                            "image",        "layer",    "edit",    "revision",     "prompt", "prompt_point",
                            "prompt_along", "proposal", "comment", "review_event", "job"};

} // namespace

Result<void> migrate(Sql& sql) {
    const auto version = sql.value("PRAGMA user_version");
    if (!version)
        return version.error();
    const std::uint32_t found = version->value_or(QVariant(0)).toUInt();
    if (found > newestSchema) // seen only here when the header on disk is older than the write-ahead log
        return Error{ErrorCode::FormatUnsupported,
                     "The project \"" + sql.file().string() +
                         "\" was made by a newer Tandem. Update Tandem to open it."};
    for (std::uint32_t step = found; step < newestSchema; ++step) {
        const std::string mark = "PRAGMA user_version = " + std::to_string(step + 1);
        const Result<void> done = sql.transaction([&]() -> Result<void> {
            if (Result<void> made = sql.script(migrations[step]); !made)
                return made;
            return sql.run(mark.c_str());
        });
        if (!done)
            return done;
    }
    return {};
}

Result<void> checkTables(Sql& sql) {
    for (const char* table : tables) {
        const auto found = sql.value("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
                                     {QString(QLatin1String(table))});
        if (!found)
            return found.error();
        if (!*found)
            return Error{ErrorCode::FormatInvalid, "The project \"" + sql.file().string() +
                                                       "\" is damaged: its table \"" + table +
                                                       "\" is missing. Take a backup copy of it."};
    }
    return {};
}

} // namespace tandem
