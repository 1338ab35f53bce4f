// The asymmetric phantom through files in all 48 axis orders: every voxel comes back at its place in the
// patient.

#include "core/imaging/imaging.h"
#include "core/phantom/phantom.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tandem {
namespace {

// A coarse grid over the phantom's patient whose array axes run along LPS in the given order and direction,
// turned by `turn` radians about the feet-head axis.
Geometry orderedGrid(std::array<int, 3> order, std::array<int, 3> sign, double turn) {
    const std::array<double, 3> extentMm{345.6, 288, 288}, mm{13, 15, 17};
    const double c = std::cos(turn), s = std::sin(turn);
    Size3 size{};
    Affine<Patient, Voxel> m;
    for (std::size_t a = 0; a < 3; ++a) {
        const auto lps = static_cast<std::size_t>(order[a]);
        size[a] = std::llround(extentMm[lps] / mm[lps]);
        std::array<double, 3> step{};
        step[lps] = sign[a] * mm[lps];
        const std::array<double, 3> turned{c * step[0] - s * step[1], s * step[0] + c * step[1], step[2]};
        for (std::size_t r = 0; r < 3; ++r) {
            m.linear[r][a] = turned[r];
            m.offset[r] -= turned[r] * static_cast<double>(size[a] - 1) / 2;
        }
    }
    return Geometry::make(size, m).value();
}

template <class Function>
void forAll48(double turn, Function&& check) {
    std::array<int, 3> order{0, 1, 2};
    do
        for (int bits = 0; bits < 8; ++bits)
            check(orderedGrid(order, {bits & 1 ? -1 : 1, bits & 2 ? -1 : 1, bits & 4 ? -1 : 1}, turn));
    while (std::next_permutation(order.begin(), order.end()));
}

// Every voxel of `read` has the value that `made` has at the same place of the patient.
void expectSamePlaces(const Volume& made, const Volume& read, double toleranceMm) {
    const Size3 n = read.geometry().size();
    ASSERT_EQ(read.geometry().voxelCount(), made.geometry().voxelCount());
    int wrong = 0;
    for (std::int64_t k = 0; k < n[2]; ++k)
        for (std::int64_t j = 0; j < n[1]; ++j)
            for (std::int64_t i = 0; i < n[0]; ++i) {
                const Point<Patient> at = read.geometry().patientFromVoxel()(centreOf({i, j, k}));
                const Point<Voxel> there = made.geometry().voxelFromPatient()(at);
                const VoxelIndex v = nearestVoxel(there);
                const bool same =
                    made.geometry().contains(v) &&
                    (made.geometry().patientFromVoxel()(centreOf(v)) - at).length() < toleranceMm &&
                    made.at(v) == read.at({i, j, k});
                wrong += !same;
            }
    EXPECT_EQ(wrong, 0);
}

TEST(PhantomRoundTrip, Nifti_All48OrdersStraightAndOblique_ImageAndLabelsStayInPlace) {
    const test::TemporaryFolder folder;
    const auto reader = makeImageReader();
    for (double turn : {0.0, 0.2})
        forAll48(turn, [&](const Geometry& grid) {
            const Phantom phantom = makePhantom(grid, 1);
            ASSERT_TRUE(writeNiftiVolume(folder.path() / "ct.nii.gz", phantom.image).has_value());
            ASSERT_TRUE(reader->writeLabels(folder.path() / "labels.nii.gz", phantom.labels).has_value());
            const auto image = reader->read(folder.path() / "ct.nii.gz");
            const auto labels = reader->readLabels(folder.path() / "labels.nii.gz");
            ASSERT_TRUE(image.has_value());
            ASSERT_TRUE(labels.has_value());
            EXPECT_TRUE(checkSameGrid(image->volume->geometry(), "read", grid, "made", 1e-4).has_value());
            EXPECT_TRUE(checkSameGrid(labels->grid(), "read", grid, "made", 1e-4).has_value());
            EXPECT_EQ(labels->labels(), phantom.labels.labels());
            expectSamePlaces(phantom.image, *image->volume, 1e-3);
        });
}

TEST(PhantomRoundTrip, Dicom_All48OrdersStraightAndOblique_ImageStaysInPlace) {
    const auto reader = makeImageReader();
    for (double turn : {0.0, 0.2})
        forAll48(turn, [&](const Geometry& grid) {
            const test::TemporaryFolder folder;
            const Phantom phantom = makePhantom(grid, 1);
            ASSERT_TRUE(writeDicomSeries(folder.path() / "series", phantom.image, {}).has_value());
            const auto image = reader->read(folder.path() / "series");
            ASSERT_TRUE(image.has_value());
            EXPECT_TRUE(image->volume->intensity() == Intensity::Hounsfield);
            expectSamePlaces(phantom.image, *image->volume, 1e-3);
        });
}

} // namespace
} // namespace tandem
