#pragma once

#include "core/geometry/geometry.h"
#include "core/imaging/nifti_header.h"

#include <string>
#include <vector>

namespace tandem::imaging {

/// Where the voxels lie, in LPS mm: sform before qform; neither (or neither usable): voxel sizes, centre at
/// the origin and x to the left, as nibabel does. This is the one place where NIfTI's RAS becomes LPS.
/// Sentences about what had to be guessed go to `warnings`.
/// Error: FormatInvalid if no way gives a volume.
Result<Geometry> geometryFromHeader(const NiftiHeader&, const std::filesystem::path&,
                                    std::vector<std::string>& warnings);

/// Fills size, voxel sizes, sform and (if the axes are perpendicular) qform of a header; the one place where
/// LPS becomes NIfTI's RAS. A sheared grid gets the sform alone (qform code 0). Version 2 where an axis does
/// not fit version 1.
void headerFromGeometry(NiftiHeader&, const Geometry&);

} // namespace tandem::imaging
