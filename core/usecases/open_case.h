#pragma once

#include "core/image/volume.h"
#include "core/result.h"
#include "core/usecases/case_overview.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/job.h"
#include "core/usecases/project_store.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// An image as read from disk, with the record that names it in a project.
struct ReadImage {
    LoadedImage image;
    ImageRecord record;
};

/// A case ready to be worked on: image and layer share one grid.
struct OpenedCase {
    CaseRecord record;
    LoadedImage image;
    LayerContent layer;
    CaseOverview overview;
};

/// Reads and hashes an image. Errors: the reader's; Cancelled. Thread: any; seconds for a large image.
Result<ReadImage> readImage(const ImageReader&, const std::filesystem::path&, const std::string& seriesKey,
                            std::int64_t frame, const Progress&, std::stop_token);

/// A case name for an image: its file's name without what formats append, or the folder's; for DICOM with
/// what the series is called.
std::string caseNameFor(const ImageEntry&, std::int64_t frame);

/// The project's case that has this image (same content), else a new one. A case whose file has gone is
/// pointed to where the image lies now. The name gets a number if another case has it. Errors: the store's.
Result<CaseId> findOrAddCase(ProjectStore&, const std::string& name, const ImageRecord&);

/// Joins a case with its image, which was read before.
/// Error: GridMismatch if the image is not the one that the case was drawn on, or the layer lies on another
/// grid.
Result<OpenedCase> openCaseWith(ProjectStore&, CaseId, ReadImage);

/// Reads a case's image, checks that it is still the one that the case was drawn on, and loads its layer.
/// Errors: the reader's, the store's, GridMismatch, Cancelled. Thread: any.
Result<OpenedCase> openCase(const ImageReader&, ProjectStore&, CaseId, const Progress&, std::stop_token);

} // namespace tandem
