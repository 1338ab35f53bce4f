#include "core/measure/surface_dice.h"

#include "core/measure/distance_transform.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace tandem {
namespace {

struct PatternClass {
    std::uint8_t pattern; // occupied voxels, bit z*4 + y*2 + x
    double area;
};

// One pattern of every class of the unit cube's 256 patterns under rotation, mirror and complement.
const std::array<PatternClass, 14>& patternClasses() {
    constexpr double r2 = std::numbers::sqrt2, r3 = std::numbers::sqrt3, a = r3 / 8;
    static const std::array<PatternClass, 14> classes{{{0b00000000, 0},
                                                       {0b00000001, a},
                                                       {0b00000011, 1 / r2},
                                                       {0b00001001, 2 * a},
                                                       {0b10000001, 2 * a},
                                                       {0b00000111, 0.5 + 3 * a},
                                                       {0b00101001, 3 * a},
                                                       {0b01000011, 1 / r2 + a},
                                                       {0b00001111, 1},
                                                       {0b00010111, 6 * a},
                                                       {0b01000111, 1 / r2 + 4 * a},
                                                       {0b10000111, 0.5 + 4 * a},
                                                       {0b11000011, r2},
                                                       {0b01101001, 4 * a}}};
    return classes;
}

// The pattern after the axes are permuted and mirrored.
std::uint8_t turned(std::uint8_t pattern, const std::array<int, 3>& axes, int mirror) {
    int out = 0;
    for (int i = 0; i < 8; ++i) {
        if (!(pattern >> i & 1))
            continue;
        int to = 0;
        for (int axis = 0; axis < 3; ++axis)
            to |= (i >> axes[static_cast<std::size_t>(axis)] & 1) << axis;
        out |= 1 << (to ^ mirror);
    }
    return static_cast<std::uint8_t>(out);
}

std::array<double, 256> allCornerAreas() {
    std::array<double, 256> areas{};
    for (const PatternClass& c : patternClasses()) {
        std::array<int, 3> axes{0, 1, 2};
        do
            for (int mirror = 0; mirror < 8; ++mirror) {
                const std::uint8_t p = turned(c.pattern, axes, mirror);
                areas[p] = areas[255 - p] = c.area;
            }
        while (std::next_permutation(axes.begin(), axes.end()));
    }
    return areas;
}

// The surface points of a mask on its lattice of corners.
struct Surface {
    std::vector<std::uint8_t> point;
    std::vector<double> area;
    double total = 0;
};

Surface surfaceOf(std::span<const std::uint8_t> mask, std::array<std::int64_t, 3> n) {
    const std::array<std::int64_t, 3> c{n[0] + 1, n[1] + 1, n[2] + 1};
    std::vector<std::uint8_t> pattern(static_cast<std::size_t>(c[0] * c[1] * c[2]));
    for (std::int64_t z = 0; z < n[2]; ++z)
        for (std::int64_t y = 0; y < n[1]; ++y)
            for (std::int64_t x = 0; x < n[0]; ++x) {
                if (!mask[static_cast<std::size_t>(x + n[0] * (y + n[1] * z))])
                    continue;
                for (int i = 0; i < 8; ++i) { // this voxel is voxel i of the corner on its other side
                    const std::int64_t cx = x + 1 - (i & 1), cy = y + 1 - (i >> 1 & 1), cz = z + 1 - (i >> 2);
                    pattern[static_cast<std::size_t>(cx + c[0] * (cy + c[1] * cz))] |=
                        static_cast<std::uint8_t>(1 << i);
                }
            }
    Surface s{std::vector<std::uint8_t>(pattern.size()), std::vector<double>(pattern.size())};
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        s.point[i] = pattern[i] != 0 && pattern[i] != 255;
        s.area[i] = cornerAreas()[pattern[i]];
        s.total += s.point[i] ? s.area[i] : 0;
    }
    return s;
}

double areaNear(const Surface& of, const std::vector<double>& squaredToOther, double tolerance) {
    double area = 0;
    for (std::size_t i = 0; i < of.point.size(); ++i)
        if (of.point[i] && std::sqrt(squaredToOther[i]) <= tolerance)
            area += of.area[i];
    return area;
}

} // namespace

const std::array<double, 256>& cornerAreas() {
    static const std::array<double, 256> areas = allCornerAreas();
    return areas;
}

double surfaceDice(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> predicted,
                   std::array<std::int64_t, 3> size, double tolerance, std::array<double, 3> spacing) {
    const Surface t = surfaceOf(truth, size), p = surfaceOf(predicted, size);
    if (t.total + p.total == 0)
        return std::numeric_limits<double>::quiet_NaN();
    const std::array<std::int64_t, 3> corners{size[0] + 1, size[1] + 1, size[2] + 1};
    const double near = areaNear(t, squaredDistance(p.point, corners, spacing), tolerance) +
                        areaNear(p, squaredDistance(t.point, corners, spacing), tolerance);
    return near / (t.total + p.total);
}

} // namespace tandem
