#include "core/imaging/nifti.h"
#include "core/imaging/nifti_affine.h"
#include "core/imaging/nifti_header.h"
#include "core/imaging/voxel_values.h"

#include <algorithm>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t longestHeader = 540;

bool endsWith(const std::string& name, const std::string& ending) {
    return name.size() > ending.size() &&
           std::equal(ending.rbegin(), ending.rend(), name.rbegin(),
                      [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
}

/// The other half of a .hdr/.img pair, plain or gzip, in the name's own case; empty if there is none.
fs::path partner(const fs::path& path, const std::vector<std::string>& from,
                 const std::vector<std::string>& to) {
    const std::string name = path.filename().string();
    for (const std::string& ending : from) {
        if (!endsWith(name, ending))
            continue;
        for (const std::string& other : to) {
            const fs::path candidate =
                path.parent_path() / (name.substr(0, name.size() - ending.size()) + other);
            std::error_code ignored;
            if (fs::is_regular_file(candidate, ignored))
                return candidate;
        }
        return {};
    }
    return {};
}

/// The file with the voxels, placed at the first one of frame 0.
Result<ByteSource> openVoxels(const fs::path& headerPath, const NiftiHeader& header) {
    fs::path path = headerPath;
    if (!header.singleFile) {
        path = partner(headerPath, {".hdr.gz", ".hdr"}, {".img", ".img.gz", ".IMG", ".IMG.gz"});
        if (path.empty())
            return readError(ErrorCode::FileNotFound, headerPath,
                             "it is the header of a .hdr/.img pair and the .img file is not beside it.");
    }
    return ByteSource::open(path);
}

Result<NiftiHeader> readHeader(const fs::path& path) {
    Result<ByteSource> source = ByteSource::open(path);
    if (!source)
        return source.error();
    Result<Bytes> head = source->readUpTo(longestHeader);
    if (!head)
        return head.error();
    return parseNiftiHeader(*head, path);
}

struct Voxels {
    Volume::Values values;
    int components = 1;
    bool inexact = false; ///< a 64-bit integer did not fit a double
};

/// One frame of a file, checked for room before memory is asked for.
class FrameReader {
public:
    FrameReader(ByteSource& source, const NiftiHeader& header, const fs::path& path, std::int64_t frame)
        : source_(source), header_(header), path_(path), frame_(frame) {
        const auto size = header.size();
        count_ = static_cast<std::uint64_t>(size[0]) * static_cast<std::uint64_t>(size[1]) *
                 static_cast<std::uint64_t>(size[2]);
    }

    Result<void> seek() {
        const std::uint64_t frameBytes = count_ * static_cast<std::uint64_t>(voxelBytes(header_.type));
        const auto offset = static_cast<std::uint64_t>(header_.voxelOffset);
        const auto frames = static_cast<std::uint64_t>(header_.frames());
        const std::uint64_t room = source_.mostBytes() > offset ? source_.mostBytes() - offset : 0;
        if (frameBytes > room / frames)
            return readError(
                ErrorCode::FormatInvalid, path_,
                "its header promises " + std::to_string(frameBytes * frames) +
                    " bytes of voxels, more than the file can hold. It is truncated or damaged.");
        if (Result<void> fits = checkMemory(path_, frameBytes); !fits)
            return fits;
        return source_.skip(offset + frameBytes * static_cast<std::uint64_t>(frame_));
    }

    Result<Voxels> read() {
        switch (header_.type) {
        case NiftiType::UInt8:
            return scalars<std::uint8_t>();
        case NiftiType::Int8:
            return scalars<std::int8_t>();
        case NiftiType::Int16:
            return scalars<std::int16_t>();
        case NiftiType::UInt16:
            return scalars<std::uint16_t>();
        case NiftiType::Int32:
            return scalars<std::int32_t>();
        case NiftiType::UInt32:
            return scalars<std::uint32_t>();
        case NiftiType::Int64:
            return scalars<std::int64_t>();
        case NiftiType::UInt64:
            return scalars<std::uint64_t>();
        case NiftiType::Float32:
            return scalars<float>();
        case NiftiType::Float64:
            return scalars<double>();
        default:
            return colour(voxelBytes(header_.type));
        }
    }

private:
    /// Grows with what really arrives from a gzip file, so that a bomb's promise alone costs nothing.
    template <class T>
    Result<std::vector<T>> raw(std::size_t count) {
        constexpr std::size_t step = std::size_t{1} << 24;
        std::vector<T> values;
        if (!source_.compressed())
            values.reserve(count);
        while (values.size() < count) {
            const std::size_t had = values.size(), more = std::min(step, count - had);
            values.resize(had + more);
            auto* bytes = reinterpret_cast<std::uint8_t*>(values.data() + had);
            if (Result<void> done = source_.read({bytes, more * sizeof(T)}); !done)
                return done.error();
        }
        if (frame_ + 1 == header_.frames() && !source_.endsWell())
            return readError(ErrorCode::FormatInvalid, path_,
                             "its compression is damaged (the checksum differs). Copy or download it again.");
        return values;
    }

    template <class T>
    Result<Voxels> scalars() {
        Result<std::vector<T>> values = raw<T>(static_cast<std::size_t>(count_));
        if (!values)
            return values.error();
        if (header_.swapped)
            swapBytes(*values);
        const bool scaled = header_.slope != 0 && std::isfinite(header_.slope);
        if (scaled && !std::isfinite(header_.intercept))
            return readError(ErrorCode::FormatInvalid, path_,
                             "the intercept of its grey values is not a number.");
        const bool inexact = beyondDouble(*values);
        return Voxels{scaled ? scaledValues(*std::move(values), header_.slope, header_.intercept)
                             : plainValues(*std::move(values)),
                      1, inexact};
    }

    /// RGB24, or RGBA32 without its alpha.
    Result<Voxels> colour(std::int64_t bytesPerVoxel) {
        Result<Bytes> pixels =
            raw<std::uint8_t>(static_cast<std::size_t>(count_) * static_cast<std::size_t>(bytesPerVoxel));
        if (!pixels)
            return pixels.error();
        if (bytesPerVoxel == 4) {
            for (std::size_t n = 0; n < static_cast<std::size_t>(count_); ++n)
                std::copy_n(pixels->begin() + static_cast<std::ptrdiff_t>(4 * n), 3,
                            pixels->begin() + static_cast<std::ptrdiff_t>(3 * n));
            pixels->resize(3 * static_cast<std::size_t>(count_));
        }
        return Voxels{*std::move(pixels), 3, false};
    }

    ByteSource& source_;
    const NiftiHeader& header_;
    const fs::path& path_;
    std::int64_t frame_;
    std::uint64_t count_ = 0;
};

std::string describe(const NiftiHeader& h) {
    const auto size = h.size();
    std::string text = "NIfTI-" + std::to_string(h.version) + " " + std::to_string(size[0]) + " x " +
                       std::to_string(size[1]) + " x " + std::to_string(size[2]);
    if (h.frames() > 1)
        text += ", " + std::to_string(h.frames()) + " frames";
    return text;
}

std::vector<std::string> headerWarnings(const NiftiHeader& h, const Geometry& g, bool inexact) {
    std::vector<std::string> warnings;
    if (g.isSheared())
        warnings.emplace_back("The image's axes are not perpendicular; they are kept as they are.");
    if (const int unit = h.units & 7; unit == 1 || unit == 3)
        warnings.emplace_back(std::string("The file gives lengths in ") +
                              (unit == 1 ? "metres" : "micrometres") +
                              "; they are taken as millimetres, as other readers do.");
    if (inexact)
        warnings.emplace_back("Some 64-bit values are too large to be kept exactly.");
    return warnings;
}

Result<LoadedImage> assemble(const NiftiHeader& header, const fs::path& path, Voxels voxels) {
    LoadedImage image;
    Result<Geometry> geometry = geometryFromHeader(header, path, image.warnings);
    if (!geometry)
        return geometry.error();
    for (std::string& warning : headerWarnings(header, *geometry, voxels.inexact))
        image.warnings.push_back(std::move(warning));
    const Intensity intensity = voxels.components == 1 ? guessIntensity(voxels.values) : Intensity::Colour;
    Result<Volume> volume = Volume::make(*geometry, std::move(voxels.values), voxels.components, intensity);
    if (!volume)
        return readError(ErrorCode::FormatInvalid, path, volume.error().sentence);
    image.volume = std::make_shared<const Volume>(*std::move(volume));
    image.description = describe(header);
    return image;
}

} // namespace

fs::path niftiHeaderPath(const fs::path& path) {
    const fs::path header = partner(path, {".img.gz", ".img"}, {".hdr", ".hdr.gz", ".HDR", ".HDR.gz"});
    return header.empty() ? path : header;
}

Result<ImageEntry> listNifti(const fs::path& path) {
    Result<NiftiHeader> header = readHeader(niftiHeaderPath(path));
    if (!header)
        return header.error();
    return ImageEntry{path, {}, describe(*header), header->frames()};
}

Result<LoadedImage> readNifti(const fs::path& path, std::int64_t frame) {
    const fs::path headerPath = niftiHeaderPath(path);
    Result<NiftiHeader> header = readHeader(headerPath);
    if (!header)
        return header.error();
    if (frame < 0 || frame >= header->frames())
        return readError(ErrorCode::InvalidArgument, path,
                         "there is no frame " + std::to_string(frame) + "; it has " +
                             std::to_string(header->frames()) + ", counted from 0.");
    Result<ByteSource> source = openVoxels(headerPath, *header);
    if (!source)
        return source.error();
    FrameReader reader(*source, *header, path, frame);
    if (Result<void> ready = reader.seek(); !ready)
        return ready.error();
    Result<Voxels> voxels = reader.read();
    if (!voxels)
        return voxels.error();
    return assemble(*header, path, *std::move(voxels));
}

} // namespace tandem::imaging
