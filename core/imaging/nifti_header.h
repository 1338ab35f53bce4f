#pragma once

#include "core/imaging/file_bytes.h"

#include <array>
#include <cstdint>
#include <string>

namespace tandem::imaging {

/// NIfTI's data types that are read or named when refused (nifti1.h, DT_*).
enum class NiftiType : std::int16_t {
    Binary = 1,
    UInt8 = 2,
    Int16 = 4,
    Int32 = 8,
    Float32 = 16,
    Complex64 = 32,
    Float64 = 64,
    Rgb24 = 128,
    Int8 = 256,
    UInt16 = 512,
    UInt32 = 768,
    Int64 = 1024,
    UInt64 = 1280,
    Float128 = 1536,
    Complex128 = 1792,
    Complex256 = 2048,
    Rgba32 = 2304
};

/// What Tandem needs of a NIfTI-1 or -2 header, in the machine's byte order and in NIfTI's own terms (RAS,
/// mm).
struct NiftiHeader {
    int version = 1;        ///< 1 or 2
    bool singleFile = true; ///< voxels in the same file (n+1, n+2), or in a .img beside it (ni1, ni2)
    bool swapped = false;   ///< the file's byte order is not the machine's
    std::array<std::int64_t, 8> dim{}; ///< dim[0] = number of axes, then the length of each
    NiftiType type = NiftiType::UInt8;
    std::array<double, 8> pixdim{};
    std::int64_t voxelOffset = 0;
    double slope = 0, intercept = 0;
    int intent = 0;
    int qformCode = 0, sformCode = 0;
    std::array<double, 3> quaternion{}; ///< b, c, d
    std::array<double, 3> qoffset{};
    std::array<std::array<double, 4>, 3> sform{};
    int units = 0;           ///< low 3 bits: 1 = m, 2 = mm, 3 = um
    std::string description; ///< at most 79 characters

    std::array<std::int64_t, 3> size() const; ///< the three space axes, 1 where there are fewer
    std::int64_t frames() const;              ///< product of the axes beyond the third
    std::int64_t headerBytes() const { return version == 1 ? 348 : 540; }
};

/// Bytes of one voxel, 0 if the type is not one that is read.
std::int64_t voxelBytes(NiftiType);
std::string typeName(NiftiType);

/// The version (1, 2) if these are the first bytes of a NIfTI header; -1 for Analyze 7.5 (348 bytes, no
/// magic); else 0.
int niftiVersion(std::span<const std::uint8_t> head);

/// Reads and checks a header: sizes are positive and their product does not overflow.
/// @param head at least 540 bytes, or 348 for version 1. `path` is for the sentences.
/// Error: FormatInvalid; FormatUnsupported for Analyze 7.5, CIFTI, complex and 128-bit types, by name.
Result<NiftiHeader> parseNiftiHeader(std::span<const std::uint8_t> head, const std::filesystem::path& path);

/// The header as the bytes of a single file, little endian, with the empty extension (352 or 544 bytes).
Bytes encodeNiftiHeader(const NiftiHeader&);

} // namespace tandem::imaging
