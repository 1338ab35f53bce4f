#pragma once

#include "core/usecases/project_store.h"
#include "database/sql.h"

namespace tandem {

/// Cases, their images and their review, in SQL. Thread: the store's; errors as ProjectStore's.
class CaseTable {
public:
    explicit CaseTable(Sql& sql) : sql_(sql) {}

    Result<CaseId> add(const std::string& name, const ImageRecord&);
    Result<std::vector<CaseRecord>> all();
    Result<CaseRecord> one(CaseId);
    Result<void> remove(CaseId);
    Result<void> assign(CaseId, const std::string& person);
    Result<void> relocate(CaseId, const ImageRecord&);

    Result<void> setState(CaseId, CaseState, const std::string& person, const std::string& comment);
    Result<std::vector<ReviewEvent>> events(CaseId);
    /// What a first stroke does to a case: New and Rejected become InProgress (inside the caller's
    /// transaction). Error: Locked if the case is submitted or approved.
    Result<void> noteDrawing(CaseId);

private:
    Result<std::vector<CaseRecord>> select(const char* where, const Binds&);
    Result<QVariant> personId(const std::string& name);
    Result<std::string> relativePath(const std::filesystem::path&) const;
    Result<void> changeState(const CaseRecord&, CaseState, const std::string& person,
                             const std::string& comment);

    Sql& sql_;
};

} // namespace tandem
