#include "app/gui/document/edit_session.h"

#include <QtCore/QCoreApplication>
#include <QtCore/QPointer>

#include <algorithm>
#include <condition_variable>
#include <optional>

namespace tandem {

/// Where the store's thread leaves its answer.
struct EditSession::Mailbox {
    std::mutex mutex;
    std::condition_variable arrived;
    std::optional<Result<EditId>> answer;
};

EditSession::EditSession(LayerId layer, LayerContent content, std::vector<LabelExtent> extents,
                         std::shared_ptr<ProjectStore> store, QObject* parent)
    : QObject(parent), layer_(layer), guarded_(std::make_shared<GuardedLabels>(std::move(content.labels))),
      history_(std::move(content.history)), store_(std::move(store)), mailbox_(std::make_shared<Mailbox>()),
      extents_(std::move(extents)) {}

EditSession::~EditSession() = default;

void EditSession::noteExtents(const Edit& edit) {
    const Size3 size = labels().grid().size();
    for (const EditRun& run : edit.runs) {
        const std::size_t needed = std::max(run.before, run.after) + std::size_t{1};
        if (needed > extents_.size())
            extents_.resize(needed, LabelExtent{0, size, {-1, -1, -1}});
        extents_[run.before].voxels -= run.length;
        LabelExtent& e = extents_[run.after];
        e.voxels += run.length;
        const auto first = static_cast<std::int64_t>(run.start), last = first + run.length - 1;
        const bool oneRow = first / size[0] == last / size[0];
        const bool oneSlice = first / (size[0] * size[1]) == last / (size[0] * size[1]);
        const std::array<std::int64_t, 3> low{oneRow ? first % size[0] : 0,
                                              oneSlice ? first / size[0] % size[1] : 0,
                                              first / (size[0] * size[1])};
        const std::array<std::int64_t, 3> high{oneRow ? last % size[0] : size[0] - 1,
                                               oneSlice ? last / size[0] % size[1] : size[1] - 1,
                                               last / (size[0] * size[1])};
        for (std::size_t a = 0; a < 3; ++a) {
            e.first[a] = std::min(e.first[a], low[a]);
            e.last[a] = std::max(e.last[a], high[a]);
        }
    }
}

LabelExtent EditSession::extent(LabelId id) const {
    return id.value < extents_.size() ? extents_[id.value] : LabelExtent{};
}

std::vector<LabelId> EditSession::present() const {
    std::vector<LabelId> labels;
    for (std::size_t n = 1; n < extents_.size(); ++n)
        if (extents_[n].voxels > 0)
            labels.push_back({static_cast<std::uint16_t>(n)});
    return labels;
}

void EditSession::whenSaved(std::function<void()> action) {
    waiting_.push_back(std::move(action));
    runWaiting();
}

void EditSession::runWaiting() {
    while (!saving_ && !waiting_.empty()) {
        const std::function<void()> action = std::move(waiting_.front());
        waiting_.pop_front();
        action();
    }
}

void EditSession::commit(Edit edit) {
    if (edit.empty())
        return;
    if (saving_)
        return whenSaved([this, later = std::move(edit)] { commit(later); });
    perform({JournalAction::Do, std::move(edit), {}});
}

bool EditSession::apply(const Edit& edit) {
    Result<void> applied;
    {
        const std::lock_guard lock(guarded_->mutex);
        applied = applyEdit(guarded_->map, edit);
    }
    if (!applied) {
        Q_EMIT failed(QString::fromStdString(applied.error().sentence));
        return false;
    }
    noteExtents(edit);
    Q_EMIT changed(edit);
    return true;
}

void EditSession::perform(JournalEntry entry) {
    if (!apply(entry.edit))
        return;
    inFlight_ = entry;
    saving_ = true;
    Q_EMIT savingChanged();
    const auto deliver = [mailbox = mailbox_, self = QPointer<EditSession>(this)](Result<EditId> answer) {
        {
            const std::lock_guard lock(mailbox->mutex);
            mailbox->answer = std::move(answer);
        }
        mailbox->arrived.notify_all();
        if (QCoreApplication* app = QCoreApplication::instance())
            QMetaObject::invokeMethod(
                app,
                [self] {
                    if (self)
                        self->receive();
                },
                Qt::QueuedConnection);
    };
    store_->commit(layer_, std::move(entry), deliver);
}

void EditSession::receive() {
    std::optional<Result<EditId>> answer;
    {
        const std::lock_guard lock(mailbox_->mutex);
        answer.swap(mailbox_->answer);
    }
    if (!answer || !saving_)
        return;
    saving_ = false;
    const JournalEntry entry = std::move(inFlight_);
    if (answer->has_value()) {
        history_.note(entry.action, answer->value(), entry.target);
        if (entry.action == JournalAction::Do)
            known_.insert_or_assign(answer->value(), entry.edit);
        Q_EMIT committed();
    } else {
        apply(inverse(entry.edit));
        Q_EMIT failed(tr("The last change was taken back, because it could not be saved. %1")
                          .arg(QString::fromStdString(answer->error().sentence)));
    }
    Q_EMIT savingChanged();
    Q_EMIT historyChanged();
    runWaiting();
}

void EditSession::finish() {
    while (saving_) {
        {
            std::unique_lock lock(mailbox_->mutex);
            mailbox_->arrived.wait(lock, [this] { return mailbox_->answer.has_value(); });
        }
        receive();
    }
}

Result<Edit> EditSession::editOf(EditId id) const {
    if (const auto found = known_.find(id); found != known_.end())
        return found->second;
    Result<Edit> edit = store_->edit(layer_, id);
    if (edit)
        known_.insert_or_assign(id, *edit);
    return edit;
}

bool EditSession::touchesLocked(const Edit& edit) const {
    return std::any_of(edit.runs.begin(), edit.runs.end(), [this](const EditRun& run) {
        return locked_.contains(LabelId{run.before}) || locked_.contains(LabelId{run.after});
    });
}

void EditSession::repeat(JournalAction action, EditId target) {
    const Result<Edit> edit = editOf(target);
    if (!edit)
        return Q_EMIT failed(QString::fromStdString(edit.error().sentence));
    if (touchesLocked(*edit))
        return Q_EMIT failed(tr("“%1” changed a label that is locked now. Unlock the label first.")
                                 .arg(QString::fromStdString(edit->title)));
    perform({action, action == JournalAction::Undo ? inverse(*edit) : *edit, target});
}

void EditSession::undo() {
    whenSaved([this] {
        if (const auto target = history_.nextUndo())
            repeat(JournalAction::Undo, *target);
    });
}

void EditSession::redo() {
    whenSaved([this] {
        if (const auto target = history_.nextRedo())
            repeat(JournalAction::Redo, *target);
    });
}

QString EditSession::undoTitle() const {
    const auto target = history_.nextUndo();
    const Result<Edit> edit = target ? editOf(*target) : Result<Edit>(Edit{});
    return edit ? QString::fromStdString(edit->title) : QString();
}

QString EditSession::redoTitle() const {
    const auto target = history_.nextRedo();
    const Result<Edit> edit = target ? editOf(*target) : Result<Edit>(Edit{});
    return edit ? QString::fromStdString(edit->title) : QString();
}

} // namespace tandem
