#pragma once

#include "core/usecases/project_store.h"
#include "database/case_table.h"
#include "database/sql.h"

#include <optional>

namespace tandem {

/// The journals of all layers: entries in, label maps and undo histories out. Keeps the layer that is worked
/// on in memory, so that an entry that does not fit its mask is refused before it is written. Thread: the
/// store's; errors as ProjectStore's.
class Journal {
public:
    Journal(Sql& sql, CaseTable& cases) : sql_(sql), cases_(cases) {}

    Result<LayerContent> load(LayerId);
    Result<Edit> edit(LayerId, EditId);
    /// Appends an entry in a transaction of its own (fsync), with the case's step to InProgress if it is due.
    /// Errors: InvalidArgument if the entry does not fit the mask or the history; Locked for a finished case.
    Result<EditId> append(LayerId, const JournalEntry&);

    /// Writes a snapshot of the layer as it stands, so that loading it need not replay its journal.
    Result<void> keepRevision(LayerId);
    /// Writes a snapshot of the layer that is worked on, if much was drawn since the last.
    Result<void> tidy();

    /// Replays every journal and compares it with its revisions; adds a sentence for each thing that is
    /// wrong.
    Result<void> check(std::vector<std::string>& problems);
    /// Forgets what is held in memory; after a case was removed.
    void forget() { active_.reset(); }

private:
    struct Active {
        LayerId layer;
        CaseId owner;
        LayerContent content;
        EditId last;
        std::int64_t runsSinceRevision = 0;
    };
    struct Entry {
        EditId id;
        JournalAction action = JournalAction::Do;
        EditId target;
    };

    Result<Active*> activate(LayerId);
    Result<Active> emptyLayer(LayerId);
    Result<void> restoreRevision(Active&);
    Result<std::vector<Entry>> entries(LayerId);
    Result<void> replay(Active&, const Entry&);
    Result<Edit> stored(LayerId, EditId);
    Result<void> fits(const Active&, const JournalEntry&);
    Result<EditId> write(const Active&, const JournalEntry&);
    Result<void> keepRevision(Active&);
    Result<void> checkLayer(LayerId, std::vector<std::string>& problems);
    Result<std::optional<LabelMap>> revisionAt(const Active&, EditId, std::vector<std::string>& problems);
    std::string nameOf(const Active&);

    Sql& sql_;
    CaseTable& cases_;
    std::optional<Active> active_;
};

} // namespace tandem
