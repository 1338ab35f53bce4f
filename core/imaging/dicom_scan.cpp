#include "core/imaging/dicom_file.h"
#include "core/imaging/dicom_series.h"

#include <algorithm>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t mostFiles = 200'000;
constexpr std::size_t sniffedBytes = 256;

/// Regular files of a folder, by name; with `below`, of all folders in it too.
Result<std::vector<fs::path>> filesIn(const fs::path& folder, bool below) {
    std::vector<fs::path> files;
    std::error_code failed;
    fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed), end;
    while (!failed && at != end && files.size() < mostFiles) {
        std::error_code ignored;
        if (at->is_directory(ignored) && (!below || at.depth() > 16))
            at.disable_recursion_pending();
        else if (at->is_regular_file(ignored))
            files.push_back(at->path());
        at.increment(failed);
    }
    if (failed)
        return readError(ErrorCode::FileUnreadable, folder, failed.message() + ".");
    std::sort(files.begin(), files.end());
    return files;
}

struct Headers {
    std::vector<DicomInstance> instances;
    std::string firstProblem;
};

/// The headers of those files that are DICOM; a bad file does not stop the others.
Headers readHeaders(const std::vector<fs::path>& files) {
    Headers headers;
    for (const fs::path& file : files) {
        if (!isDicom(firstBytes(file, sniffedBytes)))
            continue;
        Result<DicomInstance> instance = readDicomHeader(file);
        if (instance)
            headers.instances.push_back(*std::move(instance));
        else if (headers.firstProblem.empty())
            headers.firstProblem = instance.error().sentence;
    }
    return headers;
}

std::string unspecified(const Headers& headers) {
    return headers.firstProblem.empty()
               ? "the folder holds no DICOM image."
               : "the folder holds no DICOM image that can be read. The first problem: " +
                     headers.firstProblem;
}

bool holdsFile(const DicomVolume& volume, const fs::path& path) {
    return std::any_of(volume.frames.begin(), volume.frames.end(),
                       [&](const std::vector<DicomSlice>& slices) {
                           return std::any_of(slices.begin(), slices.end(),
                                              [&](const DicomSlice& s) { return s.file == path; });
                       });
}

/// What to give to read(): the folder of all files if they lie in one, else the folder that was scanned.
fs::path placeOf(const DicomVolume& volume, const fs::path& scanned) {
    const fs::path folder = volume.frames.front().front().file.parent_path();
    for (const auto& slices : volume.frames)
        for (const DicomSlice& s : slices)
            if (s.file.parent_path() != folder)
                return scanned;
    return folder;
}

} // namespace

Result<DicomScan> scanDicomFolder(const fs::path& folder) {
    Result<std::vector<fs::path>> files = filesIn(folder, true);
    if (!files)
        return files.error();
    const Headers headers = readHeaders(*files);
    DicomScan scan{groupSlices(headers.instances), headers.firstProblem};
    if (scan.volumes.empty())
        return readError(ErrorCode::FormatUnsupported, folder, unspecified(headers));
    return scan;
}

Result<DicomScan> scanDicomFile(const fs::path& path) {
    Result<DicomInstance> own = readDicomHeader(path);
    if (!own) {
        const bool directory = isDicomDirectory(path);
        return directory ? scanDicomFolder(path.has_parent_path() ? path.parent_path() : fs::path("."))
                         : Result<DicomScan>(own.error());
    }
    std::vector<DicomInstance> instances{*own}; // first, so that of two copies of a picture this one is taken
    if (own->slices.front().placed && !own->framesAreTime) {
        Result<std::vector<fs::path>> files =
            filesIn(path.has_parent_path() ? path.parent_path() : fs::path("."), false);
        if (files) {
            std::error_code ignored;
            std::erase_if(*files, [&](const fs::path& f) { return fs::equivalent(f, path, ignored); });
            for (DicomInstance& other : readHeaders(*files).instances)
                if (other.seriesUid == own->seriesUid)
                    instances.push_back(std::move(other));
        }
    }
    DicomScan scan{groupSlices(instances), {}};
    std::erase_if(scan.volumes, [&](const DicomVolume& v) { return !holdsFile(v, path); });
    return scan;
}

Result<std::vector<ImageEntry>> listDicom(const fs::path& path) {
    std::error_code ignored;
    const bool folder = fs::is_directory(path, ignored);
    Result<DicomScan> scan = folder ? scanDicomFolder(path) : scanDicomFile(path);
    if (!scan)
        return scan.error();
    std::vector<ImageEntry> entries;
    for (const DicomVolume& volume : scan->volumes)
        entries.push_back({folder ? placeOf(volume, path) : path, volume.key, volume.description,
                           static_cast<std::int64_t>(volume.frames.size())});
    return entries;
}

} // namespace tandem::imaging
