#pragma once

#include "core/result.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/job.h"
#include "core/usecases/project_store.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// What goes out and where to.
struct ExportRequest {
    std::filesystem::path folder; ///< made if it is not there
    std::vector<CaseId> cases;    ///< these; empty: all that `approvedOnly` lets through
    bool approvedOnly = true;     ///< false: every case, whatever its state
    bool filePerLabel = false;    ///< one mask of 0 and 1 for each label, besides none for empty ones
    bool replace = false;         ///< whether files of an earlier export may be replaced
    std::string suffix = "_mask"; ///< what file names get after the case's name
};

struct ExportedFile {
    CaseId caseId;
    LabelId label; ///< 0: all labels in one file
    std::filesystem::path file;
};

struct ExportReport {
    std::vector<ExportedFile> files;
    std::filesystem::path
        labelNames; ///< the list of label numbers, names and colours, written beside the masks
    std::vector<std::string> warnings; ///< sentences: images that could not be looked at
};

/// A file's name for a case: no separators, control characters or names that another system refuses; at most
/// 120 bytes.
std::string safeFileName(const std::string& caseName);

/// Writes masks as NIfTI label maps on their images' grids, one file a case, and labels.txt (ITK-SNAP's label
/// description). Every image that is there is read and must still be the one that was drawn on; every file is
/// read back before it gets its name. All names are settled and checked before the first file is written;
/// after an error or a cancel, the files written so far are whole. Errors: InvalidArgument (nothing to
/// export); FileUnwritable (also for a file that exists, without `replace`, and for a name that would replace
/// an image of the project); GridMismatch; the store's; Cancelled. Thread: any but the store's.
Result<ExportReport> exportMasks(ProjectStore&, const ImageReader&, const ExportRequest&, const Progress&,
                                 std::stop_token);

} // namespace tandem
