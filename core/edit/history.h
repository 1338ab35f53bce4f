#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace tandem {

/// The number of an entry in a layer's journal; ascending.
struct EditId {
    std::int64_t value = 0;
    friend auto operator<=>(const EditId&, const EditId&) = default;
};

/// What a journal entry did: a new edit, or one taken back or done again.
enum class JournalAction : std::uint8_t { Do, Undo, Redo };

/// The undo and redo stacks of a layer, rebuilt from its journal: unlimited, alive across restarts.
/// Undo and redo are entries themselves, so the journal only grows.
class History {
public:
    /// Notes an entry. For Undo and Redo, `target` is the Do entry that was taken back or done again.
    void note(JournalAction action, EditId entry, EditId target);

    std::optional<EditId> nextUndo() const;
    std::optional<EditId> nextRedo() const;

private:
    std::vector<EditId> done_;
    std::vector<EditId> undone_;
};

} // namespace tandem
