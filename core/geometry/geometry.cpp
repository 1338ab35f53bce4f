#include "core/geometry/geometry.h"

#include "core/geometry/matrix3.h"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace tandem {
namespace {

double columnLength(const Matrix3& m, std::size_t c) {
    return std::sqrt(m[0][c] * m[0][c] + m[1][c] * m[1][c] + m[2][c] * m[2][c]);
}

bool allFinite(const Affine<Patient, Voxel>& a) {
    for (std::size_t r = 0; r < 3; ++r) {
        if (!std::isfinite(a.offset[r]))
            return false;
        for (double x : a.linear[r])
            if (!std::isfinite(x))
                return false;
    }
    return true;
}

std::string sizeText(const Size3& s) {
    return std::to_string(s[0]) + " x " + std::to_string(s[1]) + " x " + std::to_string(s[2]);
}

std::string millimetres(double mm) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.4g mm", mm);
    return text.data();
}

} // namespace

Result<Geometry> Geometry::make(Size3 size, const Affine<Patient, Voxel>& affine) {
    for (std::int64_t n : size)
        if (n < 1)
            return Error{ErrorCode::InvalidArgument,
                         "The image has an axis without voxels (" + sizeText(size) + ")."};
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 64;
    if (size[0] > most / size[1] || size[0] * size[1] > most / size[2])
        return Error{ErrorCode::InvalidArgument,
                     "The image's size " + sizeText(size) + " is beyond any memory."};
    if (!allFinite(affine))
        return Error{ErrorCode::InvalidArgument, "The image's position holds a value that is not a number."};
    const double volume = std::abs(determinant(affine.linear));
    const double box =
        columnLength(affine.linear, 0) * columnLength(affine.linear, 1) * columnLength(affine.linear, 2);
    if (!(box > 0) || volume < 1e-9 * box)
        return Error{
            ErrorCode::InvalidArgument,
            "The image's axes do not span a volume (its affine is singular), so no place in it is defined."};
    Geometry g;
    g.size_ = size;
    g.affine_ = affine;
    return g;
}

Geometry Geometry::axisAligned(Size3 size, std::array<double, 3> spacingMm, std::array<double, 3> originMm) {
    Geometry g;
    g.size_ = size;
    for (std::size_t a = 0; a < 3; ++a)
        g.affine_.linear[a][a] = spacingMm[a];
    g.affine_.offset = originMm;
    return g;
}

Affine<Voxel, Patient> Geometry::voxelFromPatient() const {
    Affine<Voxel, Patient> out;
    out.linear = inverse(affine_.linear);
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 3; ++c)
            out.offset[r] -= out.linear[r][c] * affine_.offset[c];
    return out;
}

std::array<double, 3> Geometry::spacing() const {
    return {columnLength(affine_.linear, 0), columnLength(affine_.linear, 1),
            columnLength(affine_.linear, 2)};
}

Vector<Patient> Geometry::direction(std::size_t axis) const {
    const double length = columnLength(affine_.linear, axis);
    return {{affine_.linear[0][axis] / length, affine_.linear[1][axis] / length,
             affine_.linear[2][axis] / length}};
}

double Geometry::voxelVolumeMm3() const {
    return std::abs(determinant(affine_.linear));
}

bool Geometry::isSheared() const {
    for (std::size_t a = 0; a < 3; ++a) {
        const Vector<Patient> u = direction(a), w = direction((a + 1) % 3);
        if (std::abs(u[0] * w[0] + u[1] * w[1] + u[2] * w[2]) > 1e-3)
            return true;
    }
    return false;
}

Result<void> checkSameGrid(const Geometry& a, const std::string& whatA, const Geometry& b,
                           const std::string& whatB, double tolerance) {
    if (a.size() != b.size())
        return Error{ErrorCode::GridMismatch, whatA + " has " + sizeText(a.size()) + " voxels, " + whatB +
                                                  " has " + sizeText(b.size()) +
                                                  ": they do not share one grid."};
    double worst = 0;
    for (std::size_t r = 0; r < 3; ++r) {
        worst = std::max(worst, std::abs(a.patientFromVoxel().offset[r] - b.patientFromVoxel().offset[r]));
        for (std::size_t c = 0; c < 3; ++c)
            worst = std::max(worst,
                             std::abs(a.patientFromVoxel().linear[r][c] - b.patientFromVoxel().linear[r][c]));
    }
    if (worst > tolerance)
        return Error{ErrorCode::GridMismatch,
                     whatA + " and " + whatB +
                         " have the same size but lie in different places (their affines differ by " +
                         millimetres(worst) + ")."};
    return {};
}

std::string edgeLetters(const Vector<Patient>& towards) {
    struct Part {
        double strength;
        char letter;
    };
    std::array<Part, 3> parts{{{std::abs(towards[0]), towards[0] > 0 ? 'L' : 'R'},
                               {std::abs(towards[1]), towards[1] > 0 ? 'P' : 'A'},
                               {std::abs(towards[2]), towards[2] > 0 ? 'S' : 'I'}}};
    std::stable_sort(parts.begin(), parts.end(),
                     [](const Part& a, const Part& b) { return a.strength > b.strength; });
    std::string letters(1, parts[0].letter);
    constexpr double obliqueSine = 0.17; // about 10 degrees off the axis
    if (parts[1].strength > obliqueSine * towards.length())
        letters += parts[1].letter;
    return letters;
}

std::string orientationLetters(const Geometry& g) {
    std::string letters;
    for (std::size_t a = 0; a < 3; ++a)
        letters += edgeLetters(g.direction(a)).substr(0, 1);
    return letters;
}

} // namespace tandem
