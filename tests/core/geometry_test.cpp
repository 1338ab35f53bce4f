#include "core/geometry/geometry.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

Affine<Patient, Voxel> oblique() {
    // 30 degrees about z, then spacing 0.5, 0.8, 2.5.
    const double c = std::sqrt(3.0) / 2, s = 0.5;
    return {{{{0.5 * c, -0.8 * s, 0}, {0.5 * s, 0.8 * c, 0}, {0, 0, 2.5}}}, {10, -20, 30}};
}

TEST(Geometry, Oblique_ReadsSpacingAndDirectionOffTheAffine) {
    const auto g = Geometry::make({4, 5, 6}, oblique());
    ASSERT_TRUE(g.has_value());
    EXPECT_NEAR(g->spacing()[0], 0.5, 1e-12);
    EXPECT_NEAR(g->spacing()[1], 0.8, 1e-12);
    EXPECT_NEAR(g->spacing()[2], 2.5, 1e-12);
    EXPECT_NEAR(g->direction(1)[0], -0.5, 1e-12);
    EXPECT_NEAR(g->voxelVolumeMm3(), 1.0, 1e-12);
    EXPECT_FALSE(g->isSheared());
}

TEST(Geometry, VoxelFromPatient_TakesEveryCornerBack) {
    const auto g = Geometry::make({4, 5, 6}, oblique());
    ASSERT_TRUE(g.has_value());
    for (double i : {0.0, 3.0})
        for (double j : {0.0, 4.0})
            for (double k : {0.0, 5.0}) {
                const Point<Voxel> v{{i, j, k}};
                const Point<Voxel> back = g->voxelFromPatient()(g->patientFromVoxel()(v));
                EXPECT_NEAR((back - v).length(), 0.0, 1e-10);
            }
}

TEST(Geometry, Sheared_IsKeptAsReadAndSaysSo) {
    Affine<Patient, Voxel> a = oblique();
    a.linear[1][2] = 0.6; // gantry tilt
    const auto g = Geometry::make({4, 5, 6}, a);
    ASSERT_TRUE(g.has_value());
    EXPECT_TRUE(g->isSheared());
    EXPECT_EQ(g->patientFromVoxel(), a);
}

TEST(Geometry, SingularEmptyOrHugeGrids_AreRefusedInWords) {
    Affine<Patient, Voxel> flat = oblique();
    flat.linear[2][2] = 0;
    EXPECT_FALSE(Geometry::make({4, 5, 6}, flat).has_value());
    EXPECT_FALSE(Geometry::make({4, 0, 6}, oblique()).has_value());
    EXPECT_FALSE(Geometry::make({std::int64_t{1} << 40, std::int64_t{1} << 40, 6}, oblique()).has_value());
    Affine<Patient, Voxel> nan = oblique();
    nan.offset[1] = NAN;
    EXPECT_FALSE(Geometry::make({4, 5, 6}, nan).has_value());
}

TEST(Geometry, CheckSameGrid_NamesSizeOrDistance) {
    const Geometry a = Geometry::axisAligned({4, 5, 6}, {1, 1, 2});
    const Geometry b = Geometry::axisAligned({4, 5, 7}, {1, 1, 2});
    const Geometry c = Geometry::axisAligned({4, 5, 6}, {1, 1, 2}, {0, 0, 0.5});
    EXPECT_TRUE(checkSameGrid(a, "a", a, "b").has_value());
    ASSERT_FALSE(checkSameGrid(a, "mask.nii", b, "the image").has_value());
    EXPECT_NE(checkSameGrid(a, "mask.nii", b, "the image").error().sentence.find("4 x 5 x 7"),
              std::string::npos);
    ASSERT_FALSE(checkSameGrid(a, "a", c, "c").has_value());
    EXPECT_NE(checkSameGrid(a, "a", c, "c").error().sentence.find("0.5 mm"), std::string::npos);
}

TEST(Geometry, Letters_NameNearestAxesAndObliqueOnesTwice) {
    EXPECT_EQ(orientationLetters(Geometry::axisAligned({2, 2, 2}, {1, 1, 1})), "LPS");
    EXPECT_EQ(edgeLetters({{-1, 0, 0}}), "R");
    EXPECT_EQ(edgeLetters({{-0.8, -0.6, 0}}), "RA");
    EXPECT_EQ(edgeLetters({{0.05, 0, -1}}), "I");
}

} // namespace
} // namespace tandem
