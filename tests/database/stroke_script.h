#pragma once

#include "tests/database/store_fixture.h"

#include <map>

namespace tandem {

/// A sequence of strokes, undos and redos that two processes can compute alike. Entry n of a project's only
/// layer has the number n.
class StrokeScript {
public:
    /// What comes next.
    JournalEntry next() const {
        std::mt19937 random(static_cast<unsigned>(count_ + 1));
        const unsigned kind = random() % 6;
        if (kind == 0 && history_.nextUndo())
            return {JournalAction::Undo, inverse(edits_.at(*history_.nextUndo())), *history_.nextUndo()};
        if (kind == 1 && history_.nextRedo())
            return {JournalAction::Redo, edits_.at(*history_.nextRedo()), *history_.nextRedo()};
        return {JournalAction::Do, randomEdit(random, map_), {}};
    }
    void advance() {
        const JournalEntry entry = next();
        const EditId id{++count_};
        EXPECT_TRUE(applyEdit(map_, entry.edit).has_value());
        history_.note(entry.action, id, entry.target);
        if (entry.action == JournalAction::Do)
            edits_[id] = entry.edit;
    }
    void advanceTo(std::int64_t count) {
        while (count_ < count)
            advance();
    }

    std::int64_t count() const { return count_; }
    const LabelMap& map() const { return map_; }
    const History& history() const { return history_; }

private:
    std::int64_t count_ = 0;
    LabelMap map_{obliqueGrid()};
    History history_;
    std::map<EditId, Edit> edits_;
};

} // namespace tandem
