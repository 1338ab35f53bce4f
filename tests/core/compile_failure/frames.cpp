// Compiled once without TANDEM_CASE (must succeed) and once for each case (must fail): frames do not mix.
#include "core/geometry/frames.h"

#include "core/geometry/slice_plane.h"
#include "core/image/label_map.h"

using namespace tandem;

Point<Patient> right(const Affine<Patient, Voxel>& patientFromVoxel,
                     const Affine<Voxel, SlicePx>& voxelFromSlice) {
    const Point<Patient> tip = patientFromVoxel(Point<Voxel>{{12, 40, 7}});
    const Affine<Patient, SlicePx> composed = patientFromVoxel * voxelFromSlice;
    const VoxelIndex index = nearestVoxel(Point<Voxel>{{1, 2, 3}});
    (void)index;
    (void)composed;
#if TANDEM_CASE == 1
    patientFromVoxel(tip); // a patient point is not a voxel point
#elif TANDEM_CASE == 2
    return voxelFromSlice * patientFromVoxel; // the frames in between differ
#elif TANDEM_CASE == 3
    return Point<Voxel>{{1, 2, 3}}; // no conversion between frames
#elif TANDEM_CASE == 4
    nearestVoxel(tip); // only voxel coordinates have a nearest voxel
#elif TANDEM_CASE == 5
    tip - Point<Voxel>{}; // a difference needs one frame
#elif TANDEM_CASE == 6
    VoxelIndex cast = Point<Voxel>{{1, 2, 3}}; // an index is got by name
#elif TANDEM_CASE == 7
    LabelId label = 3; // a label is not a number
#endif
    return tip;
}
