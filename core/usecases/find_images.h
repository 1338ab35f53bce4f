#pragma once

#include "core/result.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/job.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// A path that holds no image that can be read, and why.
struct RefusedImage {
    std::filesystem::path path;
    std::string sentence;
};

struct FoundImages {
    std::vector<ImageEntry> images; ///< in the order of the paths; a folder's DICOM series before its files
    std::vector<RefusedImage> refused;
};

/// The images at some paths: files as they are, folders with every DICOM series and every image file in them
/// and below (links to folders are not followed, hidden names are passed over). What is no image by its
/// content or name is passed over in folders; a file that was named itself, or that has the name of an image
/// and cannot be read, is refused. Error: Cancelled. Thread: any.
Result<FoundImages> findImages(const ImageReader&, const std::vector<std::filesystem::path>&, const Progress&,
                               const std::stop_token&);

} // namespace tandem
