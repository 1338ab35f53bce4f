#pragma once

#include "core/files/json.h"
#include "inference/library.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// Where the program keeps what belongs to a person and not to a project: $XDG_DATA_HOME/Tandem/Tandem
/// (~/.local/share without the variable), the same for window and command line.
std::filesystem::path personFolder();
/// Where models lie that a person has imported.
std::filesystem::path modelsFolder();
/// Where ModelNotes are kept.
std::filesystem::path modelNotesFile();

/// A measurement and when it was made.
struct SpeedNote {
    ModelSpeed speed;
    std::string measuredAt; ///< ISO 8601, UTC
};

/// What is remembered of models outside projects: how fast they are on this machine, and which were used
/// last. A damaged file is as good as none: nothing in it is anybody's work. Thread: one at a time; two
/// programs that write at once keep one of the two notes.
class ModelNotes {
public:
    explicit ModelNotes(std::filesystem::path file = modelNotesFile());

    /// Of the file as it is now, on this machine; nothing once either has changed.
    std::optional<SpeedNote> speedOf(const std::filesystem::path& model) const;
    /// Error: FileUnwritable.
    Result<void> rememberSpeed(const std::filesystem::path& model, const ModelSpeed&);

    /// Files chosen before, newest first, at most ten; only those that still exist.
    std::vector<std::filesystem::path> recent() const;
    /// Error: FileUnwritable.
    Result<void> noteUse(const std::filesystem::path& model);

private:
    Result<void> write() const;

    std::filesystem::path file_;
    JsonValue notes_;
};

} // namespace tandem
