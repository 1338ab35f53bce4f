#include "core/imaging/nifti_affine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace tandem::imaging {
namespace {

using Rows = std::array<std::array<double, 4>, 3>;
using Matrix3 = std::array<std::array<double, 3>, 3>;
using Quaternion = std::array<double, 4>;

/// RAS and LPS differ by the sign of x and y; the step is its own inverse.
Rows flipRasLps(Rows rows) {
    for (std::size_t r = 0; r < 2; ++r)
        for (double& x : rows[r])
            x = x == 0 ? 0 : -x;
    return rows;
}

Affine<Patient, Voxel> lpsFromRas(const Rows& ras) {
    const Rows lps = flipRasLps(ras);
    Affine<Patient, Voxel> affine;
    for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t c = 0; c < 3; ++c)
            affine.linear[r][c] = lps[r][c];
        affine.offset[r] = lps[r][3];
    }
    return affine;
}

Rows rasFromLps(const Affine<Patient, Voxel>& affine) {
    Rows lps{};
    for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t c = 0; c < 3; ++c)
            lps[r][c] = affine.linear[r][c];
        lps[r][3] = affine.offset[r];
    }
    return flipRasLps(lps);
}

/// Voxel sizes of the first `axes` axes as nibabel repairs them: 0 becomes 1, negative becomes positive.
std::array<double, 3> voxelSizes(const NiftiHeader& h, std::int64_t axes = 3) {
    std::array<double, 3> sizes{1, 1, 1};
    for (std::size_t a = 0; a < 3; ++a) {
        const double size = std::abs(h.pixdim[a + 1]);
        if (static_cast<std::int64_t>(a) < axes && size > 0 && std::isfinite(size))
            sizes[a] = size;
    }
    return sizes;
}

/// nifti1.h, "method 2": rotation of the unit quaternion (a, b, c, d).
Matrix3 rotation(const Quaternion& q) {
    const auto [a, b, c, d] = q;
    return {{{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
             {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
             {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c}}};
}

/// (a, b, c, d) of b, c, d; empty where they are longer than a unit quaternion allows (beyond rounding).
std::optional<Quaternion> unitQuaternion(const std::array<double, 3>& bcd) {
    const double rest = 1 - (bcd[0] * bcd[0] + bcd[1] * bcd[1] + bcd[2] * bcd[2]);
    if (!(rest > -1e-5))
        return std::nullopt;
    if (rest > 3 * static_cast<double>(std::numeric_limits<float>::epsilon()))
        return Quaternion{std::sqrt(rest), bcd[0], bcd[1], bcd[2]};
    return Quaternion{0, bcd[0], bcd[1], bcd[2]};
}

std::optional<Rows> qformRows(const NiftiHeader& h) {
    const std::optional<Quaternion> q = unitQuaternion(h.quaternion);
    if (!q)
        return std::nullopt;
    const Matrix3 r = rotation(*q);
    std::array<double, 3> sizes = voxelSizes(h);
    if (h.pixdim[0] == -1)
        sizes[2] = -sizes[2];
    Rows rows{};
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t c = 0; c < 3; ++c)
            rows[i][c] = r[i][c] * sizes[c];
        rows[i][3] = h.qoffset[i];
    }
    return rows;
}

/// nibabel, AnalyzeHeader.get_base_affine: voxel sizes, x flipped, the centre of the array at the origin.
Rows baseRows(const NiftiHeader& h) {
    std::array<double, 3> sizes = voxelSizes(h, h.dim[0]);
    sizes[0] = -sizes[0];
    const std::array<std::int64_t, 3> size = h.size();
    Rows rows{};
    for (std::size_t a = 0; a < 3; ++a) {
        rows[a][a] = sizes[a];
        rows[a][3] = -sizes[a] * static_cast<double>(size[a] - 1) / 2;
    }
    return rows;
}

/// The quaternion of a rotation, a >= 0; the largest component is computed first (nifti_mat44_to_quatern).
Quaternion quaternionOf(const Matrix3& m) {
    const double trace = m[0][0] + m[1][1] + m[2][2];
    Quaternion q{};
    if (trace > 0) {
        const double s = 2 * std::sqrt(trace + 1);
        q = {s / 4, (m[2][1] - m[1][2]) / s, (m[0][2] - m[2][0]) / s, (m[1][0] - m[0][1]) / s};
    } else {
        const std::size_t i = m[0][0] >= m[1][1] && m[0][0] >= m[2][2] ? 0 : m[1][1] >= m[2][2] ? 1 : 2;
        const std::size_t j = (i + 1) % 3, k = (i + 2) % 3;
        const double s = 2 * std::sqrt(1 + m[i][i] - m[j][j] - m[k][k]);
        q[0] = (m[k][j] - m[j][k]) / s;
        q[i + 1] = s / 4;
        q[j + 1] = (m[j][i] + m[i][j]) / s;
        q[k + 1] = (m[k][i] + m[i][k]) / s;
    }
    if (q[0] < 0)
        for (double& x : q)
            x = -x;
    return q;
}

double determinant(const Matrix3& m) {
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

void setQform(NiftiHeader& h, const Rows& ras, const std::array<double, 3>& spacing) {
    Matrix3 unit{};
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 3; ++c)
            unit[r][c] = ras[r][c] / spacing[c];
    h.pixdim[0] = determinant(unit) < 0 ? -1 : 1;
    if (h.pixdim[0] < 0)
        for (auto& row : unit)
            row[2] = -row[2];
    const Quaternion q = quaternionOf(unit);
    for (std::size_t n = 0; n < 3; ++n) {
        h.quaternion[n] = static_cast<float>(q[n + 1]);
        h.qoffset[n] = ras[n][3];
    }
}

/// Whether the qform says the same as the sform to 1e-4 of a voxel; it cannot where the axes are not
/// perpendicular.
bool qformHolds(const NiftiHeader& h, const Rows& ras, const std::array<double, 3>& spacing) {
    const std::optional<Rows> q = qformRows(h);
    if (!q)
        return false;
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 3; ++c)
            if (!(std::abs((*q)[r][c] - ras[r][c]) <= 1e-4 * spacing[c]))
                return false;
    return true;
}

} // namespace

Result<Geometry> geometryFromHeader(const NiftiHeader& h, const std::filesystem::path& path,
                                    std::vector<std::string>& warnings) {
    if (h.sformCode > 0) {
        if (Result<Geometry> g = Geometry::make(h.size(), lpsFromRas(h.sform)))
            return g;
        warnings.emplace_back("The file's sform does not span a volume, so its position was taken from "
                              "elsewhere in the header.");
    }
    if (h.qformCode > 0) {
        const std::optional<Rows> rows = qformRows(h);
        if (rows)
            if (Result<Geometry> g = Geometry::make(h.size(), lpsFromRas(*rows)))
                return g;
        warnings.emplace_back("The file's qform is not a rotation, so the image's orientation is unknown.");
    }
    warnings.emplace_back(
        "The file does not say where the image lies: left and right, and the position, are a guess.");
    Result<Geometry> g = Geometry::make(h.size(), lpsFromRas(baseRows(h)));
    if (!g)
        return readError(ErrorCode::FormatInvalid, path, g.error().sentence);
    return g;
}

void headerFromGeometry(NiftiHeader& h, const Geometry& g) {
    const std::array<double, 3> spacing = g.spacing();
    const bool fits =
        *std::max_element(g.size().begin(), g.size().end()) <= std::numeric_limits<std::int16_t>::max();
    h.version = fits ? 1 : 2;
    h.dim = {3, g.size()[0], g.size()[1], g.size()[2], 1, 1, 1, 1};
    h.pixdim = {1, spacing[0], spacing[1], spacing[2], 1, 1, 1, 1};
    h.units = 2;
    h.sform = rasFromLps(g.patientFromVoxel());
    h.sformCode = 1;
    setQform(h, h.sform, spacing);
    h.qformCode = qformHolds(h, h.sform, spacing) ? 1 : 0;
    if (h.qformCode == 0) {
        h.pixdim[0] = 1;
        h.quaternion = {};
        h.qoffset = {};
    }
}

} // namespace tandem::imaging
