#pragma once

#include "core/edit/edit.h"
#include "core/edit/history.h"
#include "core/image/label_map.h"
#include "core/result.h"
#include "core/usecases/segmenter.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

struct CaseId {
    std::int64_t value = 0;
    friend auto operator<=>(const CaseId&, const CaseId&) = default;
};
struct LayerId {
    std::int64_t value = 0;
    friend auto operator<=>(const LayerId&, const LayerId&) = default;
};

/// New -> InProgress (first edit) -> Submitted -> Approved | Rejected; a rejected case that is edited is
/// InProgress again.
enum class CaseState : std::uint8_t { New, InProgress, Submitted, Approved, Rejected };
std::string_view caseStateName(CaseState); ///< "new", "in progress", "submitted", "approved", "rejected"

/// Where a case's image is and what it was when it was added: the certificate that masks are checked against.
struct ImageRecord {
    std::filesystem::path path; ///< absolute when handed out; stored relative to the project file
    std::string seriesKey;      ///< DICOM: which volume of the folder
    std::int64_t frame = 0;
    std::string contentHash;
    Geometry grid;
    std::string modality;
};

struct CaseRecord {
    CaseId id;
    std::string name;
    CaseState state = CaseState::New;
    std::string assignee; ///< name of the person, or empty
    ImageRecord image;
    LayerId layer;           ///< the layer of the project's label set (one per case for now)
    std::string lastComment; ///< reason of the latest rejection
    std::string changedAt;   ///< ISO 8601, UTC
};

/// One verdict or hand-over in a case's life.
struct ReviewEvent {
    CaseState from = CaseState::New, to = CaseState::New;
    std::string person;
    std::string comment;
    std::string at; ///< ISO 8601, UTC
};

/// A layer as it stands: labels of the last committed entry, and its undo history.
struct LayerContent {
    LabelMap labels;
    History history;
};

/// A journal entry to be committed: what was done, and (for Undo and Redo) to which earlier entry.
struct JournalEntry {
    JournalAction action = JournalAction::Do;
    Edit edit; ///< the runs as they were applied (for Undo the inverse ones)
    EditId target;
};

/// A prompt that was given and what became of the network's answer.
struct PromptRecord {
    SliceKey slice;
    LabelId label;
    Prompts prompts;
    std::string modelId;
    float predictedIou = 0;
    bool accepted = false;
};

/// One project on disk. All methods may be called from any thread; the store's own thread does the work.
/// Those that return a Result block until it is done (milliseconds); commit() returns at once and calls back
/// on the store's thread once the change is on disk (fsync). Errors are StoreFailed unless said.
class ProjectStore {
public:
    using Committed = std::function<void(Result<EditId>)>;

    virtual ~ProjectStore() = default;

    virtual std::filesystem::path path() const = 0;
    virtual Result<std::string> name() = 0;

    virtual Result<CaseId> addCase(const std::string& name, const ImageRecord&) = 0;
    virtual Result<std::vector<CaseRecord>> cases() = 0;
    virtual Result<CaseRecord> caseOf(CaseId) = 0;
    virtual Result<void> removeCase(CaseId) = 0;
    virtual Result<void> assign(CaseId, const std::string& person) = 0;
    /// Points a case to where its image lies now. Error: GridMismatch or InvalidArgument if it is another
    /// image.
    virtual Result<void> relocateImage(CaseId, const ImageRecord&) = 0;

    /// Moves a case along; the store refuses steps that make no sense (InvalidArgument).
    virtual Result<void> setState(CaseId, CaseState, const std::string& person,
                                  const std::string& comment) = 0;
    virtual Result<std::vector<ReviewEvent>> reviewEvents(CaseId) = 0;

    virtual Result<std::vector<LabelInfo>> labels() = 0;
    /// Adds a label or changes the one of the same number.
    virtual Result<void> putLabel(const LabelInfo&) = 0;
    virtual Result<void> removeLabel(LabelId) = 0;

    virtual Result<LayerContent> loadLayer(LayerId) = 0;
    /// The entry with that number, as it was first applied.
    virtual Result<Edit> edit(LayerId, EditId) = 0;
    /// Appends an entry. Entries of one layer are committed in the order of the calls.
    virtual void commit(LayerId, JournalEntry, Committed) = 0;
    /// The same, waiting for the disk.
    virtual Result<EditId> commitNow(LayerId, JournalEntry) = 0;

    virtual Result<void> recordPrompt(LayerId, const PromptRecord&) = 0;
    virtual Result<std::vector<PromptRecord>> promptRecords(LayerId) = 0;

    virtual Result<std::optional<std::string>> setting(const std::string& key) = 0;
    virtual Result<void> putSetting(const std::string& key, const std::string& value) = 0;

    /// Checks the file and every journal against its revisions; a list of sentences, empty when all is well.
    virtual Result<std::vector<std::string>> check() = 0;
};

} // namespace tandem
