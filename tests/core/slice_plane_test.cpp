#include "core/geometry/slice_plane.h"
#include "core/image/volume.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tandem {
namespace {

// The grid whose array axis a runs along LPS axis order[a], forwards or backwards.
Geometry reordered(std::array<int, 3> order, std::array<int, 3> sign) {
    Affine<Patient, Voxel> m;
    for (std::size_t a = 0; a < 3; ++a)
        m.linear[static_cast<std::size_t>(order[a])][a] = sign[a] * (1.0 + static_cast<double>(a));
    return Geometry::make({3, 4, 5}, m).value();
}

template <class Function>
void forAll48(Function&& check) {
    std::array<int, 3> order{0, 1, 2};
    do
        for (int bits = 0; bits < 8; ++bits)
            check(reordered(order, {bits & 1 ? -1 : 1, bits & 2 ? -1 : 1, bits & 4 ? -1 : 1}), order);
    while (std::next_permutation(order.begin(), order.end()));
}

TEST(SlicePlane, All48Orders_SliceAxisRunsAlongThePlanesNormal) {
    int seen = 0;
    forAll48([&](const Geometry& g, std::array<int, 3> order) {
        ++seen;
        EXPECT_EQ(order[static_cast<std::size_t>(sliceAxes(g, Plane::Axial).slice)], 2);
        EXPECT_EQ(order[static_cast<std::size_t>(sliceAxes(g, Plane::Coronal).slice)], 1);
        EXPECT_EQ(order[static_cast<std::size_t>(sliceAxes(g, Plane::Sagittal).slice)], 0);
        EXPECT_LT(sliceAxes(g, Plane::Axial).x, sliceAxes(g, Plane::Axial).y);
    });
    EXPECT_EQ(seen, 48);
}

TEST(SlicePlane, All48Orders_ScreenIsRadiological) {
    forAll48([](const Geometry& g, std::array<int, 3>) {
        const ScreenOrientation axial = screenOrientation(g, Plane::Axial);
        EXPECT_EQ(axial.left + axial.right + axial.top + axial.bottom, "RLAP");
        const ScreenOrientation coronal = screenOrientation(g, Plane::Coronal);
        EXPECT_EQ(coronal.left + coronal.right + coronal.top + coronal.bottom, "RLSI");
        const ScreenOrientation sagittal = screenOrientation(g, Plane::Sagittal);
        EXPECT_EQ(sagittal.left + sagittal.right + sagittal.top + sagittal.bottom, "APSI");
    });
}

TEST(SlicePlane, VoxelAtAndSlicePoint_AreInverse) {
    forAll48([](const Geometry& g, std::array<int, 3>) {
        for (Plane p : {Plane::Axial, Plane::Coronal, Plane::Sagittal}) {
            const VoxelIndex v = voxelAt(g, {p, 1}, 2, 1);
            const Point<SlicePx> back = slicePoint(g, p, centreOf(v));
            EXPECT_EQ(back[0], 2);
            EXPECT_EQ(back[1], 1);
            EXPECT_EQ(nearestVoxel(voxelFromSlice(g, {p, 1})(back)), v);
        }
    });
}

TEST(Volume, ExtractSlice_TakesTheVoxelsOfThePlane) {
    forAll48([](const Geometry& g, std::array<int, 3>) {
        std::vector<std::int16_t> values(60);
        for (std::size_t n = 0; n < values.size(); ++n)
            values[n] = static_cast<std::int16_t>(n * 7);
        const Volume volume = Volume::make(g, values).value();
        for (Plane p : {Plane::Axial, Plane::Coronal, Plane::Sagittal}) {
            const auto slice = extractSlice(volume, {p, 2});
            ASSERT_TRUE(slice.has_value());
            for (std::int64_t y = 0; y < slice->height; ++y)
                for (std::int64_t x = 0; x < slice->width; ++x)
                    EXPECT_EQ(slice->values[static_cast<std::size_t>(y * slice->width + x)],
                              volume.at(voxelAt(g, {p, 2}, x, y)));
        }
        EXPECT_FALSE(extractSlice(volume, {Plane::Axial, sliceCount(g, Plane::Axial)}).has_value());
    });
}

TEST(Volume, Quantiles_MatchTheSortedValues) {
    std::vector<float> values(101);
    for (std::size_t n = 0; n < values.size(); ++n)
        values[n] = static_cast<float>((n * 37) % 101) - 50.0F;
    const Volume v = Volume::make(Geometry::axisAligned({101, 1, 1}, {1, 1, 1}), values).value();
    EXPECT_EQ(v.quantiles({0.0, 0.5, 1.0}), (std::vector<double>{-50, 0, 50}));
    EXPECT_EQ(v.quantiles({0.0, 1.0}, true), (std::vector<double>{1, 50}));
}

} // namespace
} // namespace tandem
