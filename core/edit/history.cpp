#include "core/edit/history.h"

namespace tandem {

void History::note(JournalAction action, EditId entry, EditId target) {
    switch (action) {
    case JournalAction::Do:
        done_.push_back(entry);
        undone_.clear();
        break;
    case JournalAction::Undo:
        if (!done_.empty() && done_.back() == target) {
            done_.pop_back();
            undone_.push_back(target);
        }
        break;
    case JournalAction::Redo:
        if (!undone_.empty() && undone_.back() == target) {
            undone_.pop_back();
            done_.push_back(target);
        }
        break;
    }
}

std::optional<EditId> History::nextUndo() const {
    return done_.empty() ? std::nullopt : std::optional(done_.back());
}

std::optional<EditId> History::nextRedo() const {
    return undone_.empty() ? std::nullopt : std::optional(undone_.back());
}

} // namespace tandem
