#pragma once

#include "core/usecases/project_store.h"
#include "database/case_table.h"
#include "database/file_guard.h"
#include "database/journal.h"
#include "database/label_table.h"
#include "database/prompt_table.h"
#include "database/sql.h"
#include "database/store_thread.h"

#include <memory>

namespace tandem {

/// ProjectStore on one SQLite file. Every method posts to the store's thread, which owns the connection.
class SqliteStore final : public ProjectStore {
public:
    SqliteStore(std::filesystem::path, std::unique_ptr<FileGuard>);
    ~SqliteStore() override;

    /// Opens the connection, checks the file, brings its schema up to date. Blocks. Errors as openProject.
    Result<void> open();

    std::filesystem::path path() const override { return path_; }
    Result<std::string> name() override;

    Result<CaseId> addCase(const std::string& name, const ImageRecord&) override;
    Result<std::vector<CaseRecord>> cases() override;
    Result<CaseRecord> caseOf(CaseId) override;
    Result<void> removeCase(CaseId) override;
    Result<void> assign(CaseId, const std::string& person) override;
    Result<void> relocateImage(CaseId, const ImageRecord&) override;

    Result<void> setState(CaseId, CaseState, const std::string& person, const std::string& comment) override;
    Result<std::vector<ReviewEvent>> reviewEvents(CaseId) override;

    Result<std::vector<LabelInfo>> labels() override;
    Result<void> putLabel(const LabelInfo&) override;
    Result<void> removeLabel(LabelId) override;

    Result<LayerContent> loadLayer(LayerId) override;
    Result<Edit> edit(LayerId, EditId) override;
    void commit(LayerId, JournalEntry, Committed) override;
    Result<EditId> commitNow(LayerId, JournalEntry) override;

    Result<void> recordPrompt(LayerId, const PromptRecord&) override;
    Result<std::vector<PromptRecord>> promptRecords(LayerId) override;

    Result<std::optional<std::string>> setting(const std::string& key) override;
    Result<void> putSetting(const std::string& key, const std::string& value) override;

    Result<std::vector<std::string>> check() override;

private:
    /// All that lives on the store's thread.
    struct Tables {
        explicit Tables(const std::filesystem::path& file)
            : sql(file), cases(sql), labels(sql), prompts(sql), journal(sql, cases) {}
        Sql sql;
        CaseTable cases;
        LabelTable labels;
        PromptTable prompts;
        Journal journal;
    };

    const std::filesystem::path path_;
    std::unique_ptr<FileGuard> guard_; // let go last, when SQLite has closed the file
    std::unique_ptr<Tables> tables_;   // made, used and ended on the store's thread
    StoreThread thread_;
};

} // namespace tandem
