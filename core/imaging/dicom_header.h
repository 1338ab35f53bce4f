#pragma once

#include "core/geometry/frames.h"
#include "core/result.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tandem::imaging {

/// How the pixels of a file are stored.
struct PixelFormat {
    enum class Storage { Integer, Float32, Float64 };
    std::int64_t columns = 0, rows = 0;
    int samples = 1;       ///< 1 or 3
    int bitsAllocated = 8; ///< 1, 8, 16 or 32; of float 32 or 64
    int bitsStored = 8;
    int highBit = 7;
    bool isSigned = false;
    bool planar = false; ///< colour-by-plane
    Storage storage = Storage::Integer;
    std::string photometric;

    friend bool operator==(const PixelFormat&, const PixelFormat&) = default;
};

/// One picture: a file of one frame, or one frame of a multi-frame file.
struct DicomSlice {
    std::filesystem::path file;
    std::int64_t frame = 0;                ///< in the file, from 0
    std::int64_t tile = -1;                ///< Siemens mosaic: which tile of the picture
    bool placed = false;                   ///< position and orientation are in the file
    Point<Patient> position;               ///< centre of the first pixel, LPS mm
    Vector<Patient> alongRow, alongColumn; ///< unit vectors of growing column index and growing row index
    double columnStep = 1, rowStep = 1;    ///< mm between columns, between rows
    double slope = 1, intercept = 0;
    std::vector<std::int64_t> order; ///< which of several pictures at one position comes first
    std::string instanceUid;
};

/// What a file says beside its pixels.
struct DicomInstance {
    std::string seriesUid, modality, seriesDescription;
    PixelFormat pixels;
    std::int64_t frames = 1;
    double sliceStep = 0;         ///< SpacingBetweenSlices, else SliceThickness; 0 if neither is there
    std::int64_t mosaicTiles = 0; ///< Siemens mosaic: tiles along one side of the picture
    bool framesAreTime = false;   ///< a cine loop: frames follow one another at one place
    std::vector<DicomSlice> slices;
    std::vector<std::string> warnings;
};

/// Reads a file's header. Error: FormatInvalid; FormatUnsupported by name for what is no image of voxels
/// (segmentation, structured report, radiotherapy structures, slide tiles ...) or not decoded (transfer
/// syntax).
Result<DicomInstance> readDicomHeader(const std::filesystem::path&);

/// Whether the file is a DICOMDIR, the list of a medium.
bool isDicomDirectory(const std::filesystem::path&);

} // namespace tandem::imaging
