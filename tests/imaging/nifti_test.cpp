#include "core/imaging/nifti_header.h"
#include "tests/imaging/fixtures.h"

#include <cstring>
#include <limits>
#include <numeric>

namespace {

using namespace tandem;
using namespace tandem::test;

/// A NIfTI-1 file made byte by byte, so that the reader is not tested with its own writer.
class HandMade {
public:
    HandMade(std::int16_t type, std::int16_t bits, std::array<std::int16_t, 3> size, bool bigEndian = false)
        : bytes_(352), big_(bigEndian) {
        put<std::int32_t>(0, 348);
        put<std::int16_t>(40, 3);
        for (std::size_t a = 0; a < 3; ++a) {
            put<std::int16_t>(42 + 2 * a, size[a]);
            put<float>(80 + 4 * a, 1.5F + static_cast<float>(a));
        }
        for (std::size_t a = 3; a < 7; ++a)
            put<std::int16_t>(42 + 2 * a, 1);
        put<std::int16_t>(70, type);
        put<std::int16_t>(72, bits);
        put<float>(76, 1);
        put<float>(108, 352);
        std::memcpy(bytes_.data() + 344, "n+1", 4);
    }
    template <class T>
    HandMade& put(std::size_t at, T value) {
        std::array<std::uint8_t, sizeof(T)> raw{};
        std::memcpy(raw.data(), &value, sizeof(T));
        if (big_)
            std::reverse(raw.begin(), raw.end());
        if (bytes_.size() < at + sizeof(T))
            bytes_.resize(at + sizeof(T));
        std::copy(raw.begin(), raw.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
        return *this;
    }
    template <class T>
    HandMade& voxels(const std::vector<T>& values) {
        for (const T v : values)
            put<T>(bytes_.size(), v);
        return *this;
    }
    Bytes& bytes() { return bytes_; }

private:
    Bytes bytes_;
    bool big_;
};

Result<LoadedImage> readBytesAs(const std::string& name, const Bytes& bytes) {
    const Folder folder;
    writeBytes(folder / name, bytes);
    return makeImageReader()->read(folder / name);
}

template <class Stored, class Kept>
void expectKept(std::int16_t type, const std::vector<Stored>& values) {
    for (const bool big : {false, true}) {
        SCOPED_TRACE("type " + std::to_string(type) + (big ? " big endian" : " little endian"));
        const auto size = static_cast<std::int16_t>(values.size());
        HandMade file(type, 8 * sizeof(Stored), {size, 1, 1}, big);
        const auto image = readBytesAs("a.nii", file.voxels(values).bytes());
        ASSERT_TRUE(image) << image.error().sentence;
        const auto* kept = std::get_if<std::vector<Kept>>(&image->volume->values());
        ASSERT_NE(kept, nullptr) << "kept as variant " << image->volume->values().index();
        for (std::size_t n = 0; n < values.size(); ++n)
            EXPECT_EQ((*kept)[n], static_cast<Kept>(values[n]));
    }
}

TEST(Nifti, EveryType_KeepsEveryValue) {
    expectKept<std::uint8_t, std::uint8_t>(2, {0, 1, 255});
    expectKept<std::int16_t, std::int16_t>(4, {-32768, 5, 32767});
    expectKept<std::int32_t, std::int32_t>(8, {-2147483647, 5, 2147483647});
    expectKept<float, float>(16, {-1.5F, 1e30F, 0.1F});
    expectKept<double, double>(64, {-1.5, 1e300, 0.1});
    expectKept<std::int8_t, std::int16_t>(256, {-128, 5, 127});
    expectKept<std::uint16_t, std::uint16_t>(512, {0, 5, 65535});
    expectKept<std::uint32_t, std::int32_t>(768, {0, 5, 70000});
    expectKept<std::uint32_t, double>(768, {0, 5, 4294967295U});
    expectKept<std::int64_t, std::int32_t>(1024, {-5, 5, 70000});
    expectKept<std::int64_t, double>(1024, {-5, 5, std::int64_t{1} << 52});
    expectKept<std::uint64_t, double>(1280, {0, 5, std::uint64_t{1} << 40});
}

TEST(Nifti, Scaling_IsApplied_WholeNumbersStayIntegers) {
    HandMade whole(512, 16, {3, 1, 1});
    whole.put<float>(112, 1).put<float>(116, -1024).voxels<std::uint16_t>({0, 1024, 4000});
    const auto ct = readBytesAs("a.nii", whole.bytes());
    ASSERT_TRUE(ct);
    EXPECT_EQ(std::get<std::vector<std::int16_t>>(ct->volume->values()),
              (std::vector<std::int16_t>{-1024, 0, 2976}));
    HandMade broken(2, 8, {2, 1, 1});
    broken.put<float>(112, 0.5F).put<float>(116, 0.25F).voxels<std::uint8_t>({1, 2});
    const auto pet = readBytesAs("a.nii", broken.bytes());
    ASSERT_TRUE(pet);
    EXPECT_EQ(std::get<std::vector<float>>(pet->volume->values()), (std::vector<float>{0.75F, 1.25F}));
}

TEST(Nifti, ColourWithAlpha_BecomesThreeComponents) {
    HandMade file(2304, 32, {2, 1, 1});
    const auto image = readBytesAs("a.nii", file.voxels<std::uint8_t>({1, 2, 3, 255, 4, 5, 6, 0}).bytes());
    ASSERT_TRUE(image);
    EXPECT_EQ(image->volume->components(), 3);
    EXPECT_EQ(std::get<Bytes>(image->volume->values()), (Bytes{1, 2, 3, 4, 5, 6}));
}

TEST(Nifti, NoForm_LiesAsNibabelSays) {
    HandMade file(2, 8, {3, 2, 1});
    const auto image = readBytesAs("a.nii", file.voxels<std::uint8_t>({1, 2, 3, 4, 5, 6}).bytes());
    ASSERT_TRUE(image);
    // nibabel: RAS diag(-1.5, 2.5, 3.5), offset (1.5, -1.25, 0); LPS turns the signs of x and y.
    const auto& a = image->volume->geometry().patientFromVoxel();
    EXPECT_DOUBLE_EQ(a.linear[0][0], 1.5);
    EXPECT_DOUBLE_EQ(a.linear[1][1], -2.5);
    EXPECT_DOUBLE_EQ(a.linear[2][2], 3.5);
    EXPECT_DOUBLE_EQ(a.offset[0], -1.5);
    EXPECT_DOUBLE_EQ(a.offset[1], 1.25);
    EXPECT_FALSE(image->warnings.empty());
}

TEST(Nifti, UnusableSform_FallsBackToQform) {
    HandMade file(2, 8, {2, 1, 1});
    file.put<std::int16_t>(252, 1).put<std::int16_t>(254, 1).put<float>(268, 10); // sform all zero
    const auto image = readBytesAs("a.nii", file.voxels<std::uint8_t>({1, 2}).bytes());
    ASSERT_TRUE(image);
    EXPECT_DOUBLE_EQ(image->volume->geometry().origin()[0], -10);
    EXPECT_FALSE(image->warnings.empty());
}

TEST(Nifti, ComplexAndWideFloats_AreRefusedByName) {
    for (const auto& [type, name] : std::vector<std::pair<std::int16_t, std::string>>{{32, "complex64"},
                                                                                      {1536, "float128"},
                                                                                      {1792, "complex128"},
                                                                                      {2048, "complex256"},
                                                                                      {999, "999"}}) {
        const auto image =
            readBytesAs("a.nii", HandMade(type, 64, {1, 1, 1}).voxels<double>({1, 1, 1, 1}).bytes());
        ASSERT_FALSE(image);
        EXPECT_NE(image.error().sentence.find(name), std::string::npos) << image.error().sentence;
    }
}

TEST(Nifti, PromiseBeyondTheFile_IsRefusedBeforeMemoryIsAskedFor) {
    HandMade huge(64, 64, {32767, 32767, 32767});
    const auto plain = readBytesAs("a.nii", huge.bytes());
    ASSERT_FALSE(plain);
    EXPECT_EQ(plain.error().code, ErrorCode::FormatInvalid);
    const auto packed = readBytesAs("a.nii.gz", imaging::gzip(huge.bytes()));
    ASSERT_FALSE(packed);
    EXPECT_EQ(packed.error().code, ErrorCode::FormatInvalid);
    HandMade negative(2, 8, {-3, 2, 1});
    EXPECT_EQ(readBytesAs("a.nii", negative.bytes()).error().code, ErrorCode::FormatInvalid);
}

TEST(Nifti, DamagedChecksum_IsFound) {
    HandMade file(2, 8, {64, 64, 4});
    Bytes voxels(64 * 64 * 4);
    std::iota(voxels.begin(), voxels.end(), std::uint8_t{0});
    Bytes packed = imaging::gzip(file.voxels(voxels).bytes());
    ASSERT_TRUE(readBytesAs("a.nii.gz", packed));
    packed[packed.size() - 6] ^= 0xFF;
    EXPECT_FALSE(readBytesAs("a.nii.gz", packed));
}

template <class T>
void expectRoundTrip(const Geometry& grid, int components) {
    std::vector<T> values(static_cast<std::size_t>(grid.voxelCount() * components));
    for (std::size_t n = 0; n < values.size(); ++n)
        values[n] = static_cast<T>(n * 37 % 251);
    const Volume volume = *Volume::make(grid, values, components);
    const Folder folder;
    for (const char* name : {"a.nii", "a.nii.gz"}) {
        const auto written = writeNiftiVolume(folder / name, volume);
        ASSERT_TRUE(written) << written.error().sentence;
        const auto back = makeImageReader()->read(folder / name);
        ASSERT_TRUE(back) << back.error().sentence;
        EXPECT_EQ(std::get<std::vector<T>>(back->volume->values()), values);
        EXPECT_LE(affineDifference(back->volume->geometry(), grid), 1e-5);
    }
}

TEST(Nifti, WrittenVolumes_ComeBack) {
    expectRoundTrip<std::uint8_t>(obliqueGrid({7, 5, 3}), 1);
    expectRoundTrip<std::uint8_t>(obliqueGrid({7, 5, 3}), 3);
    expectRoundTrip<std::int16_t>(obliqueGrid({7, 5, 3}), 1);
    expectRoundTrip<std::uint16_t>(obliqueGrid({7, 5, 3}), 1);
    expectRoundTrip<std::int32_t>(shearedGrid({7, 5, 3}), 1);
    expectRoundTrip<float>(obliqueGrid({7, 5, 1}), 1);
    expectRoundTrip<double>(obliqueGrid({1, 1, 1}), 1);
    expectRoundTrip<std::uint8_t>(obliqueGrid({40000, 1, 1}), 1); // beyond NIfTI-1's sizes: NIfTI-2
}

LabelMap labelsOn(const Geometry& grid, std::uint16_t most) {
    std::vector<std::uint16_t> labels(static_cast<std::size_t>(grid.voxelCount()));
    for (std::size_t n = 0; n < labels.size(); ++n)
        labels[n] = static_cast<std::uint16_t>(n % 3 ? 0 : n * 7 % (most + 1U));
    labels.back() = most;
    return *LabelMap::make(grid, labels);
}

std::int16_t fieldOf(const fs::path& path, std::size_t at) {
    const Bytes bytes = readBytes(path);
    std::int16_t value = 0;
    std::memcpy(&value, bytes.data() + at, 2);
    return value;
}

TEST(Nifti, Labels_TakeTheSmallestTypeAndSayTheirPlaceTwice) {
    const Folder folder;
    const auto reader = makeImageReader();
    for (const auto& [most, type] :
         std::vector<std::pair<std::uint16_t, int>>{{255, 2}, {256, 512}, {65535, 512}}) {
        const LabelMap map = labelsOn(obliqueGrid({6, 5, 4}), most);
        ASSERT_TRUE(reader->writeLabels(folder / "m.nii", map));
        EXPECT_EQ(fieldOf(folder / "m.nii", 70), type);
        EXPECT_EQ(fieldOf(folder / "m.nii", 252), 1) << "qform";
        EXPECT_EQ(fieldOf(folder / "m.nii", 254), 1) << "sform";
        const auto back = reader->readLabels(folder / "m.nii");
        ASSERT_TRUE(back);
        EXPECT_EQ(back->labels(), map.labels());
        EXPECT_LE(affineDifference(back->grid(), map.grid()), 1e-5);
    }
}

TEST(Nifti, ShearedLabels_HaveNoQformThatWouldSquareThem) {
    const Folder folder;
    const LabelMap map = labelsOn(shearedGrid({6, 5, 4}), 3);
    ASSERT_TRUE(makeImageReader()->writeLabels(folder / "m.nii", map));
    EXPECT_EQ(fieldOf(folder / "m.nii", 252), 0);
    EXPECT_EQ(fieldOf(folder / "m.nii", 254), 1);
    const auto back = makeImageReader()->readLabels(folder / "m.nii");
    ASSERT_TRUE(back);
    EXPECT_LE(affineDifference(back->grid(), map.grid()), 1e-5);
}

TEST(Nifti, WhatCannotBeWritten_LeavesNothingAndHarmsNothing) {
    const Folder folder;
    const auto reader = makeImageReader();
    const LabelMap map = labelsOn(obliqueGrid({2, 2, 2}), 1);
    EXPECT_EQ(reader->writeLabels("/no/such/folder/m.nii.gz", map).error().code, ErrorCode::FileUnwritable);
    EXPECT_EQ(reader->writeLabels(folder / "m.mha", map).error().code, ErrorCode::InvalidArgument);
    fs::create_directory(folder / "taken.nii");
    EXPECT_EQ(reader->writeLabels(folder / "taken.nii", map).error().code, ErrorCode::FileUnwritable);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1) << "no temporary file is left";
    ASSERT_TRUE(reader->writeLabels(folder / "Schädel 1.nii.gz", map)) << "names beyond ASCII";
    EXPECT_TRUE(reader->readLabels(folder / "Schädel 1.nii.gz"));
}

TEST(Nifti, AnImageIsNoMask) {
    HandMade file(16, 32, {2, 1, 1});
    const Folder folder;
    writeBytes(folder / "a.nii", file.voxels<float>({0.5F, 1}).bytes());
    const auto map = makeImageReader()->readLabels(folder / "a.nii");
    ASSERT_FALSE(map);
    EXPECT_EQ(map.error().code, ErrorCode::FormatInvalid);
    HandMade below(4, 16, {2, 1, 1});
    writeBytes(folder / "b.nii", below.voxels<std::int16_t>({-1, 1}).bytes());
    EXPECT_FALSE(makeImageReader()->readLabels(folder / "b.nii"));
}

TEST(ContentHash, DiffersWithAnyVoxelTypeOrPlace) {
    const auto reader = makeImageReader();
    const Geometry grid = obliqueGrid({4, 3, 2});
    const std::vector<std::int16_t> values(24, 7);
    const auto hash = [&](const Geometry& g, Volume::Values v) {
        return reader->contentHash(*Volume::make(g, std::move(v)));
    };
    const std::string first = hash(grid, values);
    EXPECT_EQ(first.size(), 32U);
    EXPECT_EQ(first, hash(grid, values));
    std::vector<std::int16_t> other = values;
    other[23] = 8;
    EXPECT_NE(first, hash(grid, other));
    EXPECT_NE(first, hash(grid, std::vector<std::uint16_t>(24, 7)));
    EXPECT_NE(first, hash(shearedGrid({4, 3, 2}), values));
    EXPECT_NE(first, hash(obliqueGrid({3, 4, 2}), values));
}

} // namespace
