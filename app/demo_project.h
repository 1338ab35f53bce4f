#pragma once

#include "app/composition.h"
#include "core/usecases/job.h"

#include <filesystem>
#include <stop_token>

namespace tandem {

/// Makes the demo project in a folder: the phantom as phantom/ct.nii.gz with its truth beside it, and
/// demo.tandem with one new case and the phantom's label names. An existing demo.tandem is left alone and its
/// path returned. Takes a few seconds; not for the GUI thread. Errors: FileUnwritable, the store's,
/// Cancelled.
Result<std::filesystem::path> makeDemoProject(const std::filesystem::path& folder, Parts&, const Progress&,
                                              std::stop_token);

} // namespace tandem
