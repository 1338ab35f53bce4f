#pragma once

#include "core/image/volume.h"
#include "core/usecases/image_reader.h"

#include <filesystem>

namespace tandem::imaging {

/// NIfTI-1 and -2 (.nii, .nii.gz, .hdr/.img, .hdr/.img.gz); own code, see DESIGN 9. Thread: any.
/// Values are as nibabel's get_fdata gives them: scl_slope and scl_inter applied.

/// How many volumes the file holds and what to call it.
Result<ImageEntry> listNifti(const std::filesystem::path&);

/// One volume of the file. Any of a pair's two names opens both.
/// Error: FormatInvalid (truncated, damaged), FormatUnsupported (CIFTI, complex ...), InvalidArgument (no
/// such frame).
Result<LoadedImage> readNifti(const std::filesystem::path&, std::int64_t frame);

/// The name of the header file if `path` is the voxel file of a .hdr/.img pair, else `path` itself.
std::filesystem::path niftiHeaderPath(const std::filesystem::path&);

/// Labels as uint8, or uint16 where a label is above 255. See ImageReader::writeLabels.
Result<void> writeNiftiLabels(const std::filesystem::path&, const LabelMap&);

} // namespace tandem::imaging
