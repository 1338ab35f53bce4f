#include "core/imaging/content_hash.h"
#include "core/imaging/dicom_series.h"
#include "core/imaging/dicom_sniff.h"
#include "core/imaging/imaging.h"
#include "core/imaging/nifti.h"
#include "core/imaging/nifti_header.h"
#include "core/imaging/numpy_file.h"
#include "core/imaging/raw_array.h"
#include "core/imaging/stills.h"

#include <algorithm>
#include <new>

namespace tandem {
namespace imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t sniffedBytes = 1024;

enum class Kind { Unknown, Nifti, Nrrd, MetaImage, Dicom, Still, Mgz, Numpy };

/// What a file is, by its content; the name counts only where the content has no mark of its own.
struct Sniffed {
    Kind kind = Kind::Unknown;
    StillFormat still = StillFormat::None;
};

bool hasEnding(const fs::path& path, std::string_view ending) {
    const std::string name = path.filename().string();
    return name.size() > ending.size() &&
           std::equal(ending.rbegin(), ending.rend(), name.rbegin(),
                      [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
}

bool hasEnding(const fs::path& path, std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(),
                       [&](std::string_view e) { return hasEnding(path, e); });
}

Sniffed sniff(const fs::path& path) {
    const Bytes head = firstBytes(path, sniffedBytes);
    if (isDicom(head))
        return {Kind::Dicom, StillFormat::None};
    if (niftiVersion(head) != 0)
        return {Kind::Nifti, StillFormat::None};
    if (const StillFormat still = stillFormat(head); still != StillFormat::None)
        return {Kind::Still, still};
    if (isNrrd(head))
        return {Kind::Nrrd, StillFormat::None};
    if (isMetaImage(head))
        return {Kind::MetaImage, StillFormat::None};
    if (isNumpy(head) || (isZip(head) && hasEnding(path, {".npz"})))
        return {Kind::Numpy, StillFormat::None};
    if (hasEnding(path, {".mgz", ".mgh"}))
        return {Kind::Mgz, StillFormat::None};
    if (niftiHeaderPath(path) != path || hasEnding(path, {".nii", ".nii.gz", ".hdr"}))
        return {Kind::Nifti, StillFormat::None};
    return {};
}

Error unknownFormat(const fs::path& path) {
    return readError(ErrorCode::FormatUnsupported, path,
                     "it is not an image of a kind that Tandem knows (NIfTI, NRRD, MetaImage, DICOM, PNG, "
                     "JPEG, TIFF, BMP, NumPy).");
}

Error refusedMgz(const fs::path& path) {
    return readError(ErrorCode::FormatUnsupported, path,
                     "it is a FreeSurfer MGH/MGZ file. Convert it to NIfTI (mri_convert IN.mgz OUT.nii.gz).");
}

/// Whole numbers 0..65535, or an error that shows the first value that is none.
Result<LabelMap> asLabels(const Volume& volume, const fs::path& path) {
    if (volume.components() != 1)
        return readError(ErrorCode::FormatInvalid, path,
                         "it is a colour image, and a colour is not the number of a label.");
    return std::visit(
        [&](const auto& values) -> Result<LabelMap> {
            std::vector<std::uint16_t> labels(values.size());
            for (std::size_t n = 0; n < values.size(); ++n) {
                const auto v = static_cast<double>(values[n]);
                if (!(v >= 0 && v <= 65535) || v != static_cast<double>(static_cast<std::uint16_t>(v)))
                    return readError(
                        ErrorCode::FormatInvalid, path,
                        "it holds the value " + std::to_string(v) +
                            ", and labels are whole numbers from 0 to 65535. Is it an image, not a mask?");
                labels[n] = static_cast<std::uint16_t>(v);
            }
            return LabelMap::make(volume.geometry(), std::move(labels));
        },
        volume.values());
}

class FileImageReader final : public ImageReader {
public:
    Result<std::vector<ImageEntry>> list(const fs::path& path) const override {
        return guarded<std::vector<ImageEntry>>(path, [&] { return listAny(path); });
    }
    Result<LoadedImage> read(const fs::path& path, const std::string& seriesKey,
                             std::int64_t frame) const override {
        return guarded<LoadedImage>(path, [&] { return readAny(path, seriesKey, frame, StillUse::Picture); });
    }
    Result<LabelMap> readLabels(const fs::path& path) const override {
        return guarded<LabelMap>(path, [&]() -> Result<LabelMap> {
            Result<LoadedImage> image = readAny(path, {}, 0, StillUse::Labels);
            return image ? asLabels(*image->volume, path) : Result<LabelMap>(image.error());
        });
    }
    Result<void> writeLabels(const fs::path& path, const LabelMap& map) const override {
        return writeNiftiLabels(path, map);
    }
    std::string contentHash(const Volume& volume) const override { return imaging::contentHash(volume); }

private:
    /// No exception of a library or of the allocator leaves the room.
    template <class T, class Function>
    static Result<T> guarded(const fs::path& path, Function&& function) try {
        return function();
    } catch (const std::bad_alloc&) {
        return readError(ErrorCode::OutOfMemory, path, "there is not enough memory for it.");
    } catch (const std::exception& problem) {
        return readError(ErrorCode::FormatInvalid, path,
                         std::string("it is damaged (") + problem.what() + ").");
    }

    static Result<std::vector<ImageEntry>> listAny(const fs::path& path) {
        if (isFolder(path))
            return listDicom(path);
        if (Result<void> regular = checkRegularFile(path); !regular)
            return regular.error();
        const Sniffed what = sniff(path);
        if (what.kind == Kind::Dicom)
            return listDicom(path);
        Result<ImageEntry> entry = listFile(path, what);
        if (!entry)
            return entry.error();
        return std::vector<ImageEntry>{*std::move(entry)};
    }

    static Result<ImageEntry> listFile(const fs::path& path, const Sniffed& what) {
        switch (what.kind) {
        case Kind::Nifti:
            return listNifti(path);
        case Kind::Still:
            return listStill(path, what.still);
        case Kind::Nrrd:
            return listArray(path, parseNrrd(path));
        case Kind::MetaImage:
            return listArray(path, parseMetaImage(path));
        case Kind::Numpy:
            return listNumpy(path);
        case Kind::Mgz:
            return refusedMgz(path);
        default:
            return unknownFormat(path);
        }
    }

    static Result<ImageEntry> listArray(const fs::path& path, const Result<ArrayLayout>& layout) {
        if (!layout)
            return layout.error();
        return ImageEntry{path, {}, describe(*layout), frameCount(*layout)};
    }

    static Result<LoadedImage> readArrayFile(const fs::path& path, const Result<ArrayLayout>& layout,
                                             std::int64_t frame) {
        return layout ? readArray(*layout, path, frame) : Result<LoadedImage>(layout.error());
    }

    static bool isFolder(const fs::path& path) {
        std::error_code ignored;
        return fs::is_directory(path, ignored);
    }

    static Result<LoadedImage> readAny(const fs::path& path, const std::string& seriesKey, std::int64_t frame,
                                       StillUse use) {
        if (isFolder(path))
            return readDicom(path, seriesKey, frame);
        if (Result<void> regular = checkRegularFile(path); !regular)
            return regular.error();
        const Sniffed what = sniff(path);
        switch (what.kind) {
        case Kind::Nifti:
            return readNifti(path, frame);
        case Kind::Still:
            return readStill(path, what.still, frame, use);
        case Kind::Nrrd:
            return readArrayFile(path, parseNrrd(path), frame);
        case Kind::MetaImage:
            return readArrayFile(path, parseMetaImage(path), frame);
        case Kind::Dicom:
            return readDicom(path, seriesKey, frame);
        case Kind::Numpy:
            return readNumpy(path, frame, use);
        case Kind::Mgz:
            return refusedMgz(path);
        default:
            return unknownFormat(path);
        }
    }
};

} // namespace
} // namespace imaging

std::unique_ptr<ImageReader> makeImageReader() {
    return std::make_unique<imaging::FileImageReader>();
}

} // namespace tandem
