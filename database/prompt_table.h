#pragma once

#include "core/usecases/project_store.h"
#include "database/sql.h"

namespace tandem {

/// Prompts and what the network answered, in SQL. Thread: the store's; errors as ProjectStore's.
class PromptTable {
public:
    explicit PromptTable(Sql& sql) : sql_(sql) {}

    Result<void> add(LayerId, const PromptRecord&);
    Result<std::vector<PromptRecord>> all(LayerId);

private:
    Result<void> insert(LayerId, const PromptRecord&);
    Result<void> insertPoint(std::int64_t promptId, int number, const PointPrompt&);
    Result<std::vector<PointPrompt>> points(std::int64_t promptId);
    Result<std::vector<Point<SlicePx>>> along(std::int64_t promptId, int number);

    Sql& sql_;
};

} // namespace tandem
