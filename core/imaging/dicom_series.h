#pragma once

#include "core/geometry/geometry.h"
#include "core/imaging/dicom_header.h"
#include "core/usecases/image_reader.h"

#include <string>
#include <vector>

namespace tandem::imaging {

/// One volume (or several of one grid, one after another in time) put together from slices.
struct DicomVolume {
    std::string key;                   ///< ImageEntry::seriesKey
    std::string modality, description; ///< description: "CT 512 x 512 x 118, Abdomen 3 mm"
    PixelFormat pixels;                ///< of one slice
    std::int64_t mosaicTiles = 0;
    double sliceStep = 0; ///< as the header says; 0 = not said
    std::int64_t framesInFile = 1;
    std::vector<std::vector<DicomSlice>> frames; ///< [frame][slice], sorted along the normal
    std::vector<std::string> warnings;
};

/// Everything that was found at a path.
struct DicomScan {
    std::vector<DicomVolume> volumes; ///< in order of the files' names
    std::string firstProblem;         ///< why a file was left out, if one was
};

/// Groups slices by series, orientation, pixel size and picture size, sorts them by place along the normal,
/// and makes frames of pictures that share a place. Pictures without a place are volumes of their own.
std::vector<DicomVolume> groupSlices(const std::vector<DicomInstance>&);

/// Grid of one frame: columns and rows as the header says, slices by their positions (so that a tilted gantry
/// stays a sheared grid). Warnings about uneven distances are appended. Error: FormatInvalid.
Result<Geometry> volumeGeometry(const DicomVolume&, std::int64_t frame, std::vector<std::string>& warnings);

/// Reads the headers of a folder and all below it, or of the files beside a file.
/// Error: FileNotFound; FormatUnsupported with the reason when there is no image.
Result<DicomScan> scanDicomFolder(const std::filesystem::path&);
Result<DicomScan> scanDicomFile(const std::filesystem::path&);

/// The contract's list() and read() for DICOM.
Result<std::vector<ImageEntry>> listDicom(const std::filesystem::path&);
Result<LoadedImage> readDicom(const std::filesystem::path&, const std::string& seriesKey, std::int64_t frame);

} // namespace tandem::imaging
