#include "core/imaging/imaging.h"

namespace tandem {

Result<void> writeDicomSeries(const std::filesystem::path& folder, const Volume&, const DicomSeriesLabels&) {
    return Error{ErrorCode::Unavailable,
                 "Cannot write " + folder.string() + ": this build writes no DICOM yet."};
}

} // namespace tandem
