#pragma once

#include "core/result.h"

#include <QSqlDatabase>
#include <QSqlQuery>
#include <QVariant>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace tandem {

using Binds = QVariantList;

QString toText(const std::string&); ///< never null: an empty text stays an empty text
std::string fromText(const QVariant&);
QString nowUtc(); ///< ISO 8601 with milliseconds

/// The one SQLite connection of a store; a thin layer that turns Qt's errors into sentences.
/// Thread: the one that made it.
class Sql {
public:
    explicit Sql(std::filesystem::path file);
    ~Sql();
    Sql(const Sql&) = delete;
    Sql& operator=(const Sql&) = delete;

    /// Opens the file; `writable` false opens it without changing anything on disk.
    Result<void> open();

    /// Runs one statement; the rows it gives are dropped.
    Result<void> run(const char* statement, const Binds& = {});
    /// Runs one INSERT; the row's number.
    Result<std::int64_t> insert(const char* statement, const Binds& = {});
    /// Calls `row` for every row; stops at its first error.
    Result<void> each(const char* statement, const Binds&,
                      const std::function<Result<void>(const QSqlQuery&)>& row);
    /// The first column of the first row; empty without a row.
    Result<std::optional<QVariant>> value(const char* statement, const Binds& = {});
    /// Runs every statement of a script (separated by semicolons outside of BEGIN ... END).
    Result<void> script(const char* statements);

    /// Runs `work` as one transaction: COMMIT (fsync) if it succeeds, else everything is rolled back.
    Result<void> transaction(const std::function<Result<void>()>& work);

    const std::filesystem::path& file() const { return file_; }

private:
    Result<QSqlQuery> execute(const char* statement, const Binds&);
    Error errorOf(const QSqlQuery&) const;

    std::filesystem::path file_;
    QString connection_;
    QSqlDatabase database_;
};

} // namespace tandem
