#pragma once

#include "core/imaging/dicom_header.h"
#include "core/imaging/dicom_items.h"

namespace tandem::imaging {

/// A Siemens mosaic shows all slices of a volume as tiles of one picture. Replaces its slice by one per tile,
/// placed by the private CSA header (number of tiles, slice normal); leaves other files alone. Source:
/// nibabel, nicom/dicomwrappers.py (MosaicWrapper) and csareader.py. Error: FormatUnsupported if the CSA
/// header does not say how the tiles lie.
Result<void> splitMosaic(DcmDataset&, const std::filesystem::path&, DicomInstance&);

} // namespace tandem::imaging
