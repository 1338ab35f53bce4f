#pragma once

#include "core/edit/edit.h"
#include "core/usecases/case_overview.h"
#include "core/usecases/project_store.h"

#include <QtCore/QObject>
#include <QtCore/QString>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace tandem {

/// Labels that the GUI thread writes and a worker may read: the worker holds the mutex while it reads, the
/// GUI thread while it writes; the GUI thread reads without it.
struct GuardedLabels {
    std::mutex mutex;
    LabelMap map;
    explicit GuardedLabels(LabelMap m) : map(std::move(m)) {}
};

/// The label map of the open case and the one way to change it: an edit is applied at once, committed to the
/// store, and taken back if the store refuses. One commit is on its way at a time; what comes meanwhile waits
/// its turn. Thread: GUI.
class EditSession : public QObject {
    Q_OBJECT
public:
    /// @param extents of the content's labels, as labelExtents() finds them
    EditSession(LayerId, LayerContent, std::vector<LabelExtent> extents, std::shared_ptr<ProjectStore>,
                QObject* parent = nullptr);
    ~EditSession() override;

    const LabelMap& labels() const { return guarded_->map; }
    std::shared_ptr<GuardedLabels> guardedLabels() const { return guarded_; }
    LabelExtent extent(LabelId) const;
    /// Every label that has voxels.
    std::vector<LabelId> present() const;

    /// Labels that undo and redo must leave alone.
    void setLocked(LockedLabels locked) { locked_ = std::move(locked); }

    /// True while a commit is not acknowledged.
    bool saving() const { return saving_; }
    /// Runs `action` once nothing is on its way to the disk: now, or after the acknowledgement, in the order
    /// of calls.
    void whenSaved(std::function<void()> action);
    /// Applies an edit and sends it to the store; waits its turn while saving. Empty edits are ignored.
    void commit(Edit);
    void undo();
    void redo();
    /// Blocks until everything is on disk, waiting actions included.
    void finish();

    bool canUndo() const { return history_.nextUndo().has_value(); }
    bool canRedo() const { return history_.nextRedo().has_value(); }
    QString undoTitle() const;
    QString redoTitle() const;

Q_SIGNALS:
    /// Voxels changed; also when a refused edit is taken back.
    void changed(const tandem::Edit& edit);
    /// The store has an entry on disk.
    void committed();
    void savingChanged();
    void historyChanged();
    void failed(const QString& sentence);

private:
    struct Mailbox;
    void perform(JournalEntry);
    void repeat(JournalAction, EditId target);
    bool apply(const Edit&);
    void receive();
    void runWaiting();
    void noteExtents(const Edit&);
    Result<Edit> editOf(EditId) const;
    bool touchesLocked(const Edit&) const;

    LayerId layer_;
    std::shared_ptr<GuardedLabels> guarded_;
    History history_;
    std::shared_ptr<ProjectStore> store_;
    std::shared_ptr<Mailbox> mailbox_;
    LockedLabels locked_;
    JournalEntry inFlight_;
    bool saving_ = false;
    std::deque<std::function<void()>> waiting_;
    mutable std::map<EditId, Edit> known_; ///< entries of this session and those looked up in the journal
    std::vector<LabelExtent> extents_;     ///< by label number, grown as needed
};

} // namespace tandem
