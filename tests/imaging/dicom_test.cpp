#include "tests/imaging/fixtures.h"

namespace {

using namespace tandem;
using namespace tandem::test;

/// The normal of the slices is row x column; a grid whose k axis points the other way is left-handed.
Geometry leftHanded(const Geometry& g) {
    Affine<Patient, Voxel> a = g.patientFromVoxel();
    for (std::size_t r = 0; r < 3; ++r)
        a.linear[r][2] = -a.linear[r][2];
    return *Geometry::make(g.size(), a);
}

Volume ramp(const Geometry& grid) {
    std::vector<std::int16_t> values(static_cast<std::size_t>(grid.voxelCount()));
    for (std::size_t n = 0; n < values.size(); ++n)
        values[n] = static_cast<std::int16_t>(static_cast<int>(n * 13 % 3000) - 1024);
    return *Volume::make(grid, values);
}

Result<LoadedImage> throughDicom(const Volume& volume) {
    const Folder folder;
    if (Result<void> written = writeDicomSeries(folder / "series", volume, {}); !written)
        return written.error();
    return makeImageReader()->read(folder / "series");
}

TEST(Dicom, WrittenSeries_ComesBackInItsPlace) {
    for (const Geometry& grid :
         {obliqueGrid({9, 7, 5}), Geometry::axisAligned({8, 6, 4}, {0.5, 0.75, 3}, {-10, 20, 30})}) {
        const Volume volume = ramp(grid);
        const auto back = throughDicom(volume);
        ASSERT_TRUE(back) << back.error().sentence;
        EXPECT_LE(affineDifference(back->volume->geometry(), grid), 1e-5);
        EXPECT_EQ(back->volume->values(), volume.values());
        EXPECT_EQ(back->modality, "CT");
        EXPECT_TRUE(back->warnings.empty()) << back->warnings.front();
    }
}

TEST(Dicom, LeftHandedGrid_EveryVoxelStaysWhereItIs) {
    const Geometry grid = leftHanded(obliqueGrid({6, 5, 4}));
    const Volume volume = ramp(grid);
    const auto back = throughDicom(volume);
    ASSERT_TRUE(back) << back.error().sentence;
    const Geometry& found = back->volume->geometry();
    for (std::int64_t k = 0; k < 4; ++k) {
        const VoxelIndex ours{3, 2, k};
        const VoxelIndex theirs =
            nearestVoxel(found.voxelFromPatient()(grid.patientFromVoxel()(centreOf(ours))));
        ASSERT_TRUE(found.contains(theirs));
        EXPECT_EQ(back->volume->at(theirs), volume.at(ours));
    }
}

TEST(Dicom, WhatSlicesCannotHold_IsRefused) {
    const Folder folder;
    const Volume sheared = ramp(shearedGrid({3, 3, 3}));
    EXPECT_EQ(writeDicomSeries(folder / "s", sheared, {}).error().code, ErrorCode::FormatUnsupported);
    const Volume colour = *Volume::make(obliqueGrid({2, 2, 2}), Bytes(24), 3);
    EXPECT_EQ(writeDicomSeries(folder / "c", colour, {}).error().code, ErrorCode::FormatUnsupported);
    EXPECT_EQ(writeDicomSeries("/proc/no", ramp(obliqueGrid({2, 2, 2})), {}).error().code,
              ErrorCode::FileUnwritable);
}

TEST(Dicom, MissingSlice_IsSaid) {
    const Folder folder;
    ASSERT_TRUE(writeDicomSeries(folder.path(), ramp(obliqueGrid({4, 4, 6})), {}));
    fs::remove(folder / "IM00003.dcm");
    const auto image = makeImageReader()->read(folder.path());
    ASSERT_TRUE(image);
    EXPECT_EQ(image->volume->geometry().size()[2], 5);
    ASSERT_EQ(image->warnings.size(), 1U);
    EXPECT_NE(image->warnings[0].find("missing"), std::string::npos);
}

TEST(Dicom, FilesWithoutExtensionAmongOthers_AreFoundByContent) {
    const Folder folder;
    ASSERT_TRUE(writeDicomSeries(folder.path(), ramp(obliqueGrid({4, 4, 3})), {}));
    for (int n = 1; n <= 3; ++n)
        fs::rename(folder / ("IM0000" + std::to_string(n) + ".dcm"),
                   folder / ("slice " + std::to_string(9 - n)));
    writeBytes(folder / "notes.txt", Bytes{'h', 'i'});
    writeBytes(folder / "empty.dcm", {});
    const auto image = makeImageReader()->read(folder.path());
    ASSERT_TRUE(image) << image.error().sentence;
    EXPECT_LE(affineDifference(image->volume->geometry(), obliqueGrid({4, 4, 3})), 1e-5);
}

TEST(Dicom, CopiesOfAFile_CountOnce) {
    const Folder folder;
    ASSERT_TRUE(writeDicomSeries(folder.path(), ramp(obliqueGrid({4, 4, 3})), {}));
    fs::copy_file(folder / "IM00002.dcm", folder / "copy.dcm");
    const auto entries = makeImageReader()->list(folder.path());
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 1U);
    EXPECT_EQ(entries->front().frames, 1);
}

TEST(Dicom, InvertedPicture_KeepsItsValuesAndIsShownInverted) {
    Bytes bytes = readBytes(fixture("dicom/CT_small/CT_small.dcm"));
    const std::string from = "MONOCHROME2";
    const auto at = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
    ASSERT_NE(at, bytes.end());
    const auto original = makeImageReader()->read(fixture("dicom/CT_small/CT_small.dcm"));
    *(at + 10) = '1';
    const Folder folder;
    writeBytes(folder / "a", bytes);
    const auto inverted = makeImageReader()->read(folder / "a");
    ASSERT_TRUE(original && inverted);
    EXPECT_EQ(original->volume->values(), inverted->volume->values());
    EXPECT_TRUE(inverted->volume->shownInverted());
    EXPECT_TRUE(defaultWindow(*inverted->volume).inverted);
    EXPECT_FALSE(original->volume->shownInverted());
}

} // namespace
