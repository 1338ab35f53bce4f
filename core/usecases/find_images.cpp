#include "core/usecases/find_images.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace tandem {
namespace {

namespace fs = std::filesystem;

// The voxels of .hdr, .nhdr and .mhd lie in files of their own, which are no images by themselves.
bool hasNameOfImage(const fs::path& path) {
    std::string name = path.filename().string();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::array<std::string_view, 15> endings{".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr",
                                                       ".mha", ".mhd",    ".png", ".jpg",  ".jpeg",
                                                       ".tif", ".tiff",   ".bmp", ".mgz",  ".mgh"};
    return std::any_of(endings.begin(), endings.end(), [&](std::string_view e) { return name.ends_with(e); });
}

bool isHidden(const fs::path& path) {
    return path.filename().string().starts_with('.');
}

std::vector<fs::path> imageFilesBelow(const fs::path& folder, FoundImages& found) {
    std::vector<fs::path> files;
    std::error_code ec;
    fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, ec), end;
    while (!ec && it != end) {
        std::error_code unknown;
        if (isHidden(it->path()))
            it.disable_recursion_pending();
        else if (hasNameOfImage(it->path()) && it->is_regular_file(unknown))
            files.push_back(it->path());
        it.increment(ec);
    }
    if (ec)
        found.refused.push_back(
            {folder, "The folder " + folder.string() + " cannot be read: " + ec.message() + "."});
    std::sort(files.begin(), files.end());
    return files;
}

// Adds what lies at a path; false, with the reason in `found` if that is wanted, if there is nothing.
bool add(const ImageReader& reader, const fs::path& path, bool sayWhyNot, FoundImages& found) {
    const Result<std::vector<ImageEntry>> here = reader.list(path);
    if (here && !here->empty()) {
        found.images.insert(found.images.end(), here->begin(), here->end());
        return true;
    }
    if (sayWhyNot)
        found.refused.push_back({path, here ? path.string() + " holds no image." : here.error().sentence});
    return false;
}

void addFolder(const ImageReader& reader, const fs::path& folder, const std::stop_token& stop,
               FoundImages& found) {
    const std::size_t refusedBefore = found.refused.size();
    bool any = add(reader, folder, false, found);
    for (const fs::path& file : imageFilesBelow(folder, found)) {
        if (stop.stop_requested())
            return;
        any = add(reader, file, true, found) || any;
    }
    if (!any && found.refused.size() == refusedBefore)
        add(reader, folder, true, found);
}

} // namespace

Result<FoundImages> findImages(const ImageReader& reader, const std::vector<fs::path>& paths,
                               const Progress& progress, const std::stop_token& stop) {
    FoundImages found;
    for (std::size_t n = 0; n < paths.size(); ++n) {
        progress(static_cast<double>(n) / static_cast<double>(paths.size()),
                 "Looking at " + paths[n].string());
        std::error_code ec;
        if (fs::is_directory(paths[n], ec))
            addFolder(reader, paths[n], stop, found);
        else
            add(reader, paths[n], true, found);
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "Looking for images was stopped."};
    }
    return found;
}

} // namespace tandem
