#pragma once

#include "core/usecases/image_reader.h"

#include <memory>

namespace tandem {

/// The reader of every format: NIfTI-1/-2, NRRD, MetaImage, PNG/TIFF/JPEG, DICOM.
std::unique_ptr<ImageReader> makeImageReader();

/// Writes a volume as NIfTI on its grid (value type kept). Error: FileUnwritable.
Result<void> writeNiftiVolume(const std::filesystem::path&, const Volume&);

/// Writes rows of 8-bit RGB as PNG. Error: FileUnwritable, InvalidArgument.
Result<void> writePng(const std::filesystem::path&, std::int64_t width, std::int64_t height,
                      const std::vector<std::uint8_t>& rgb);

/// What a written DICOM series says of itself.
struct DicomSeriesLabels {
    std::string patientName = "PHANTOM^TANDEM";
    std::string patientId = "PHANTOM";
    std::string seriesDescription = "Synthetic abdomen";
};
/// Writes a CT volume as a DICOM series, one file a slice, explicit VR little endian. Values are rounded to
/// int16 HU; the grid must be without shear. Read back, slices are ordered along row x column: a left-handed
/// grid comes back with its slices in the other order, every voxel in its place. Error: FileUnwritable,
/// FormatUnsupported.
Result<void> writeDicomSeries(const std::filesystem::path& folder, const Volume&, const DicomSeriesLabels&);

} // namespace tandem
