#include "core/imaging/dicom_pixels.h"
#include "core/imaging/dicom_series.h"
#include "core/imaging/voxel_values.h"

#include <algorithm>
#include <map>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

/// The values of a volume while its slices come in, in any order.
class Assembly {
public:
    Assembly(const DicomVolume& volume, const std::vector<DicomSlice>& slices)
        : volume_(volume), slices_(slices) {
        perSlice_ = static_cast<std::size_t>(volume.pixels.columns * volume.pixels.rows);
    }

    /// Error: FormatInvalid if the slice is of another kind than those before.
    Result<void> put(std::size_t slice, const FrameSamples& frame) {
        if (!begun_)
            begin(frame);
        if (frame.isColour != colour_ || frame.samples.index() != all_.index())
            return readError(ErrorCode::FormatInvalid, slices_[slice].file,
                             "its pixels are of another kind than those before.");
        const DicomSlice& s = slices_[slice];
        const std::size_t components = colour_ ? 3 : 1;
        const auto tiles =
            static_cast<std::size_t>(std::max<std::int64_t>(1, volume_.mosaicTiles * volume_.mosaicTiles));
        const std::size_t given = std::visit([](const auto& from) { return from.size(); }, frame.samples);
        if (given != perSlice_ * components * tiles || s.tile >= static_cast<std::int64_t>(tiles))
            return readError(ErrorCode::FormatInvalid, s.file,
                             "its pixels have another size than the header said.");
        std::visit(
            [&](const auto& from) {
                auto& to = std::get<std::decay_t<decltype(from)>>(all_);
                const std::int64_t width = volume_.pixels.columns, height = volume_.pixels.rows;
                const std::int64_t side = std::max<std::int64_t>(1, volume_.mosaicTiles);
                const std::int64_t tile = std::max<std::int64_t>(0, s.tile);
                auto out = to.begin() + static_cast<std::ptrdiff_t>(slice * perSlice_ * components);
                for (std::int64_t y = 0; y < height; ++y) {
                    const std::int64_t row = (tile / side * height + y) * width * side + tile % side * width;
                    const auto start = from.begin() + row * static_cast<std::int64_t>(components);
                    out = std::copy_n(start, width * static_cast<std::int64_t>(components), out);
                }
            },
            frame.samples);
        return {};
    }

    int components() const { return colour_ ? 3 : 1; }
    Volume::Values values() {
        if (colour_)
            return castValues<std::uint8_t>(std::get<std::vector<std::int32_t>>(all_));
        return std::visit([&](auto& raw) { return real(std::move(raw)); }, all_);
    }

private:
    void begin(const FrameSamples& frame) {
        begun_ = true;
        colour_ = frame.isColour;
        const std::size_t count = perSlice_ * slices_.size() * (colour_ ? 3 : 1);
        std::visit([&](const auto& from) { all_ = std::decay_t<decltype(from)>(count); }, frame.samples);
    }

    bool oneScale() const {
        return std::all_of(slices_.begin(), slices_.end(), [&](const DicomSlice& s) {
            return s.slope == slices_[0].slope && s.intercept == slices_[0].intercept;
        });
    }

    template <class To, class From>
    std::vector<To> scaledPerSlice(const std::vector<From>& raw) const {
        std::vector<To> out(raw.size());
        for (std::size_t n = 0; n < raw.size(); ++n) {
            const DicomSlice& s = slices_[n / perSlice_];
            out[n] = static_cast<To>(static_cast<double>(raw[n]) * s.slope + s.intercept);
        }
        return out;
    }

    Volume::Values real(std::vector<double> raw) const {
        return oneScale() ? scaledValues(std::move(raw), slices_[0].slope, slices_[0].intercept)
                          : Volume::Values(scaledPerSlice<double>(raw));
    }
    Volume::Values real(std::vector<float> raw) const {
        return oneScale() ? scaledValues(std::move(raw), slices_[0].slope, slices_[0].intercept)
                          : Volume::Values(scaledPerSlice<float>(raw));
    }
    Volume::Values real(std::vector<std::int32_t> raw) const {
        const PixelFormat& p = volume_.pixels;
        if (p.bitsStored == 32 && !p.isSigned)
            return realAs(castValues<std::uint32_t>(raw));
        const auto [low, high] = std::minmax_element(raw.begin(), raw.end());
        if (!p.isSigned && *low >= 0 && *high <= 255 && p.bitsAllocated == 8)
            return realAs(castValues<std::uint8_t>(raw));
        if (!p.isSigned && *low >= 0 && *high <= 65535)
            return realAs(castValues<std::uint16_t>(raw));
        if (*low >= -32768 && *high <= 32767)
            return realAs(castValues<std::int16_t>(raw));
        return realAs(std::move(raw));
    }
    template <class T>
    Volume::Values realAs(std::vector<T> raw) const {
        if (oneScale())
            return scaledValues(std::move(raw), slices_[0].slope, slices_[0].intercept);
        if constexpr (sizeof(T) <= 2)
            return scaledPerSlice<float>(raw);
        else
            return scaledPerSlice<double>(raw);
    }

    const DicomVolume& volume_;
    const std::vector<DicomSlice>& slices_;
    std::size_t perSlice_ = 0;
    bool begun_ = false, colour_ = false;
    std::variant<std::vector<std::int32_t>, std::vector<float>, std::vector<double>> all_;
};

/// Decodes the wanted frames of one file.
Result<void> readFile(const fs::path& path, const std::vector<std::size_t>& wanted,
                      const std::vector<DicomSlice>& slices, Assembly& assembly) {
    const Result<DicomInstance> header = readDicomHeader(path);
    if (!header)
        return header.error();
    PixelFormat stored = header->pixels;
    const std::int64_t side = std::max<std::int64_t>(1, header->mosaicTiles);
    stored.columns *= side;
    stored.rows *= side;
    return withDicom(path, [&](DcmFileFormat& file) -> Result<void> {
        FrameDecoder decoder(file, stored, header->frames, path);
        std::optional<FrameSamples> frame;
        std::int64_t decoded = -1;
        for (const std::size_t slice : wanted) {
            if (slices[slice].frame != decoded || !frame) {
                Result<FrameSamples> next = decoder.frame(slices[slice].frame);
                if (!next)
                    return next.error();
                frame = *std::move(next);
                decoded = slices[slice].frame;
            }
            if (Result<void> put = assembly.put(slice, *frame); !put)
                return put;
        }
        return {};
    });
}

Result<void> readSlices(const std::vector<DicomSlice>& slices, Assembly& assembly) {
    std::map<fs::path, std::vector<std::size_t>> byFile;
    for (std::size_t n = 0; n < slices.size(); ++n)
        byFile[slices[n].file].push_back(n);
    for (auto& [path, wanted] : byFile) {
        std::stable_sort(wanted.begin(), wanted.end(),
                         [&](std::size_t a, std::size_t b) { return slices[a].frame < slices[b].frame; });
        if (Result<void> done = readFile(path, wanted, slices, assembly); !done)
            return done;
    }
    return {};
}

Intensity intensityOf(const DicomVolume& volume, const std::vector<DicomSlice>& slices,
                      const Volume::Values& values) {
    const bool rescaled = slices.front().intercept != 0 || slices.front().slope != 1;
    return volume.modality == "CT" && rescaled ? Intensity::Hounsfield
           : volume.modality == "CT"           ? guessIntensity(values)
                                               : Intensity::Unknown;
}

Result<LoadedImage> readVolume(const DicomVolume& volume, std::int64_t frame, const fs::path& path) {
    if (frame < 0 || frame >= static_cast<std::int64_t>(volume.frames.size()))
        return readError(ErrorCode::InvalidArgument, path,
                         "there is no frame " + std::to_string(frame) + "; the series has " +
                             std::to_string(volume.frames.size()) + ", counted from 0.");
    const std::vector<DicomSlice>& slices = volume.frames[static_cast<std::size_t>(frame)];
    LoadedImage image{nullptr, volume.description, volume.modality, volume.warnings};
    Result<Geometry> geometry = volumeGeometry(volume, frame, image.warnings);
    if (!geometry)
        return geometry.error();
    if (Result<void> fits = checkMemory(path, static_cast<std::uint64_t>(geometry->voxelCount()) * 12); !fits)
        return fits.error();
    Assembly assembly(volume, slices);
    if (Result<void> done = readSlices(slices, assembly); !done)
        return done.error();
    Volume::Values values = assembly.values();
    const Intensity intensity = intensityOf(volume, slices, values);
    Result<Volume> made = Volume::make(*geometry, std::move(values), assembly.components(), intensity,
                                       volume.pixels.photometric == "MONOCHROME1");
    if (!made)
        return readError(ErrorCode::FormatInvalid, path, made.error().sentence);
    image.volume = std::make_shared<const Volume>(*std::move(made));
    return image;
}

/// The volume that is asked for: by key; else the only one, or the one with the most voxels.
const DicomVolume* choose(const std::vector<DicomVolume>& volumes, const std::string& key) {
    const DicomVolume* best = nullptr;
    const auto size = [](const DicomVolume& v) {
        return v.pixels.columns * v.pixels.rows * static_cast<std::int64_t>(v.frames.front().size());
    };
    for (const DicomVolume& volume : volumes) {
        if (!key.empty() && volume.key == key)
            return &volume;
        if (key.empty() && (!best || size(volume) > size(*best)))
            best = &volume;
    }
    return best;
}

} // namespace

Result<LoadedImage> readDicom(const fs::path& path, const std::string& seriesKey, std::int64_t frame) {
    std::error_code ignored;
    Result<DicomScan> scan = fs::is_directory(path, ignored) ? scanDicomFolder(path) : scanDicomFile(path);
    if (!scan)
        return scan.error();
    const DicomVolume* volume = choose(scan->volumes, seriesKey);
    if (!volume)
        return readError(ErrorCode::FileNotFound, path, "the series " + seriesKey + " is not there.");
    return readVolume(*volume, frame, path);
}

} // namespace tandem::imaging
