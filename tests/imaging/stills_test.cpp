#include "core/files/png.h"
#include "tests/imaging/fixtures.h"

namespace {

using namespace tandem;
using namespace tandem::test;

TEST(Stills, WrittenPicture_ComesBack) {
    const Folder folder;
    Bytes rgb(3 * 5 * 4);
    for (std::size_t n = 0; n < rgb.size(); ++n)
        rgb[n] = static_cast<std::uint8_t>(n * 4);
    ASSERT_TRUE(writePng(folder / "a.png", 5, 4, rgb));
    const auto image = makeImageReader()->read(folder / "a.png");
    ASSERT_TRUE(image) << image.error().sentence;
    EXPECT_EQ(image->volume->geometry().size(), (Size3{5, 4, 1}));
    EXPECT_EQ(std::get<Bytes>(image->volume->values()), rgb);
    EXPECT_EQ(image->volume->intensity(), Intensity::Colour);
    EXPECT_FALSE(writePng(folder / "b.png", 5, 5, rgb)) << "the number of values does not fit";
    EXPECT_FALSE(writePng("/no/such/folder/a.png", 5, 4, rgb));
}

TEST(Stills, PictureThatCoreEncodes_IsReadByLibpng) {
    const Folder folder;
    constexpr std::int64_t width = 211, height = 173; // more than one stored block
    Bytes rgb(3 * width * height);
    for (std::size_t n = 0; n < rgb.size(); ++n)
        rgb[n] = static_cast<std::uint8_t>(n * 7 + n / 633);
    const std::string png = encodePng(width, height, rgb);
    writeBytes(folder / "a.png", Bytes(png.begin(), png.end()));
    const auto image = makeImageReader()->read(folder / "a.png");
    ASSERT_TRUE(image) << image.error().sentence;
    EXPECT_EQ(image->volume->geometry().size(), (Size3{width, height, 1}));
    EXPECT_EQ(std::get<Bytes>(image->volume->values()), rgb);
    EXPECT_TRUE(encodePng(width, height + 1, rgb).empty());
}

TEST(Stills, PaletteMask_KeepsItsNumbersWherePictureShowsColours) {
    const auto reader = makeImageReader();
    const auto picture = reader->read(fixture("stills/palette.png"));
    const auto mask = reader->readLabels(fixture("stills/palette.png"));
    ASSERT_TRUE(picture && mask);
    EXPECT_EQ(picture->volume->components(), 3);
    EXPECT_LE(mask->present().back().value, 16);
}

TEST(Stills, ColourPicture_IsNoMask) {
    const auto mask = makeImageReader()->readLabels(fixture("stills/rgb8.png"));
    ASSERT_FALSE(mask);
    EXPECT_NE(mask.error().sentence.find("colour"), std::string::npos);
}

TEST(Stills, ContentGoesBeforeName) {
    const Folder folder;
    fs::copy_file(fixture("stills/rgb8.png"), folder / "picture.nii");
    const auto image = makeImageReader()->read(folder / "picture.nii");
    ASSERT_TRUE(image) << image.error().sentence;
    EXPECT_EQ(image->volume->components(), 3);
}

} // namespace
