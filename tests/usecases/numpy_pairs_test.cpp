#include "core/files/files.h"
#include "core/imaging/imaging.h"
#include "core/usecases/pack.h"
#include "core/usecases/pack_file.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace tandem {
namespace {

namespace fs = std::filesystem;

const fs::path fixtures = fs::path(TANDEM_TEST_DATA) / "images" / "numpy";
const Progress silent = [](double, std::string_view) {};

void put(const fs::path& from, const fs::path& to) {
    fs::create_directories(to.parent_path());
    fs::copy_file(from, to);
}

PackOptions smallObjects() {
    PackOptions options;
    options.smallestObject = 4;
    options.keptOutShare = 0;
    return options;
}

TEST(FindPairs, ArchivesOfMedsam_HoldImageAndMask) {
    const test::TemporaryFolder folder;
    put(fixtures / "CT_block_01.npz", folder / "npz" / "CT_block_01.npz");
    const auto rows = findPairs(folder.path());
    ASSERT_TRUE(rows.has_value());
    ASSERT_EQ(rows->size(), 1u);
    EXPECT_EQ(rows->front().image, rows->front().mask);
    EXPECT_EQ(rows->front().modality, "CT");
    const auto reader = makeImageReader();
    const auto report = writePack(*reader, *rows, smallObjects(), folder / "pack", silent, {});
    ASSERT_TRUE(report.has_value()) << report.error().sentence;
    EXPECT_EQ(report->slices, 2); // the block lies on two of three slices
    const auto pack = PackFile::open(folder / "pack");
    const SliceMask mask = pack->load(0)->maskOf(1);
    EXPECT_EQ(std::count(mask.inside.begin(), mask.inside.end(), 1), 9);
    EXPECT_DOUBLE_EQ(pack->slices()[0].spacing[0], 0.5);
    EXPECT_DOUBLE_EQ(pack->slices()[0].spacing[1], 0.75);
}

TEST(FindPairs, FoldersOfSlices_AreOfOnePatient) {
    const test::TemporaryFolder folder;
    for (const char* name : {"MR_a_7-001", "MR_a_7-002", "MR_b_8-001"}) {
        put(fixtures / "rgb_f8.npy", folder / "set" / "imgs" / (std::string(name) + ".npy"));
        put(fixtures / "grey_be_i2.npy", folder / "set" / "gts" / (std::string(name) + ".npy"));
    }
    put(fixtures / "rgb_f8.npy", folder / "set" / "imgs" / "MR_c_9-001.npy"); // without a mask
    const auto rows = findPairs(folder.path());
    ASSERT_TRUE(rows.has_value());
    ASSERT_EQ(rows->size(), 3u);
    std::map<std::string, int> slices;
    for (const PairRow& row : *rows) {
        ++slices[row.patient];
        EXPECT_EQ(row.dataSet, "set");
        EXPECT_EQ(row.mask.parent_path().filename(), "gts");
    }
    EXPECT_EQ(slices["MR_a_7"], 2);
    EXPECT_EQ(slices["MR_b_8"], 1);
}

TEST(FindPairs, NnUnet_TakesNamesAndModalityFromItsTable) {
    for (const char* table :
         {R"({"channel_names":{"0":"CT"},"labels":{"background":0,"liver":1,"spleen":2}})",
          R"({"modality":{"0":"CT"},"labels":{"0":"background","1":"liver","2":"spleen"}})"}) {
        const test::TemporaryFolder folder;
        const fs::path set = folder / "Dataset007_Liver";
        fs::create_directories(set / "imagesTr");
        fs::create_directories(set / "labelsTr");
        ASSERT_TRUE(writeFileAtomically(set / "dataset.json", table).has_value());
        for (const char* file : {"imagesTr/a_0000.nii.gz", "imagesTr/a_0001.nii.gz", "labelsTr/a.nii.gz"})
            ASSERT_TRUE(writeFileAtomically(set / file, "not read here").has_value());
        const auto rows = findPairs(folder.path());
        ASSERT_TRUE(rows.has_value());
        ASSERT_EQ(rows->size(), 1u); // the first channel
        EXPECT_EQ(rows->front().labels, "1=liver;2=spleen");
        EXPECT_EQ(rows->front().modality, "CT");
        EXPECT_EQ(rows->front().dataSet, "Dataset007_Liver");
        EXPECT_EQ(rows->front().mask.filename(), "a.nii.gz");
    }
}

} // namespace
} // namespace tandem
