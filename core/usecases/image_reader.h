#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tandem {

/// One image that a path holds: a file is one; a DICOM folder holds one per series, orientation and spacing.
struct ImageEntry {
    std::filesystem::path path; ///< what to give to read()
    std::string seriesKey;      ///< DICOM only: which of the folder's volumes; empty otherwise
    std::string description;    ///< "CT 512 x 512 x 118, Abdomen 3 mm"
    std::int64_t frames = 1;    ///< 4-D images: how many volumes
};

/// Reads images of every format that Tandem knows, by content first and name second. Thread: any.
class ImageReader {
public:
    virtual ~ImageReader() = default;

    /// What lies at a path (file or folder). Error: FileNotFound, FormatUnsupported with the reason.
    virtual Result<std::vector<ImageEntry>> list(const std::filesystem::path&) const = 0;

    /// Reads one volume. For DICOM, any file of a series or its folder; `seriesKey` as list() gives it, empty
    /// for the file's own series or the folder's largest. `frame` chooses the volume of a 4-D image.
    virtual Result<LoadedImage> read(const std::filesystem::path&, const std::string& seriesKey = {},
                                     std::int64_t frame = 0) const = 0;

    /// Reads labels (integers 0..65535) of an image file. Error: FormatInvalid if a value is not such an
    /// integer.
    virtual Result<LabelMap> readLabels(const std::filesystem::path&) const = 0;

    /// Writes labels as NIfTI (.nii or .nii.gz) on their grid: uint8 if that suffices, else uint16; sform and
    /// qform; temporary name, fsync, rename; then reads it back and compares. Error: FileUnwritable.
    virtual Result<void> writeLabels(const std::filesystem::path&, const LabelMap&) const = 0;

    /// Content hash of an image (voxels and grid), hex: names it in projects and caches.
    virtual std::string contentHash(const Volume&) const = 0;
};

} // namespace tandem
