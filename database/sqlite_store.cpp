#include "database/sqlite_store.h"

#include "database/schema.h"

namespace tandem {
namespace {

// Reading all pages of a larger file at every opening would keep people waiting; `tandem project check` does
// it.
constexpr std::uintmax_t quickCheckLimit = 256u << 20;

Result<void> structureProblems(Sql& sql, std::vector<std::string>& problems) {
    if (Result<void> read =
            sql.each("PRAGMA quick_check", {},
                     [&](const QSqlQuery& q) -> Result<void> {
                         if (const std::string said = fromText(q.value(0)); said != "ok")
                             problems.push_back("The file's structure is damaged: " + said + ".");
                         return {};
                     });
        !read)
        return read;
    return sql.each("PRAGMA foreign_key_check", {}, [&](const QSqlQuery& q) -> Result<void> {
        problems.push_back("A row of table \"" + fromText(q.value(0)) + "\" refers to one of \"" +
                           fromText(q.value(2)) + "\" that is missing.");
        return {};
    });
}

Result<void> refuseDamage(Sql& sql) {
    std::error_code ec;
    const std::uintmax_t size = std::filesystem::file_size(sql.file(), ec);
    if (ec || size > quickCheckLimit)
        return {};
    std::vector<std::string> problems;
    if (Result<void> read = structureProblems(sql, problems); !read)
        return read;
    if (problems.empty())
        return {};
    return Error{ErrorCode::FormatInvalid, "The project \"" + sql.file().string() + "\" is damaged (" +
                                               problems.front() +
                                               ") Take a backup copy of it; this file was not changed."};
}

} // namespace

SqliteStore::SqliteStore(std::filesystem::path file, std::unique_ptr<FileGuard> guard)
    : path_(std::move(file)), guard_(std::move(guard)) {}

SqliteStore::~SqliteStore() {
    thread_.post([this] { tables_.reset(); }); // after all that was posted before
}

Result<void> SqliteStore::open() {
    return thread_.call([this]() -> Result<void> {
        tables_ = std::make_unique<Tables>(path_);
        Sql& sql = tables_->sql;
        Result<void> done = sql.open();
        if (done)
            done = refuseDamage(sql);
        if (done)
            done = sql.run("PRAGMA journal_mode = WAL");
        if (done)
            done = migrate(sql);
        if (done)
            done = checkTables(sql);
        if (!done)
            tables_.reset();
        return done;
    });
}

Result<std::string> SqliteStore::name() {
    return thread_.call([&]() -> Result<std::string> {
        const auto found = tables_->sql.value("SELECT name FROM project");
        if (!found)
            return found.error();
        return *found ? fromText(**found) : std::string();
    });
}

Result<CaseId> SqliteStore::addCase(const std::string& name, const ImageRecord& image) {
    return thread_.call([&] { return tables_->cases.add(name, image); });
}

Result<std::vector<CaseRecord>> SqliteStore::cases() {
    return thread_.call([&] { return tables_->cases.all(); });
}

Result<CaseRecord> SqliteStore::caseOf(CaseId id) {
    return thread_.call([&] { return tables_->cases.one(id); });
}

Result<void> SqliteStore::removeCase(CaseId id) {
    return thread_.call([&] {
        tables_->journal.forget();
        return tables_->cases.remove(id);
    });
}

Result<void> SqliteStore::assign(CaseId id, const std::string& person) {
    return thread_.call([&] { return tables_->cases.assign(id, person); });
}

Result<void> SqliteStore::relocateImage(CaseId id, const ImageRecord& image) {
    return thread_.call([&] { return tables_->cases.relocate(id, image); });
}

Result<void> SqliteStore::setState(CaseId id, CaseState to, const std::string& person,
                                   const std::string& comment) {
    return thread_.call([&]() -> Result<void> {
        const Result<CaseRecord> c = tables_->cases.one(id);
        if (!c)
            return c.error();
        if (to == CaseState::Submitted) // what is handed over is kept as it stood
            if (Result<void> kept = tables_->journal.keepRevision(c->layer); !kept)
                return kept;
        return tables_->cases.setState(id, to, person, comment);
    });
}

Result<std::vector<ReviewEvent>> SqliteStore::reviewEvents(CaseId id) {
    return thread_.call([&] { return tables_->cases.events(id); });
}

Result<std::vector<LabelInfo>> SqliteStore::labels() {
    return thread_.call([&] { return tables_->labels.all(); });
}

Result<void> SqliteStore::putLabel(const LabelInfo& label) {
    return thread_.call([&] { return tables_->labels.put(label); });
}

Result<void> SqliteStore::removeLabel(LabelId id) {
    return thread_.call([&] { return tables_->labels.remove(id); });
}

Result<LayerContent> SqliteStore::loadLayer(LayerId layer) {
    return thread_.call([&] { return tables_->journal.load(layer); });
}

Result<Edit> SqliteStore::edit(LayerId layer, EditId id) {
    return thread_.call([&] { return tables_->journal.edit(layer, id); });
}

void SqliteStore::commit(LayerId layer, JournalEntry entry, Committed committed) {
    thread_.post([this, layer, entry = std::move(entry), committed = std::move(committed)] {
        const auto append = [&] { return tables_->journal.append(layer, entry); };
        committed(StoreThread::guarded(append));
        const auto tidy = [&] { return tables_->journal.tidy(); };
        (void)StoreThread::guarded(tidy); // a snapshot only saves time; without it the journal is replayed
    });
}

Result<EditId> SqliteStore::commitNow(LayerId layer, JournalEntry entry) {
    return thread_.call([&] { return tables_->journal.append(layer, entry); });
}

Result<void> SqliteStore::recordPrompt(LayerId layer, const PromptRecord& record) {
    return thread_.call([&] { return tables_->prompts.add(layer, record); });
}

Result<std::vector<PromptRecord>> SqliteStore::promptRecords(LayerId layer) {
    return thread_.call([&] { return tables_->prompts.all(layer); });
}

Result<std::optional<std::string>> SqliteStore::setting(const std::string& key) {
    return thread_.call([&] { return tables_->labels.setting(key); });
}

Result<void> SqliteStore::putSetting(const std::string& key, const std::string& value) {
    return thread_.call([&] { return tables_->labels.putSetting(key, value); });
}

Result<std::vector<std::string>> SqliteStore::check() {
    return thread_.call([&]() -> Result<std::vector<std::string>> {
        std::vector<std::string> problems;
        Result<void> done = structureProblems(tables_->sql, problems);
        if (done)
            done = tables_->journal.check(problems);
        if (!done)
            problems.push_back(done.error().sentence);
        return problems;
    });
}

} // namespace tandem
