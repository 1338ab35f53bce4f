#pragma once

#include "core/imaging/file_bytes.h"
#include "core/imaging/stills.h"
#include "core/usecases/image_reader.h"

namespace tandem::imaging {

/// NumPy's arrays (.npy, versions 1 to 3) and archives of them (.npz, stored or deflated), as MedSAM and
/// DB-SAM keep their slices: rows x columns is a picture, with 3 or 4 more values of one byte a colour one;
/// slices x rows x columns (x colour) a volume. Colour in other types is read as its first component
/// (MedSAM's grey slices have three equal ones). An archive gives its image (imgs, img, image) or, for
/// labels, its mask (gts, gt, mask, label); `spacing` of three values, x first, becomes the voxel's size.
/// There is no position in such a file: axes are the patient's. Nothing in them is executed: arrays of Python
/// objects are refused.

bool isNumpy(std::span<const std::uint8_t> head);
/// A zip archive; only .npz of them are read.
bool isZip(std::span<const std::uint8_t> head);

/// Error: FormatInvalid (truncated, damaged), FormatUnsupported (type or shape by name), OutOfMemory.
Result<LoadedImage> readNumpy(const std::filesystem::path&, std::int64_t frame, StillUse);
Result<ImageEntry> listNumpy(const std::filesystem::path&);

} // namespace tandem::imaging
