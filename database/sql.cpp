#include "database/sql.h"

#include <QDateTime>
#include <QSqlError>
#include <atomic>

namespace tandem {
namespace {

// What SQLite's primary result codes mean to a person (https://www.sqlite.org/rescode.html).
Error errorFrom(const std::filesystem::path& file, const QSqlError& e) {
    const std::string project = "The project \"" + file.string() + "\"";
    switch (e.nativeErrorCode().toInt() & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
        return {ErrorCode::Locked, project + " is in use by another program. Close it there and try again."};
    case 8:  // SQLITE_READONLY
    case 14: // SQLITE_CANTOPEN
        return {ErrorCode::FileUnwritable,
                project + " cannot be written. Check the rights of the file and its folder."};
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
        return {ErrorCode::FormatInvalid,
                project + " is damaged. Take a backup copy of it; the file was not changed."};
    case 13: // SQLITE_FULL
        return {ErrorCode::StoreFailed,
                project + " could not be written: the disk is full. Free some space and repeat."};
    case 10: // SQLITE_IOERR
        return {ErrorCode::StoreFailed,
                project + " could not be read or written: the disk reports an error."};
    default:
        return {ErrorCode::StoreFailed, project + " refused: " + e.text().toStdString() + "."};
    }
}

QString nextConnectionName() {
    static std::atomic<int> number{0};
    return QStringLiteral("tandem-store-%1").arg(number++);
}

} // namespace

QString toText(const std::string& s) {
    return s.empty() ? QStringLiteral("") : QString::fromUtf8(s.data(), static_cast<qsizetype>(s.size()));
}

std::string fromText(const QVariant& v) {
    return v.toString().toStdString();
}

QString nowUtc() {
    return QDateTime::currentDateTimeUtc().toString(Qt::ISODateWithMs);
}

Sql::Sql(std::filesystem::path file) : file_(std::move(file)), connection_(nextConnectionName()) {}

Sql::~Sql() {
    database_ = {};
    QSqlDatabase::removeDatabase(connection_);
}

Result<void> Sql::open() {
    database_ = QSqlDatabase::addDatabase(QStringLiteral("QSQLITE"), connection_);
    if (!database_.isValid())
        return Error{
            ErrorCode::Unavailable,
            "Projects cannot be opened: Qt's SQLite driver is missing (Debian package libqt6sql6-sqlite)."};
    database_.setDatabaseName(toText(file_.string()));
    database_.setConnectOptions(QStringLiteral("QSQLITE_BUSY_TIMEOUT=2000"));
    if (!database_.open())
        return errorFrom(file_, database_.lastError());
    for (const char* pragma : {"PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON",
                               "PRAGMA foreign_keys = ON", "PRAGMA synchronous = FULL"})
        if (Result<void> done = run(pragma); !done)
            return done;
    return {};
}

Error Sql::errorOf(const QSqlQuery& query) const {
    return errorFrom(file_, query.lastError());
}

Result<QSqlQuery> Sql::execute(const char* statement, const Binds& binds) {
    QSqlQuery query(database_);
    query.setForwardOnly(true);
    if (!query.prepare(QString::fromUtf8(statement)))
        return errorOf(query);
    for (const QVariant& bind : binds)
        query.addBindValue(bind);
    if (!query.exec())
        return errorOf(query);
    return query;
}

Result<void> Sql::run(const char* statement, const Binds& binds) {
    if (auto query = execute(statement, binds); !query)
        return query.error();
    return {};
}

Result<std::int64_t> Sql::insert(const char* statement, const Binds& binds) {
    auto query = execute(statement, binds);
    if (!query)
        return query.error();
    return query->lastInsertId().toLongLong();
}

Result<void> Sql::each(const char* statement, const Binds& binds,
                       const std::function<Result<void>(const QSqlQuery&)>& row) {
    auto query = execute(statement, binds);
    if (!query)
        return query.error();
    while (query->next())
        if (Result<void> done = row(*query); !done)
            return done;
    if (query->lastError().isValid())
        return errorOf(*query);
    return {};
}

Result<std::optional<QVariant>> Sql::value(const char* statement, const Binds& binds) {
    std::optional<QVariant> found;
    const Result<void> read = each(statement, binds, [&](const QSqlQuery& q) -> Result<void> {
        if (!found)
            found = q.value(0);
        return {};
    });
    if (!read)
        return read.error();
    return found;
}

Result<void> Sql::script(const char* statements) {
    QString pending;
    const QStringList pieces = QString::fromUtf8(statements).split(u'\n');
    for (const QString& line : pieces) {
        const QString code = line.section(QStringLiteral("--"), 0, 0).trimmed();
        pending += code + u'\n';
        const bool inTrigger = pending.contains(QStringLiteral("CREATE TRIGGER"));
        if (inTrigger ? code != QStringLiteral("END;") : !code.endsWith(u';'))
            continue;
        if (Result<void> done = run(pending.toUtf8().constData()); !done)
            return done;
        pending.clear();
    }
    return {};
}

Result<void> Sql::transaction(const std::function<Result<void>()>& work) {
    if (Result<void> begun = run("BEGIN IMMEDIATE"); !begun)
        return begun;
    Result<void> done = work();
    if (done)
        done = run("COMMIT");
    if (!done)
        (void)run("ROLLBACK"); // fails harmlessly when SQLite has rolled back by itself
    return done;
}

} // namespace tandem
