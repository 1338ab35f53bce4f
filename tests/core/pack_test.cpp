#include "core/files/csv.h"
#include "core/usecases/pack.h"
#include "core/usecases/pack_file.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace tandem {
namespace {

TEST(Csv, QuotesCommasAndLineBreaks) {
    const auto t = parseCsv("\xef\xbb\xbfname,note\r\na,\"x, \"\"y\"\"\nz\"\r\n\r\nb,\n");
    ASSERT_TRUE(t.has_value());
    ASSERT_EQ(t->rows.size(), std::size_t{2});
    EXPECT_EQ(t->cell(t->rows[0], "note"), "x, \"y\"\nz");
    EXPECT_EQ(t->cell(t->rows[1], "name"), "b");
    EXPECT_EQ(t->cell(t->rows[1], "missing"), "");
    EXPECT_FALSE(parseCsv("a,b\n1,2,3\n").has_value());
    EXPECT_EQ(csvCell("a,\"b\""), "\"a,\"\"b\"\"\"");
}

// Images and masks that live in memory, by the name of their file.
class MemoryReader : public ImageReader {
public:
    std::map<std::string, std::shared_ptr<const Volume>> images;

    Result<std::vector<ImageEntry>> list(const std::filesystem::path&) const override {
        return Error{ErrorCode::FormatUnsupported, "not used"};
    }
    Result<LoadedImage> read(const std::filesystem::path& path, const std::string&,
                             std::int64_t) const override {
        const auto found = images.find(path.filename().string());
        if (found == images.end())
            return Error{ErrorCode::FileNotFound, "There is no " + path.string() + "."};
        return LoadedImage{found->second, {}, {}, {}};
    }
    Result<LabelMap> readLabels(const std::filesystem::path& path) const override {
        const auto image = read(path, {}, 0);
        if (!image)
            return image.error();
        const auto& v = std::get<std::vector<std::uint8_t>>(image->volume->values());
        return LabelMap::make(image->volume->geometry(), {v.begin(), v.end()});
    }
    Result<void> writeLabels(const std::filesystem::path&, const LabelMap&) const override { return {}; }
    std::string contentHash(const Volume&) const override { return "none"; }
};

std::shared_ptr<const Volume> volume(Size3 size, Volume::Values values) {
    return std::make_shared<const Volume>(
        Volume::make(Geometry::axisAligned(size, {1, 1, 4}), std::move(values)).value());
}

// 12 x 10 x 3; label 1 a 6 x 5 block in slices 0 and 1, label 2 one pixel.
MemoryReader reader() {
    std::vector<std::int16_t> image(360);
    std::vector<std::uint8_t> mask(360);
    for (std::size_t i = 0; i < 360; ++i) {
        const std::size_t x = i % 12, y = i / 12 % 10, z = i / 120;
        image[i] = static_cast<std::int16_t>(static_cast<int>(i) * 10 - 2000);
        mask[i] = z < 2 && x >= 2 && x < 8 && y >= 3 && y < 8 ? 1 : i == 0 ? 2 : 0;
    }
    MemoryReader r;
    r.images["ct.nii"] = volume({12, 10, 3}, image);
    r.images["ct_mask.nii"] = volume({12, 10, 3}, mask);
    return r;
}

PairRow pair(const std::string& patient, const std::string& train) {
    PairRow p;
    p.caseName = p.patient = patient;
    p.modality = "CT";
    p.labels = "1=block;2=dot";
    p.train = train;
    p.dataSet = "set";
    p.image = "ct.nii";
    p.mask = "ct_mask.nii";
    return p;
}

const Progress quiet = [](double, std::string_view) {};

TEST(Pack, SlicesComeBackAsTheyWere) {
    const test::TemporaryFolder folder;
    PackOptions options;
    options.keptOutShare = 0;
    const auto report = writePack(reader(), {pair("p", "yes")}, options, folder.path(), quiet, {});
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->slices, 2); // thick slices: one plane; the dot is too small
    const auto pack = PackFile::open(folder.path());
    ASSERT_TRUE(pack.has_value());
    ASSERT_EQ(pack->slices().size(), std::size_t{2});
    const PackSlice& s = pack->slices()[1];
    EXPECT_EQ(s.slice.index, 1);
    EXPECT_EQ(s.labels.at(1), "block");
    EXPECT_EQ(s.affine[10], 4.0);
    const auto pixels = pack->load(1);
    ASSERT_TRUE(pixels.has_value());
    const SliceMask mask = pixels->maskOf(1);
    EXPECT_EQ(mask.at(2, 3), 1);
    EXPECT_EQ(mask.at(8, 3), 0);
    EXPECT_EQ(pixels->image.values[0], -800.0F); // Hounsfield units kept
    EXPECT_EQ(pixels->image.values[119], 390.0F);
}

TEST(Pack, KeptOutPatientsAreMarked_ByHashAndByDataSet) {
    PackOptions options;
    int kept = 0;
    for (int n = 0; n < 1000; ++n)
        kept += isKeptOut(pair("patient " + std::to_string(n), "yes"), options);
    EXPECT_NEAR(kept, 150, 35);
    options.leaveOut = {"set"};
    EXPECT_TRUE(isKeptOut(pair("patient 1", "yes"), options));
    EXPECT_NE(patientHash("a", 1), patientHash("a", 2));
}

TEST(Pack, PairsThatMayNotTrain_StayOutUnlessAskedFor) {
    const test::TemporaryFolder folder;
    PackOptions options;
    options.keptOutShare = 0;
    EXPECT_FALSE(writePack(reader(), {pair("p", "no")}, options, folder.path() / "a", quiet, {}).has_value());
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "a")); // nothing to write, nothing left behind
    options.everything = true;
    ASSERT_TRUE(writePack(reader(), {pair("p", "nc")}, options, folder.path() / "b", quiet, {}).has_value());
    const auto pack = PackFile::open(folder.path() / "b");
    ASSERT_TRUE(pack.has_value());
    EXPECT_FALSE(pack->slices()[0].mayTrain);
}

TEST(Pack, UnreadablePairsAreReported_FullFoldersRefused) {
    const test::TemporaryFolder folder;
    PairRow missing = pair("q", "yes");
    missing.image = "gone.nii";
    const auto report =
        writePack(reader(), {pair("p", "yes"), missing}, {0, 1, {}, false, 40, 20}, folder.path(), quiet, {});
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->skipped.size(), std::size_t{1});
    EXPECT_FALSE(writePack(reader(), {pair("p", "yes")}, {}, folder.path(), quiet, {}).has_value());
}

TEST(Pack, DamagedPacks_AreSentences) {
    const test::TemporaryFolder folder;
    EXPECT_FALSE(PackFile::open(folder.path()).has_value());
    std::ofstream(folder.path() / "pack.json")
        << R"({"slices":[{"id":"0","shard":"../x.safetensors","plane":"axial"}]})";
    EXPECT_FALSE(PackFile::open(folder.path()).has_value());
}

TEST(Pairs, TableIsReadRelativeToItself) {
    const test::TemporaryFolder folder;
    std::ofstream(folder.path() / "pairs.csv") << "case,image,mask,train\nc1,img/a.nii,img/a_seg.nii,yes\n";
    const auto rows = readPairs(folder.path() / "pairs.csv");
    ASSERT_TRUE(rows.has_value());
    EXPECT_EQ((*rows)[0].image, folder.path() / "img/a.nii");
    EXPECT_EQ((*rows)[0].dataSet, "img");
    EXPECT_EQ((*rows)[0].patient, "c1");
    std::ofstream(folder.path() / "bad.csv") << "case,picture\n1,2\n";
    EXPECT_FALSE(readPairs(folder.path() / "bad.csv").has_value());
}

TEST(Pairs, MaskReadRules) {
    MemoryReader r = reader();
    const Geometry grid = r.images["ct.nii"]->geometry();
    PairRow p = pair("p", "yes");
    p.maskRead = "value=2";
    const auto two = readPairLabels(r, p, grid);
    ASSERT_TRUE(two.has_value());
    EXPECT_EQ(two->names.size(), std::size_t{1});
    EXPECT_EQ(two->names.at(2), "dot");
    p.maskRead = "threshold>0";
    EXPECT_EQ(readPairLabels(r, p, grid)->map.count(LabelId{1}), 61);
    p.maskRead = "by feeling";
    EXPECT_FALSE(readPairLabels(r, p, grid).has_value());
    p.maskRead = "";
    EXPECT_FALSE(readPairLabels(r, p, Geometry::axisAligned({12, 10, 2}, {1, 1, 4})).has_value());
}

} // namespace
} // namespace tandem
