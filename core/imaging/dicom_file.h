#pragma once

// DCMTK asks for its configuration first.
#include "core/imaging/dicom_sniff.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <filesystem>
#include <functional>

namespace tandem::imaging {

/// Opens a DICOM file (also gzip-compressed, and deflated) and hands its dataset to `use`, on a stack that is
/// deep enough for whatever nesting the file can contain. Values longer than 4 KB stay in the file until
/// asked for, so that no length field can ask for memory. Error: FormatInvalid (truncated, damaged),
/// Unavailable (DCMTK's dictionary is missing), what `use` returns. Thread: any; exceptions of `use` become
/// FormatInvalid or OutOfMemory.
Result<void> withDicom(const std::filesystem::path&, const std::function<Result<void>(DcmFileFormat&)>& use);

} // namespace tandem::imaging
