#pragma once

#include "core/usecases/project_store.h"
#include "database/sql.h"

namespace tandem {

/// The project's label set and its settings, in SQL. Thread: the store's; errors as ProjectStore's.
class LabelTable {
public:
    explicit LabelTable(Sql& sql) : sql_(sql) {}

    Result<std::vector<LabelInfo>> all();
    Result<void> put(const LabelInfo&);
    Result<void> remove(LabelId);

    Result<std::optional<std::string>> setting(const std::string& key);
    Result<void> putSetting(const std::string& key, const std::string& value);

private:
    Sql& sql_;
};

} // namespace tandem
