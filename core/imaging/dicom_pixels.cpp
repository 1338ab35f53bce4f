#include "core/imaging/dicom_pixels.h"

#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tandem::imaging {
namespace {

constexpr std::size_t mostPaletteBytes = 1 << 18;

/// The samples of a decoded frame as numbers: stored bits only, sign extended.
std::vector<std::int32_t> numbersFrom(const std::vector<std::uint8_t>& bytes, const PixelFormat& p) {
    const std::size_t width = static_cast<std::size_t>(p.bitsAllocated) / 8;
    const int shift = p.highBit + 1 - p.bitsStored;
    const std::uint32_t mask = p.bitsStored >= 32 ? ~0U : (1U << p.bitsStored) - 1;
    const std::uint32_t sign = p.isSigned ? 1U << (p.bitsStored - 1) : 0;
    std::vector<std::int32_t> numbers(bytes.size() / width);
    for (std::size_t n = 0; n < numbers.size(); ++n) {
        std::uint32_t v = 0;
        std::memcpy(&v, bytes.data() + n * width, width);
        v = v >> shift & mask;
        numbers[n] = static_cast<std::int32_t>((v ^ sign) - sign);
    }
    return numbers;
}

std::uint8_t byteOf(double v) {
    return static_cast<std::uint8_t>(std::clamp(std::floor(v + 0.5), 0.0, 255.0));
}

/// PS3.3 C.7.6.3.1.2: YBR_FULL to RGB (ITU-R BT.601, full range).
void rgbFromYbr(std::vector<std::int32_t>& s) {
    for (std::size_t n = 0; n + 2 < s.size(); n += 3) {
        const double y = s[n], b = s[n + 1] - 128.0, r = s[n + 2] - 128.0;
        s[n] = byteOf(y + 1.402 * r);
        s[n + 1] = byteOf(y - 0.114 * 1.772 / 0.587 * b - 0.299 * 1.402 / 0.587 * r);
        s[n + 2] = byteOf(y + 1.772 * b);
    }
}

std::vector<std::int32_t> interleaved(const std::vector<std::int32_t>& planes) {
    const std::size_t count = planes.size() / 3;
    std::vector<std::int32_t> out(count * 3);
    for (std::size_t n = 0; n < count; ++n)
        for (std::size_t c = 0; c < 3; ++c)
            out[3 * n + c] = planes[c * count + n];
    return out;
}

/// Uncompressed YBR_FULL_422: Y1 Y2 Cb Cr for every two pixels.
std::vector<std::int32_t> from422(const std::vector<std::uint8_t>& bytes) {
    std::vector<std::int32_t> out;
    out.reserve(bytes.size() / 4 * 6);
    for (std::size_t n = 0; n + 3 < bytes.size(); n += 4)
        for (const std::size_t y : {n, n + 1})
            out.insert(out.end(), {bytes[y], bytes[n + 2], bytes[n + 3]});
    return out;
}

bool isJpeg2000(E_TransferSyntax syntax) {
    return syntax == EXS_JPEG2000 || syntax == EXS_JPEG2000LosslessOnly;
}

/// One of the three tables of a palette: value -> 8 bits.
struct Palette {
    std::int32_t first = 0;
    std::vector<std::uint8_t> entries;

    std::uint8_t at(std::int32_t v) const {
        const auto place = std::clamp<std::int64_t>(std::int64_t{v} - first, 0,
                                                    static_cast<std::int64_t>(entries.size()) - 1);
        return entries[static_cast<std::size_t>(place)];
    }
};

std::optional<Palette> readPalette(DcmDataset& d, const DcmTagKey& descriptor, const DcmTagKey& data) {
    const std::vector<double> what = numbersOf(d, descriptor);
    const std::vector<std::uint8_t> bytes = bytesOf(d, data, mostPaletteBytes);
    if (what.size() != 3 || what[0] < 0 || what[0] > 65535)
        return std::nullopt;
    const std::size_t count = what[0] == 0 ? 65536 : static_cast<std::size_t>(what[0]);
    Palette palette;
    palette.first = static_cast<std::int32_t>(what[1]);
    const bool wide = bytes.size() >= 2 * count; // entries of 16 bits; else packed bytes
    if (!wide && bytes.size() < count)
        return std::nullopt;
    for (std::size_t n = 0; n < count; ++n)
        palette.entries.push_back(!wide ? bytes[n] : what[2] == 8 ? bytes[2 * n] : bytes[2 * n + 1]);
    return palette;
}

/// The fragments of one frame of an encapsulated picture, joined. Frames are told apart by the number of
/// fragments, by the basic offset table, or by the marker with which every JPEG 2000 code stream begins.
class Fragments {
public:
    Fragments(DcmPixelSequence& sequence, std::uint64_t fileBytes)
        : sequence_(sequence), fileBytes_(fileBytes) {}

    /// The first item is the offset table.
    std::int64_t count() { return static_cast<std::int64_t>(sequence_.card()) - 1; }

    std::optional<std::vector<std::uint8_t>> frame(std::int64_t index, std::int64_t frames) {
        const auto count =
            static_cast<std::int64_t>(sequence_.card()) - 1; // the first item is the offset table
        if (count < frames || count < 1)
            return std::nullopt;
        if (count == frames)
            return join(index + 1, index + 2);
        if (frames == 1)
            return join(1, count + 1);
        std::vector<std::int64_t> starts;
        for (std::int64_t item = 1; item <= count; ++item)
            if (startsStream(item))
                starts.push_back(item);
        starts.push_back(count + 1);
        if (static_cast<std::int64_t>(starts.size()) != frames + 1)
            return std::nullopt;
        return join(starts[static_cast<std::size_t>(index)], starts[static_cast<std::size_t>(index) + 1]);
    }

private:
    std::optional<std::span<const std::uint8_t>> bytes(std::int64_t item) {
        DcmPixelItem* pixels = nullptr;
        if (sequence_.getItem(pixels, static_cast<unsigned long>(item)).bad() || !pixels ||
            pixels->getLength() > fileBytes_)
            return std::nullopt;
        Uint8* data = nullptr;
        if (pixels->getUint8Array(data).bad() || !data)
            return std::nullopt;
        return std::span<const std::uint8_t>(data, pixels->getLength());
    }
    bool startsStream(std::int64_t item) {
        const auto data = bytes(item);
        if (!data || data->size() < 8)
            return false;
        const std::span<const std::uint8_t>& d = *data;
        const bool jpeg = d[0] == 0xFF && d[1] == 0xD8 && d[2] == 0xFF;
        const bool jpeg2000 = (d[0] == 0xFF && d[1] == 0x4F && d[2] == 0xFF) || (d[4] == 'j' && d[5] == 'P');
        const bool rle =
            d[0] >= 1 && d[0] <= 15 && d[1] == 0 && d[2] == 0 && d[3] == 0 && d[4] == 64 && d[5] == 0;
        return jpeg || jpeg2000 || rle;
    }
    std::optional<std::vector<std::uint8_t>> join(std::int64_t from, std::int64_t to) {
        std::vector<std::uint8_t> all;
        for (std::int64_t item = from; item < to; ++item) {
            const auto data = bytes(item);
            if (!data)
                return std::nullopt;
            all.insert(all.end(), data->begin(), data->end());
        }
        return all;
    }

    DcmPixelSequence& sequence_;
    std::uint64_t fileBytes_;
};

std::uint64_t sizeOfFile(const std::filesystem::path& path) {
    std::error_code failed;
    const std::uint64_t size = std::filesystem::file_size(path, failed);
    return failed ? 0 : size;
}

} // namespace

FrameDecoder::FrameDecoder(DcmFileFormat& file, const PixelFormat& pixels, std::int64_t frames,
                           const std::filesystem::path& path)
    : dataset_(*file.getDataset()), pixels_(pixels), frames_(frames), path_(path) {}

Error FrameDecoder::damaged(const std::string& why) const {
    return readError(ErrorCode::FormatInvalid, path_, "its pixels are truncated or damaged (" + why + ").");
}

std::size_t FrameDecoder::sampleCount() const {
    return static_cast<std::size_t>(pixels_.columns * pixels_.rows) *
           static_cast<std::size_t>(pixels_.samples);
}

Result<FrameSamples> FrameDecoder::frame(std::int64_t index) {
    if (Result<void> fits = checkMemory(path_, sampleCount() * 16); !fits)
        return fits.error();
    switch (pixels_.storage) {
    case PixelFormat::Storage::Float32:
        return floatFrame<float>(index, DCM_FloatPixelData);
    case PixelFormat::Storage::Float64:
        return floatFrame<double>(index, DCM_DoubleFloatPixelData);
    default:
        if (dataset_.getOriginalXfer() == EXS_RLELossless)
            return rleFrame(index);
        return isJpeg2000(dataset_.getOriginalXfer()) ? jpeg2000Frame(index) : integerFrame(index);
    }
}

template <class T>
Result<FrameSamples> FrameDecoder::floatFrame(std::int64_t index, const DcmTagKey& key) {
    DcmElement* element = nullptr;
    if (dataset_.findAndGetElement(key, element).bad() || !element)
        return damaged("no pixel data");
    Result<std::vector<std::uint8_t>> bytes = nativeBytes(*element, index, sampleCount() * sizeof(T));
    if (!bytes)
        return bytes.error();
    std::vector<T> samples(sampleCount());
    std::memcpy(samples.data(), bytes->data(), bytes->size());
    return FrameSamples{std::move(samples), false};
}

Result<std::vector<std::uint8_t>> FrameDecoder::nativeBytes(DcmElement& element, std::int64_t index,
                                                            std::size_t bytes) {
    const std::uint64_t start = static_cast<std::uint64_t>(index) * bytes;
    if (start + bytes > element.getLength() || element.getLength() == DCM_UndefinedLength)
        return damaged("fewer bytes than the header promises");
    std::vector<std::uint8_t> buffer(bytes);
    const OFCondition status = element.getPartialValue(buffer.data(), static_cast<Uint32>(start),
                                                       static_cast<Uint32>(bytes), &cache_, gLocalByteOrder);
    if (status.bad())
        return damaged(status.text());
    return buffer;
}

Result<std::vector<std::uint8_t>> FrameDecoder::decodedBytes(std::int64_t index, std::string& colourModel) {
    DcmElement* element = nullptr;
    if (dataset_.findAndGetElement(DCM_PixelData, element).bad() || !element)
        return damaged("no pixel data");
    const DcmXfer syntax(dataset_.getOriginalXfer());
    const std::size_t bytes = sampleCount() * static_cast<std::size_t>(pixels_.bitsAllocated) / 8;
    if (!syntax.isEncapsulated()) {
        const bool subsampled =
            pixels_.photometric == "YBR_FULL_422" || pixels_.photometric == "YBR_PARTIAL_422";
        Result<std::vector<std::uint8_t>> native =
            nativeBytes(*element, index, subsampled ? bytes / 3 * 2 : bytes);
        const bool words = syntax.getByteOrder() == EBO_BigEndian && pixels_.bitsAllocated == 32;
        if (native && words) // DCMTK turned the bytes of each 16-bit word
            for (std::size_t n = 0; n + 3 < native->size(); n += 4) {
                std::swap((*native)[n], (*native)[n + 2]);
                std::swap((*native)[n + 1], (*native)[n + 3]);
            }
        return native;
    }
    if (Result<void> whole = joinFragments(); !whole)
        return whole.error();
    if (dataset_.findAndGetElement(DCM_PixelData, element).bad() || !element)
        return damaged("no pixel data");
    if (const auto stream = frameStream(index); !stream || !isSoundJpeg(*stream, pixels_))
        return damaged("JPEG");
    std::vector<std::uint8_t> buffer(bytes + 1); // an odd frame is padded by the decoder
    OFString model;
    const OFCondition status =
        element->getUncompressedFrame(&dataset_, static_cast<Uint32>(index), nextFragment_, buffer.data(),
                                      static_cast<Uint32>(bytes + bytes % 2), model, &cache_);
    if (status.bad())
        return damaged(status.text());
    buffer.resize(bytes);
    colourModel = model.c_str();
    return buffer;
}

/// DCMTK finds a frame only where frames and fragments are as many, or where there is an offset table: where
/// it would not, the fragments of each frame are joined into one.
Result<void> FrameDecoder::joinFragments() {
    if (joined_)
        return {};
    joined_ = true;
    DcmElement* element = nullptr;
    DcmPixelSequence* sequence = nullptr;
    auto* stored = dataset_.findAndGetElement(DCM_PixelData, element).good()
                       ? dynamic_cast<DcmPixelData*>(element)
                       : nullptr;
    const E_TransferSyntax syntax = dataset_.getOriginalXfer();
    if (!stored || stored->getEncapsulatedRepresentation(syntax, nullptr, sequence).bad() || !sequence)
        return damaged("no compressed pixels");
    Fragments fragments(*sequence, mostFragmentBytes());
    if (fragments.count() == frames_)
        return {};
    auto whole = std::make_unique<DcmPixelSequence>(DCM_PixelSequenceTag);
    whole->insert(new DcmPixelItem(DCM_PixelItemTag));
    DcmOffsetList offsets;
    for (std::int64_t n = 0; n < frames_; ++n) {
        std::optional<std::vector<std::uint8_t>> stream = fragments.frame(n, frames_);
        if (!stream)
            return damaged("the fragments do not fit the number of frames");
        whole->storeCompressedFrame(offsets, stream->data(), static_cast<Uint32>(stream->size()), 0);
    }
    auto fresh = std::make_unique<DcmPixelData>(DCM_PixelData);
    fresh->putOriginalRepresentation(syntax, nullptr, whole.release());
    if (dataset_.insert(fresh.get(), OFTrue).bad())
        return damaged("the fragments cannot be joined");
    fresh.release();
    return {};
}

std::uint64_t FrameDecoder::mostFragmentBytes() const {
    return sizeOfFile(path_) * 1032 + 1; // of a gzip file the path names the packed one
}

Result<FrameSamples> FrameDecoder::integerFrame(std::int64_t index) {
    std::string colourModel = pixels_.photometric;
    Result<std::vector<std::uint8_t>> bytes = decodedBytes(index, colourModel);
    if (!bytes)
        return bytes.error();
    if (pixels_.samples == 3 &&
        bytes->size() < sampleCount() * static_cast<std::size_t>(pixels_.bitsAllocated) / 8)
        return finish(from422(*bytes), "YBR_FULL", false);
    const bool encapsulated = DcmXfer(dataset_.getOriginalXfer()).isEncapsulated();
    return finish(numbersFrom(*bytes, pixels_), colourModel, pixels_.planar && !encapsulated);
}

std::optional<std::vector<std::uint8_t>> FrameDecoder::frameStream(std::int64_t index) {
    DcmElement* element = nullptr;
    DcmPixelSequence* sequence = nullptr;
    auto* stored = dataset_.findAndGetElement(DCM_PixelData, element).good()
                       ? dynamic_cast<DcmPixelData*>(element)
                       : nullptr;
    if (!stored ||
        stored->getEncapsulatedRepresentation(dataset_.getOriginalXfer(), nullptr, sequence).bad() ||
        !sequence)
        return std::nullopt;
    return Fragments(*sequence, mostFragmentBytes()).frame(index, frames_);
}

Result<FrameSamples> FrameDecoder::rleFrame(std::int64_t index) {
    const auto stream = frameStream(index);
    const auto bytes = stream ? decodeRle(*stream, pixels_) : std::nullopt;
    return bytes ? finish(numbersFrom(*bytes, pixels_), pixels_.photometric, false)
                 : Result<FrameSamples>(damaged("RLE"));
}

Result<FrameSamples> FrameDecoder::jpeg2000Frame(std::int64_t index) {
    const auto stream = frameStream(index);
    if (!stream)
        return damaged("the fragments do not fit the number of frames");
    Result<Jpeg2000Picture> picture = decodeJpeg2000(*stream, pixels_, path_);
    if (!picture)
        return picture.error();
    const bool rgb =
        picture->colourTransformed || pixels_.photometric == "YBR_RCT" || pixels_.photometric == "YBR_ICT";
    return finish(std::move(picture->samples), rgb ? "RGB" : pixels_.photometric, false);
}

Result<FrameSamples> FrameDecoder::finish(std::vector<std::int32_t> samples, const std::string& colourModel,
                                          bool planar) {
    if (pixels_.samples == 1)
        return pixels_.photometric == "PALETTE COLOR" ? applyPalette(samples)
                                                      : FrameSamples{std::move(samples), false};
    if (samples.size() != sampleCount())
        return damaged("fewer samples than the header promises");
    if (planar)
        samples = interleaved(samples);
    if (pixels_.bitsStored > 8)
        for (std::int32_t& v : samples)
            v = static_cast<std::int32_t>(static_cast<std::uint32_t>(v) >> (pixels_.bitsStored - 8) & 0xFF);
    if (colourModel.compare(0, 8, "YBR_FULL") == 0)
        rgbFromYbr(samples);
    return FrameSamples{std::move(samples), true};
}

Result<FrameSamples> FrameDecoder::applyPalette(const std::vector<std::int32_t>& samples) {
    const auto red =
        readPalette(dataset_, DCM_RedPaletteColorLookupTableDescriptor, DCM_RedPaletteColorLookupTableData);
    const auto green = readPalette(dataset_, DCM_GreenPaletteColorLookupTableDescriptor,
                                   DCM_GreenPaletteColorLookupTableData);
    const auto blue =
        readPalette(dataset_, DCM_BluePaletteColorLookupTableDescriptor, DCM_BluePaletteColorLookupTableData);
    if (!red || !green || !blue)
        return readError(ErrorCode::FormatUnsupported, path_,
                         "its palette is missing or of a kind that Tandem does not read.");
    std::vector<std::int32_t> rgb;
    rgb.reserve(3 * samples.size());
    for (const std::int32_t v : samples)
        rgb.insert(rgb.end(), {red->at(v), green->at(v), blue->at(v)});
    return FrameSamples{std::move(rgb), true};
}

} // namespace tandem::imaging
