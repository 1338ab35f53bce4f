#pragma once

#include "core/geometry/frames.h"
#include "core/result.h"

#include <array>
#include <cstdint>
#include <string>

namespace tandem {

/// Number of voxels along the three array axes.
using Size3 = std::array<std::int64_t, 3>;

/// Where a grid of voxels lies in the patient (LPS mm). Voxel indices name voxel centres.
/// The affine is kept as read, sheared or not; origin, spacing and direction are read off it.
class Geometry {
public:
    Geometry() = default;

    /// @param size     voxels per axis, each at least 1
    /// @param affine   patientFromVoxel in LPS mm
    /// Error: InvalidArgument for a size below 1, a value that is not finite, or a singular affine.
    static Result<Geometry> make(Size3 size, const Affine<Patient, Voxel>& affine);

    /// A grid along the LPS axes (direction = identity); size, spacing in mm, position of voxel (0,0,0).
    static Geometry axisAligned(Size3 size, std::array<double, 3> spacingMm,
                                std::array<double, 3> originMm = {});

    const Size3& size() const { return size_; }
    std::int64_t voxelCount() const { return size_[0] * size_[1] * size_[2]; }
    const Affine<Patient, Voxel>& patientFromVoxel() const { return affine_; }
    Affine<Voxel, Patient> voxelFromPatient() const;

    /// Position of voxel (0,0,0), LPS mm.
    Point<Patient> origin() const { return {affine_.offset}; }
    /// Length of one step along each array axis, mm.
    std::array<double, 3> spacing() const;
    /// Unit vector of an array axis in LPS.
    Vector<Patient> direction(std::size_t axis) const;
    /// Volume of a voxel, mm^3.
    double voxelVolumeMm3() const;
    /// True if the axes are not perpendicular (cosine above 1e-3).
    bool isSheared() const;

    bool contains(const VoxelIndex& v) const {
        return v.i >= 0 && v.j >= 0 && v.k >= 0 && v.i < size_[0] && v.j < size_[1] && v.k < size_[2];
    }
    /// Position in an array stored with i fastest.
    std::int64_t offsetOf(const VoxelIndex& v) const { return v.i + size_[0] * (v.j + size_[1] * v.k); }

    friend bool operator==(const Geometry&, const Geometry&) = default;

private:
    Size3 size_{1, 1, 1};
    Affine<Patient, Voxel> affine_{{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, {}};
};

/// Whether two grids are one: same size, affine equal to `tolerance` (mm, per element).
/// Error: GridMismatch with a sentence that names the first difference; `whatA` and `whatB` name the two
/// images.
Result<void> checkSameGrid(const Geometry& a, const std::string& whatA, const Geometry& b,
                           const std::string& whatB, double tolerance = 1e-3);

/// The three anatomical letters of the array axes' positive directions ("LPS", "RAS", ...), nearest axis
/// each.
std::string orientationLetters(const Geometry&);

/// The letters towards which a patient direction points: one, or two when oblique ("RA"), strongest first.
std::string edgeLetters(const Vector<Patient>& towards);

} // namespace tandem
