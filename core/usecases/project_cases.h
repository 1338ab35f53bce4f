#pragma once

#include "core/result.h"
#include "core/usecases/find_images.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/job.h"
#include "core/usecases/project_store.h"

#include <array>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

struct AddedImage {
    std::filesystem::path path;
    CaseId caseId;
    std::string caseName;
};

/// What became of the paths that were given.
struct AddReport {
    std::vector<AddedImage> added; ///< new cases
    std::vector<AddedImage> known; ///< images that the project had already
    std::vector<RefusedImage> refused;
};

/// Adds images as cases: what findImages() finds. A 4-D image becomes one case of its first frame. What
/// cannot be read is reported, the rest goes on. Errors: the store's; Cancelled (what was added stays).
/// Thread: any but the store's.
Result<AddReport> addImages(ProjectStore&, const ImageReader&, const std::vector<std::filesystem::path>&,
                            const Progress&, std::stop_token);

/// What an import changed.
struct ImportReport {
    EditId entry; ///< 0 if the mask was the same already
    std::uint64_t changedVoxels = 0;
    std::uint64_t keptByLock = 0;   ///< voxels that differ, but belong to or would become a locked label
    std::vector<LabelId> newLabels; ///< labels that the project did not have; named "Label N"
};

/// Makes a case's mask what a label file says, as one edit that can be undone; voxels of locked labels stay.
/// Errors: the reader's; GridMismatch if the file does not lie on the image's grid; Locked (case submitted or
/// approved). Thread: any but the store's.
Result<ImportReport> importLabels(ProjectStore&, const ImageReader&, CaseId, const std::filesystem::path&);

/// One case in a project's status.
struct CaseSummary {
    CaseRecord record;
    bool imageThere = false;
    std::vector<std::pair<LabelId, double>> volumesMl; ///< labels that occur
};

struct ProjectSummary {
    std::string name;
    std::array<int, 5> casesByState{}; ///< index: CaseState
    std::vector<LabelInfo> labels;
    std::vector<CaseSummary> cases;
};

/// How a project stands. With `volumes`, every mask is loaded and measured. Errors: the store's.
Result<ProjectSummary> summarise(ProjectStore&, bool volumes);

} // namespace tandem
