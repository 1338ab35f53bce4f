#pragma once

#include "core/image/volume.h"
#include "core/imaging/dicom_header.h"
#include "core/imaging/dicom_items.h"

#include <dcmtk/dcmdata/dcfcache.h>

#include <variant>
#include <vector>

namespace tandem::imaging {

/// The samples of one frame, interleaved. Integers are what the file stores (masked to the stored bits, sign
/// extended; unsigned 32-bit values keep their bits); `isColour`: three 8-bit samples RGB.
struct FrameSamples {
    std::variant<std::vector<std::int32_t>, std::vector<float>, std::vector<double>> samples;
    bool isColour = false;
};

/// Decodes frames of one open file, lowest frame first.
class FrameDecoder {
public:
    /// `pixels` describes the whole stored picture (for a mosaic: all tiles together).
    FrameDecoder(DcmFileFormat&, const PixelFormat& pixels, std::int64_t frames,
                 const std::filesystem::path&);

    /// Error: FormatInvalid (truncated, damaged), FormatUnsupported, OutOfMemory.
    Result<FrameSamples> frame(std::int64_t index);

private:
    Result<std::vector<std::uint8_t>> decodedBytes(std::int64_t index, std::string& colourModel);
    Result<std::vector<std::uint8_t>> nativeBytes(DcmElement&, std::int64_t index, std::size_t bytes);
    Result<FrameSamples> integerFrame(std::int64_t index);
    Result<FrameSamples> rleFrame(std::int64_t index);
    Result<FrameSamples> jpeg2000Frame(std::int64_t index);
    std::optional<std::vector<std::uint8_t>> frameStream(std::int64_t index);
    template <class T>
    Result<FrameSamples> floatFrame(std::int64_t index, const DcmTagKey&);
    Result<FrameSamples> finish(std::vector<std::int32_t> samples, const std::string& colourModel,
                                bool planar);
    Result<FrameSamples> applyPalette(const std::vector<std::int32_t>& samples);
    Result<void> joinFragments();
    std::uint64_t mostFragmentBytes() const;
    Error damaged(const std::string& why) const;
    std::size_t sampleCount() const;

    DcmDataset& dataset_;
    PixelFormat pixels_;
    std::int64_t frames_;
    std::filesystem::path path_;
    DcmFileCache cache_;
    Uint32 nextFragment_ = 0;
    bool joined_ = false;
};

/// A frame in DICOM's RLE (PS3.5 annex G) as little-endian samples, interleaved; empty if it is damaged. Own
/// code: the decoder of DCMTK 3.6.7 was seen to read beyond its buffer on a damaged file.
std::optional<std::vector<std::uint8_t>> decodeRle(const std::vector<std::uint8_t>& stream,
                                                   const PixelFormat&);

/// Whether a JPEG or JPEG-LS stream has whole segments up to a frame header of the size and number of
/// components that the DICOM header says. Asked before DCMTK decodes it: its search for the bit depth was
/// seen to run forever on a damaged marker.
bool isSoundJpeg(std::span<const std::uint8_t> stream, const PixelFormat&);

/// A JPEG 2000 code stream as it was decoded.
struct Jpeg2000Picture {
    std::vector<std::int32_t> samples; ///< interleaved
    bool colourTransformed = false; ///< the code stream's own transform was undone: three components are RGB
};

/// Error: FormatInvalid (damaged, or not the size or number of components that the header says).
Result<Jpeg2000Picture> decodeJpeg2000(const std::vector<std::uint8_t>& stream, const PixelFormat&,
                                       const std::filesystem::path&);

} // namespace tandem::imaging
