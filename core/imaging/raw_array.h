#pragma once

#include "core/image/volume.h"
#include "core/imaging/file_bytes.h"
#include "core/usecases/image_reader.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace tandem::imaging {

enum class ElementType { Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Float32, Float64 };
enum class Encoding { Raw, Gzip, Bzip2, Text };

std::size_t elementBytes(ElementType);

/// An array of numbers in a file, as the headers of NRRD and MetaImage describe it.
/// Both formats are read by own code: Debian's ITK 5.2 was seen to return a truncated or undecompressable
/// MetaImage as if it were whole, to ask for 4.6 GB for a file of 150 bytes, and to refuse bzip2 and 4-D
/// NRRD.
struct ArrayLayout {
    std::string format;              ///< for descriptions: "NRRD", "MetaImage"
    std::vector<std::int64_t> sizes; ///< every axis, fastest first
    std::array<int, 3> spaceAxes{-1, -1,
                                 -1}; ///< which axes are i, j, k; -1 = one voxel. All others count frames.
    int componentAxis = -1;           ///< colour: an axis of 3 or 4 (alpha, left out) bytes
    ElementType type = ElementType::UInt8;
    Encoding encoding = Encoding::Raw;
    bool bigEndian = false;
    std::filesystem::path dataFile;
    std::uint64_t dataOffset = 0; ///< where the data begin in dataFile
    std::int64_t lineSkip = 0;    ///< lines to pass over after that
    std::int64_t byteSkip = 0;    ///< bytes to pass over after decompression; -1: the data are the last bytes
    Affine<Patient, Voxel> affine; ///< LPS mm
    std::vector<std::string> warnings;
};

std::int64_t frameCount(const ArrayLayout&);
std::string describe(const ArrayLayout&);

/// Refuses sizes below 1 and products beyond 2^55. Error: FormatInvalid.
Result<void> checkSizes(const ArrayLayout&, const std::filesystem::path&);

/// Reads one frame. Values keep their type as in plainValues. Error: FormatInvalid (truncated, damaged),
/// OutOfMemory, InvalidArgument (no such frame). Thread: any.
Result<LoadedImage> readArray(const ArrayLayout&, const std::filesystem::path&, std::int64_t frame);

/// The same from bytes that begin with the array (packed as the layout says).
Result<LoadedImage> readArray(const ArrayLayout&, const std::filesystem::path&, Bytes packed,
                              std::int64_t frame);

/// Header parsers. Error: FormatInvalid, FormatUnsupported by name.
bool isNrrd(std::span<const std::uint8_t> head);
bool isMetaImage(std::span<const std::uint8_t> head);
Result<ArrayLayout> parseNrrd(const std::filesystem::path&);
Result<ArrayLayout> parseMetaImage(const std::filesystem::path&);

/// With gzip's or zlib's header, or the bare stream of DICOM's deflated files.
enum class Deflate { WithHeader, Bare };

/// Decompresses at most `most` bytes of one stream. Empty result: damaged or truncated.
std::optional<Bytes> inflateUpTo(std::span<const std::uint8_t> packed, std::uint64_t most,
                                 Deflate = Deflate::WithHeader);
std::optional<Bytes> bunzipUpTo(std::span<const std::uint8_t> packed, std::uint64_t most);

/// Numbers of a header field, separated by blanks or commas and brackets; empty if one is no number.
std::vector<double> numbersIn(std::string_view);
std::string trimmed(std::string_view);
std::string lowered(std::string_view);

} // namespace tandem::imaging
