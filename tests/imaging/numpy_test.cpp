// Files written by NumPy (tests/data/images/numpy, see ATTRIBUTION.md), whose values are formulas of their
// indices.
#include "tests/imaging/fixtures.h"

namespace {

using namespace tandem;
using namespace tandem::test;

fs::path numpy(const std::string& name) {
    return fixture("numpy/" + name);
}

void expectBlock(const std::string& name, std::array<double, 3> spacing) {
    const auto reader = makeImageReader();
    const auto image = reader->read(numpy(name));
    ASSERT_TRUE(image) << image.error().sentence;
    const auto mask = reader->readLabels(numpy(name));
    ASSERT_TRUE(mask) << mask.error().sentence;
    const Geometry& g = image->volume->geometry();
    EXPECT_EQ(g.size(), (Size3{7, 5, 3}));
    for (std::size_t axis = 0; axis < 3; ++axis)
        EXPECT_DOUBLE_EQ(g.spacing()[axis], spacing[axis]);
    EXPECT_TRUE(checkSameGrid(g, "image", mask->grid(), "mask"));
    for (std::int64_t z = 0; z < 3; ++z)
        for (std::int64_t y = 0; y < 5; ++y)
            for (std::int64_t x = 0; x < 7; ++x) {
                EXPECT_EQ(image->volume->at({x, y, z}), static_cast<double>(10 * z + 2 * y + x));
                const bool in = x >= 2 && x < 5 && y >= 1 && y < 4 && z >= 1;
                EXPECT_EQ(mask->at({x, y, z}).value, in ? 2 : 0);
            }
}

TEST(Numpy, ArchiveOfMedsam_GivesImageMaskAndSpacing) {
    expectBlock("CT_block_01.npz", {0.5, 0.75, 3.0});
}

TEST(Numpy, StoredArchive_IsReadLikeADeflatedOne) {
    expectBlock("stored.npz", {1, 1, 1});
}

TEST(Numpy, BigEndianPicture_AndFortranVolume_KeepTheirPlaces) {
    const auto reader = makeImageReader();
    const auto picture = reader->read(numpy("grey_be_i2.npy"));
    ASSERT_TRUE(picture) << picture.error().sentence;
    EXPECT_EQ(picture->volume->geometry().size(), (Size3{7, 5, 1}));
    EXPECT_EQ(picture->volume->at({6, 4, 0}), 400.0 - 18);
    EXPECT_EQ(picture->volume->at({1, 0, 0}), -3.0);
    const auto volume = reader->read(numpy("fortran_f4.npy"));
    ASSERT_TRUE(volume) << volume.error().sentence;
    EXPECT_EQ(volume->volume->geometry().size(), (Size3{7, 5, 3}));
    EXPECT_EQ(volume->volume->at({3, 2, 1}), 1 + 0.5 + 3.0 / 16);
}

TEST(Numpy, ColourOfBytesIsColour_OtherwiseItsFirstComponent) {
    const auto reader = makeImageReader();
    const auto bytes = reader->read(numpy("rgb_u1.npy"));
    ASSERT_TRUE(bytes) << bytes.error().sentence;
    ASSERT_EQ(bytes->volume->components(), 3);
    EXPECT_EQ(bytes->volume->at({5, 3, 0}, 0), 5.0);
    EXPECT_EQ(bytes->volume->at({5, 3, 0}, 1), 30.0);
    EXPECT_EQ(bytes->volume->at({5, 3, 0}, 2), 8.0);
    const auto reals = reader->read(numpy("rgb_f8.npy"));
    ASSERT_TRUE(reals) << reals.error().sentence;
    EXPECT_EQ(reals->volume->components(), 1);
    EXPECT_DOUBLE_EQ(reals->volume->at({5, 3, 0}), 5.0 / 255);
}

TEST(Numpy, WhatIsNoImage_IsRefusedInWords) {
    const auto reader = makeImageReader();
    for (const char* name : {"objects.npy", "half.npy", "five_axes.npy"}) {
        const auto image = reader->read(numpy(name));
        ASSERT_FALSE(image) << name;
        EXPECT_EQ(image.error().code, ErrorCode::FormatUnsupported) << name;
    }
    EXPECT_FALSE(reader->readLabels(numpy("rgb_u1.npy")));
}

// Cut off and altered everywhere: an error or an image, never a crash (the sanitizers watch).
TEST(Numpy, DamagedFiles_AreErrors) {
    const Folder folder;
    const auto reader = makeImageReader();
    for (const char* name : {"CT_block_01.npz", "stored.npz", "grey_be_i2.npy"}) {
        const Bytes whole = readBytes(numpy(name));
        const fs::path copy = folder / name;
        for (std::size_t n = 0; n < whole.size(); n += 3) {
            writeBytes(copy, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
            EXPECT_FALSE(reader->read(copy)) << name << " cut at " << n;
        }
        for (std::size_t n = 0; n < whole.size(); ++n) {
            Bytes altered = whole;
            altered[n] = static_cast<std::uint8_t>(altered[n] ^ 0xff);
            writeBytes(copy, altered);
            (void)reader->read(copy);
            (void)reader->readLabels(copy);
        }
    }
}

} // namespace
