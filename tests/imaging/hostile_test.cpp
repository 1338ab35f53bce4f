// Damaged and malicious files: whatever they hold, the reader answers with an image or a sentence, never with
// a crash, and never asks for memory that the file could not fill.
#include "tests/imaging/fixtures.h"

#include <sys/resource.h>

#include <random>

namespace {

using namespace tandem;
using namespace tandem::test;

std::vector<fs::path> allFixtures(std::uintmax_t largest) {
    std::vector<fs::path> files;
    for (const char* folder : {"nifti", "nrrd", "stills", "dicom", "refused"})
        for (const auto& entry : fs::recursive_directory_iterator(fixture(folder)))
            if (entry.is_regular_file() && entry.file_size() <= largest)
                files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

/// Reads the bytes as a file of that name, all three ways.
void expectAnAnswer(const ImageReader& reader, const fs::path& path, const Bytes& bytes) {
    writeBytes(path, bytes);
    const auto listed = reader.list(path);
    const auto image = reader.read(path);
    const auto labels = reader.readLabels(path);
    EXPECT_TRUE(listed || listed.error().sentence.size() > 20);
    EXPECT_TRUE(image || image.error().sentence.size() > 20);
    EXPECT_TRUE(labels || labels.error().sentence.size() > 20);
    EXPECT_TRUE(!image || image->volume != nullptr);
}

double peakMegabytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

TEST(Hostile, TruncatedAnywhere_IsAnswered) {
    const auto reader = makeImageReader();
    int answered = 0;
    for (const fs::path& path : allFixtures(90'000)) {
        const Folder folder;
        const Bytes whole = readBytes(path);
        for (int n = 0; n < 24; ++n) { // dense in the header, sparse in the voxels
            const double place = std::pow(static_cast<double>(n) / 24, 2);
            const auto length = static_cast<std::ptrdiff_t>(place * static_cast<double>(whole.size()));
            expectAnAnswer(*reader, folder / path.filename().string(),
                           Bytes(whole.begin(), whole.begin() + length));
            ++answered;
        }
    }
    EXPECT_GT(answered, 1000);
}

TEST(Hostile, LastByteMissing_IsNoWholeImage) {
    const auto reader = makeImageReader();
    for (const char* name :
         {"nifti/anatomical.nii", "nifti/standard.nii.gz", "nrrd/BallBinary30x30x30_gz.nrrd",
          "stills/rgb8.png", "stills/grey8.tif", "stills/rgb.bmp", "dicom/CT_small/CT_small.dcm"}) {
        const Folder folder;
        Bytes bytes = readBytes(fixture(name));
        ASSERT_FALSE(bytes.empty());
        bytes.resize(bytes.size() - std::max<std::size_t>(2, bytes.size() / 10));
        const fs::path path = folder / fs::path(name).filename().string();
        writeBytes(path, bytes);
        EXPECT_FALSE(reader->read(path)) << name;
    }
}

TEST(Hostile, FlippedBytes_AreAnswered) {
    const auto reader = makeImageReader();
    std::mt19937 random(20240607); // NOLINT: the same damage every time
    for (const fs::path& path : allFixtures(25'000)) {
        const Folder folder;
        const Bytes whole = readBytes(path);
        for (int n = 0; n < 40; ++n) {
            Bytes damaged = whole;
            const std::size_t reach = n % 2 ? damaged.size() : std::min<std::size_t>(damaged.size(), 1200);
            for (int flips = 1 + n % 5; flips > 0; --flips)
                damaged[random() % reach] = static_cast<std::uint8_t>(random());
            expectAnAnswer(*reader, folder / path.filename().string(), damaged);
        }
    }
    EXPECT_LT(peakMegabytes(), 4096) << "no header may ask for memory that its file cannot fill";
}

TEST(Hostile, LargestNumbersInHeaders_AskForNoMemory) {
    const auto reader = makeImageReader();
    std::mt19937 random(7); // NOLINT
    for (const fs::path& path : allFixtures(12'000)) {
        const Folder folder;
        const Bytes whole = readBytes(path);
        for (int n = 0; n < 30; ++n) {
            Bytes damaged = whole;
            const std::size_t at = random() % std::min<std::size_t>(damaged.size(), 900);
            for (std::size_t b = at; b < std::min(at + 4, damaged.size()); ++b)
                damaged[b] = n % 3 == 0 ? 0xFF : n % 3 == 1 ? 0x7F : 0x00;
            expectAnAnswer(*reader, folder / path.filename().string(), damaged);
        }
    }
    EXPECT_LT(peakMegabytes(), 4096);
}

Bytes nestedDicom(std::size_t levels) {
    Bytes bytes = readBytes(fixture("dicom/CT_small/CT_small.dcm"));
    bytes.resize(132);
    const auto add = [&](std::initializer_list<int> values) {
        for (const int v : values)
            bytes.push_back(static_cast<std::uint8_t>(v));
    };
    add({2, 0, 0x10, 0, 'U', 'I', 20, 0});
    for (const char c : std::string("1.2.840.10008.1.2.1"))
        add({c});
    add({0});
    for (std::size_t n = 0; n < levels; ++n) {
        add({0x40, 0, 0x55, 5, 'S', 'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF});
        add({0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF});
    }
    return bytes;
}

TEST(Hostile, SequencesInSequences_DoNotExhaustTheStack) {
    const auto reader = makeImageReader();
    const Folder folder;
    for (const std::size_t levels : {100U, 1000U, 20'000U, 100'000U, 1'000'000U})
        expectAnAnswer(*reader, folder / "nested.dcm", nestedDicom(levels));
}

TEST(Hostile, GzipBomb_IsNotUnpacked) {
    // 200 MB of zeros in 200 KB, behind the name of every format that may be compressed.
    const Folder folder;
    const auto reader = makeImageReader();
    const double before = peakMegabytes();
    writeBytes(folder / "zeros", Bytes(200 << 20));
    ASSERT_EQ(std::system(("gzip -9 '" + (folder / "zeros").string() + "'").c_str()), 0);
    const Bytes bomb = readBytes(folder / "zeros.gz");
    const double made = peakMegabytes();
    for (const char* name : {"a.nii.gz", "a.img.gz", "a.dcm.gz", "a.gz", "a.nrrd"})
        expectAnAnswer(*reader, folder / name, bomb);
    EXPECT_LT(peakMegabytes(), std::max(made, before) + 64);
}

} // namespace
