#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace tandem {

/// Continuous voxel coordinates (i, j, k) along the array axes; integers are voxel centres.
struct Voxel {
    static constexpr std::size_t dims = 3;
};
/// World: DICOM's LPS millimetres (x to the patient's left, y to posterior, z to superior).
struct Patient {
    static constexpr std::size_t dims = 3;
};
/// A slice's own array: x along the lower remaining array axis, y along the higher one; integers are voxel
/// centres.
struct SlicePx {
    static constexpr std::size_t dims = 2;
};
/// The network's input, image_size x image_size.
struct ModelPx {
    static constexpr std::size_t dims = 2;
};
/// Logical pixels of a view, origin top left, y down.
struct ViewPx {
    static constexpr std::size_t dims = 2;
};

/// A difference of two points of one frame.
template <class Frame>
struct Vector {
    std::array<double, Frame::dims> v{};

    double& operator[](std::size_t i) { return v[i]; }
    double operator[](std::size_t i) const { return v[i]; }
    double length() const {
        double sum = 0;
        for (double c : v)
            sum += c * c;
        return std::sqrt(sum);
    }
    friend Vector operator*(double s, Vector a) {
        for (double& c : a.v)
            c *= s;
        return a;
    }
    friend Vector operator+(Vector a, const Vector& b) {
        for (std::size_t i = 0; i < Frame::dims; ++i)
            a.v[i] += b.v[i];
        return a;
    }
    friend bool operator==(const Vector&, const Vector&) = default;
};

/// A place in one frame. Points of different frames do not mix: that is the purpose of the type.
template <class Frame>
struct Point {
    std::array<double, Frame::dims> v{};

    double& operator[](std::size_t i) { return v[i]; }
    double operator[](std::size_t i) const { return v[i]; }
    friend Vector<Frame> operator-(const Point& a, const Point& b) {
        Vector<Frame> d;
        for (std::size_t i = 0; i < Frame::dims; ++i)
            d.v[i] = a.v[i] - b.v[i];
        return d;
    }
    friend Point operator+(Point a, const Vector<Frame>& d) {
        for (std::size_t i = 0; i < Frame::dims; ++i)
            a.v[i] += d.v[i];
        return a;
    }
    friend bool operator==(const Point&, const Point&) = default;
};

/// The indices of one voxel. Got by name (nearestVoxel, floorVoxel), never by a cast.
struct VoxelIndex {
    std::int64_t i = 0, j = 0, k = 0;

    std::int64_t operator[](std::size_t axis) const { return axis == 0 ? i : axis == 1 ? j : k; }
    std::int64_t& operator[](std::size_t axis) { return axis == 0 ? i : axis == 1 ? j : k; }
    friend bool operator==(const VoxelIndex&, const VoxelIndex&) = default;
};

inline VoxelIndex nearestVoxel(const Point<Voxel>& p) {
    return {std::llround(p[0]), std::llround(p[1]), std::llround(p[2])};
}
inline VoxelIndex floorVoxel(const Point<Voxel>& p) {
    return {static_cast<std::int64_t>(std::floor(p[0])), static_cast<std::int64_t>(std::floor(p[1])),
            static_cast<std::int64_t>(std::floor(p[2]))};
}
inline Point<Voxel> centreOf(const VoxelIndex& v) {
    return {{static_cast<double>(v.i), static_cast<double>(v.j), static_cast<double>(v.k)}};
}

/// An affine map: To-point = linear * From-point + offset. Named target-from-source, and composed so:
/// Affine<A, B> * Affine<B, C> is Affine<A, C>.
template <class To, class From>
class Affine {
public:
    static constexpr std::size_t rows = To::dims;
    static constexpr std::size_t cols = From::dims;
    /// linear[r][c]: how much To's r grows for one step along From's c.
    std::array<std::array<double, From::dims>, To::dims> linear{};
    std::array<double, To::dims> offset{};

    Point<To> operator()(const Point<From>& p) const {
        Point<To> q;
        for (std::size_t r = 0; r < rows; ++r) {
            q.v[r] = offset[r];
            for (std::size_t c = 0; c < cols; ++c)
                q.v[r] += linear[r][c] * p.v[c];
        }
        return q;
    }
    Vector<To> operator()(const Vector<From>& d) const {
        Vector<To> q;
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < cols; ++c)
                q.v[r] += linear[r][c] * d.v[c];
        return q;
    }
    friend bool operator==(const Affine&, const Affine&) = default;
};

template <class A, class B, class C>
Affine<A, C> operator*(const Affine<A, B>& ab, const Affine<B, C>& bc) {
    Affine<A, C> out;
    for (std::size_t r = 0; r < A::dims; ++r) {
        out.offset[r] = ab.offset[r];
        for (std::size_t m = 0; m < B::dims; ++m) {
            out.offset[r] += ab.linear[r][m] * bc.offset[m];
            for (std::size_t c = 0; c < C::dims; ++c)
                out.linear[r][c] += ab.linear[r][m] * bc.linear[m][c];
        }
    }
    return out;
}

} // namespace tandem
