#include "app/gui/document/surface.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace tandem {
namespace {

constexpr double pi = 3.14159265358979323846;

// A grid turned by 20 and 12 degrees with unequal spacing; mirrored: left-handed.
Geometry obliqueGrid(bool mirrored) {
    const double a = 20 * pi / 180, b = 12 * pi / 180;
    const std::array<std::array<double, 3>, 3> turn{
        {{std::cos(a), -std::sin(a) * std::cos(b), std::sin(a) * std::sin(b)},
         {std::sin(a), std::cos(a) * std::cos(b), -std::cos(a) * std::sin(b)},
         {0, std::sin(b), std::cos(b)}}};
    const std::array<double, 3> mm{1.0, 1.5, 2.5};
    Affine<Patient, Voxel> m;
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 3; ++c)
            m.linear[r][c] = turn[r][c] * mm[c] * (mirrored && c == 0 ? -1 : 1);
    m.offset = {-31, 12, 77};
    return Geometry::make({70, 50, 34}, m).value();
}

// A ball in the patient, drawn on a grid; and the box of voxels that holds it.
struct Ball {
    Point<Patient> centre;
    double radiusMm;
    LabelMap map;
    LabelExtent extent;

    Ball(const Geometry& g, double radius)
        : centre(g.patientFromVoxel()(Point<Voxel>{{33.3, 24.8, 16.1}})), radiusMm(radius), map(g) {
        std::vector<std::uint16_t> labels(static_cast<std::size_t>(g.voxelCount()));
        extent = {0, g.size(), {-1, -1, -1}};
        for (std::int64_t k = 0; k < g.size()[2]; ++k)
            for (std::int64_t j = 0; j < g.size()[1]; ++j)
                for (std::int64_t i = 0; i < g.size()[0]; ++i)
                    if ((g.patientFromVoxel()(centreOf({i, j, k})) - centre).length() <= radius)
                        add(labels, {i, j, k});
        map = LabelMap::make(g, std::move(labels)).value();
    }
    void add(std::vector<std::uint16_t>& labels, const VoxelIndex& v) {
        labels[static_cast<std::size_t>(map.grid().offsetOf(v))] = 4;
        ++extent.voxels;
        for (std::size_t a = 0; a < 3; ++a) {
            extent.first[a] = std::min(extent.first[a], v[a]);
            extent.last[a] = std::max(extent.last[a], v[a]);
        }
    }
};

Point<Patient> vertex(const Surface& s, std::uint32_t n) {
    return {{s.points[3 * n], s.points[3 * n + 1], s.points[3 * n + 2]}};
}

// Signed volume by the divergence theorem: positive when the triangles look outward.
double volumeMm3(const Surface& s) {
    double sum = 0;
    for (std::size_t t = 0; t < s.triangles.size(); t += 3) {
        const auto a = vertex(s, s.triangles[t]), b = vertex(s, s.triangles[t + 1]),
                   c = vertex(s, s.triangles[t + 2]);
        sum += a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) +
               a[2] * (b[0] * c[1] - b[1] * c[0]);
    }
    return sum / 6;
}

// Every edge must belong to two triangles that run along it in opposite directions.
bool isClosed(const Surface& s) {
    std::multiset<std::pair<std::uint32_t, std::uint32_t>> edges;
    for (std::size_t t = 0; t < s.triangles.size(); t += 3)
        for (std::size_t c = 0; c < 3; ++c)
            edges.insert({s.triangles[t + c], s.triangles[t + (c + 1) % 3]});
    return std::all_of(edges.begin(), edges.end(), [&](const auto& e) {
        return edges.count({e.second, e.first}) == 1 && edges.count(e) == 1;
    });
}

TEST(Surface, BallOnAnObliqueGrid_LiesWhereTheBallLies) {
    for (bool mirrored : {false, true}) {
        const Ball ball(obliqueGrid(mirrored), 16);
        GuardedLabels labels(ball.map);
        const auto surface = buildSurface(labels, {4}, ball.extent, 1'000'000, {});
        ASSERT_TRUE(surface.has_value());
        EXPECT_TRUE(isClosed(*surface));
        const double expected = 4.0 / 3 * pi * std::pow(ball.radiusMm, 3);
        EXPECT_NEAR(volumeMm3(*surface), expected, 0.06 * expected)
            << (mirrored ? "left-handed" : "right-handed");
        for (std::uint32_t n = 0; n < surface->points.size() / 3; ++n) {
            const Vector<Patient> out = vertex(*surface, n) - ball.centre;
            EXPECT_NEAR(out.length(), ball.radiusMm, 2.0) << "vertex " << n;
            double along = 0;
            for (std::size_t a = 0; a < 3; ++a)
                along += out[a] / out.length() * surface->normals[3 * n + a];
            EXPECT_GT(along, 0.5) << "the normal of vertex " << n << " does not look outward";
        }
    }
}

TEST(Surface, Decimated_KeepsShapeWithinTheLimit) {
    const Ball ball(obliqueGrid(false), 16);
    GuardedLabels labels(ball.map);
    const auto surface = buildSurface(labels, {4}, ball.extent, 1500, {});
    ASSERT_TRUE(surface.has_value());
    EXPECT_LE(surface->triangles.size() / 3, 1550u);
    const double expected = 4.0 / 3 * pi * std::pow(ball.radiusMm, 3);
    EXPECT_NEAR(volumeMm3(*surface), expected, 0.08 * expected);
}

TEST(Surface, LabelAtTheBorderOrOneVoxel_IsStillClosed) {
    const Geometry g = Geometry::axisAligned({5, 4, 3}, {1, 1, 1});
    GuardedLabels all(LabelMap::make(g, std::vector<std::uint16_t>(60, 4)).value());
    const auto box = buildSurface(all, {4}, {60, {0, 0, 0}, {4, 3, 2}}, 100000, {});
    ASSERT_TRUE(box.has_value());
    EXPECT_TRUE(isClosed(*box));
    EXPECT_GT(volumeMm3(*box), 30);
    std::vector<std::uint16_t> one(60);
    one[static_cast<std::size_t>(g.offsetOf({2, 1, 1}))] = 4;
    GuardedLabels single(LabelMap::make(g, std::move(one)).value());
    const auto dot = buildSurface(single, {4}, {1, {2, 1, 1}, {2, 1, 1}}, 100000, {});
    ASSERT_TRUE(dot.has_value());
    EXPECT_TRUE(isClosed(*dot));
}

TEST(Surface, NoVoxelOrStopped_IsEmpty) {
    const Ball ball(obliqueGrid(false), 16);
    GuardedLabels labels(ball.map);
    EXPECT_FALSE(buildSurface(labels, {9}, {}, 1000, {}).has_value());
    std::stop_source stop;
    stop.request_stop();
    EXPECT_FALSE(buildSurface(labels, {4}, ball.extent, 1000, stop.get_token()).has_value());
}

} // namespace
} // namespace tandem
