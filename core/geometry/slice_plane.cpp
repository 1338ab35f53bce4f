#include "core/geometry/slice_plane.h"

#include <algorithm>

namespace tandem {
namespace {

// The anatomical axis that a plane's normal runs along: index into LPS.
constexpr std::size_t normalOf(Plane p) {
    return p == Plane::Axial ? 2 : p == Plane::Coronal ? 1 : 0;
}

Vector<Patient> negated(const Vector<Patient>& v) {
    return -1.0 * v;
}

} // namespace

std::string_view planeName(Plane p) {
    return p == Plane::Axial ? "axial" : p == Plane::Coronal ? "coronal" : "sagittal";
}

std::optional<Plane> planeFromName(std::string_view name) {
    for (Plane p : {Plane::Axial, Plane::Coronal, Plane::Sagittal})
        if (planeName(p) == name)
            return p;
    return std::nullopt;
}

SliceAxes sliceAxes(const Geometry& g, Plane plane) {
    // Array axis for each of L, P, S: the permutation with the largest sum of |direction cosines|; ties keep
    // array order.
    std::array<int, 3> order{0, 1, 2}, best = order;
    double bestScore = -1;
    do {
        double score = 0;
        for (std::size_t anatomical = 0; anatomical < 3; ++anatomical)
            score += std::abs(g.direction(static_cast<std::size_t>(order[anatomical]))[anatomical]);
        if (score > bestScore + 1e-9) {
            bestScore = score;
            best = order;
        }
    } while (std::next_permutation(order.begin(), order.end()));
    SliceAxes axes;
    axes.slice = best[normalOf(plane)];
    axes.x = axes.slice == 0 ? 1 : 0;
    axes.y = axes.slice == 2 ? 1 : 2;
    return axes;
}

std::int64_t sliceCount(const Geometry& g, Plane p) {
    return g.size()[static_cast<std::size_t>(sliceAxes(g, p).slice)];
}

std::array<std::int64_t, 2> sliceSize(const Geometry& g, Plane p) {
    const SliceAxes a = sliceAxes(g, p);
    return {g.size()[static_cast<std::size_t>(a.x)], g.size()[static_cast<std::size_t>(a.y)]};
}

std::array<double, 2> sliceSpacing(const Geometry& g, Plane p) {
    const SliceAxes a = sliceAxes(g, p);
    const auto mm = g.spacing();
    return {mm[static_cast<std::size_t>(a.x)], mm[static_cast<std::size_t>(a.y)]};
}

Affine<Voxel, SlicePx> voxelFromSlice(const Geometry& g, SliceKey key) {
    const SliceAxes a = sliceAxes(g, key.plane);
    Affine<Voxel, SlicePx> m;
    m.linear[static_cast<std::size_t>(a.x)][0] = 1;
    m.linear[static_cast<std::size_t>(a.y)][1] = 1;
    m.offset[static_cast<std::size_t>(a.slice)] = static_cast<double>(key.index);
    return m;
}

Point<SlicePx> slicePoint(const Geometry& g, Plane plane, const Point<Voxel>& p) {
    const SliceAxes a = sliceAxes(g, plane);
    return {{p[static_cast<std::size_t>(a.x)], p[static_cast<std::size_t>(a.y)]}};
}

VoxelIndex voxelAt(const Geometry& g, SliceKey key, std::int64_t x, std::int64_t y) {
    const SliceAxes a = sliceAxes(g, key.plane);
    VoxelIndex v;
    v[static_cast<std::size_t>(a.x)] = x;
    v[static_cast<std::size_t>(a.y)] = y;
    v[static_cast<std::size_t>(a.slice)] = key.index;
    return v;
}

ScreenOrientation screenOrientation(const Geometry& g, Plane plane) {
    const SliceAxes a = sliceAxes(g, plane);
    // Where the screen's right and bottom edges should point, in LPS.
    const std::size_t horizontal = plane == Plane::Sagittal ? 1 : 0; // P for sagittal, else L
    const std::size_t vertical = plane == Plane::Axial ? 1 : 2;      // P for axial, else I
    const double verticalSign = plane == Plane::Axial ? 1.0 : -1.0;
    const Vector<Patient> dx = g.direction(static_cast<std::size_t>(a.x));
    const Vector<Patient> dy = g.direction(static_cast<std::size_t>(a.y));
    ScreenOrientation s;
    s.transpose = std::abs(dx[horizontal]) + std::abs(dy[vertical]) + 1e-9 <
                  std::abs(dy[horizontal]) + std::abs(dx[vertical]);
    const Vector<Patient> across = s.transpose ? dy : dx;
    const Vector<Patient> down = s.transpose ? dx : dy;
    s.flipHorizontal = across[horizontal] < 0;
    s.flipVertical = down[vertical] * verticalSign < 0;
    const Vector<Patient> toRight = s.flipHorizontal ? negated(across) : across;
    const Vector<Patient> toBottom = s.flipVertical ? negated(down) : down;
    s.right = edgeLetters(toRight);
    s.left = edgeLetters(negated(toRight));
    s.bottom = edgeLetters(toBottom);
    s.top = edgeLetters(negated(toBottom));
    return s;
}

} // namespace tandem
