// Every fixture against what nibabel, pydicom, PIL and numpy read from it (expected.json, by
// make_expected.py).
#include "tests/imaging/fixtures.h"

#include <nlohmann/json.hpp>

namespace {

using namespace tandem;
using namespace tandem::test;
using nlohmann::json;

json expectedEntries() {
    std::ifstream file(fixture("expected.json"));
    return json::parse(file);
}

double sumOf(const Volume& volume) {
    return std::visit(
        [](const auto& values) {
            double sum = 0;
            for (const auto v : values)
                sum += static_cast<double>(v);
            return sum;
        },
        volume.values());
}

void expectGrid(const json& e, const Geometry& g) {
    EXPECT_EQ(g.size(), e["size"].get<Size3>());
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 4; ++c) {
            const double ours = c < 3 ? g.patientFromVoxel().linear[r][c] : g.patientFromVoxel().offset[r];
            EXPECT_NEAR(ours, e["affine_lps"][r][c].get<double>(), 1e-5);
        }
}

void expectVoxels(const json& e, const Volume& volume) {
    ASSERT_EQ(volume.components(), e["components"].get<int>());
    for (const json& p : e["probes"]) {
        const double wanted = p[4];
        EXPECT_NEAR(volume.at({p[0], p[1], p[2]}, p[3]), wanted, 1e-6 * std::max(1.0, std::abs(wanted)));
    }
    const double sum = e["sum"];
    EXPECT_NEAR(sumOf(volume), sum, 1e-6 * std::max(1.0, std::abs(sum)));
}

void checkImage(const json& e) {
    const auto reader = makeImageReader();
    const fs::path path = fixture(e["path"]);
    const auto listed = reader->list(path);
    ASSERT_TRUE(listed) << listed.error().sentence;
    ASSERT_GT(listed->front().frames, e["frame"].get<std::int64_t>());
    const auto image = reader->read(path, listed->front().seriesKey, e["frame"]);
    ASSERT_TRUE(image) << image.error().sentence;
    expectGrid(e, image->volume->geometry());
    expectVoxels(e, *image->volume);
}

void checkLabels(const json& e) {
    const auto map = makeImageReader()->readLabels(fixture(e["path"]));
    ASSERT_TRUE(map) << map.error().sentence;
    expectGrid(e, map->grid());
    for (const json& p : e["probes"])
        EXPECT_EQ(map->at({p[0], p[1], p[2]}).value, p[4].get<int>());
}

TEST(Reference, EveryFixture_EqualsOtherReaders) {
    int images = 0, masks = 0;
    for (const json& e : expectedEntries()) {
        SCOPED_TRACE(e["path"].get<std::string>() + " frame " + std::to_string(e["frame"].get<int>()));
        const bool labels = e["labels"];
        labels ? checkLabels(e) : checkImage(e);
        ++(labels ? masks : images);
    }
    EXPECT_GE(images, 50);
    EXPECT_GE(masks, 10);
}

TEST(Reference, AnyFileOfASeries_OpensTheSeries) {
    const auto reader = makeImageReader();
    const auto whole = reader->read(fixture("dicom/rtstruct_oriented"));
    const auto byFile = reader->read(fixture("dicom/rtstruct_oriented/2.dcm"));
    ASSERT_TRUE(whole && byFile);
    EXPECT_EQ(reader->contentHash(*whole->volume), reader->contentHash(*byFile->volume));
    EXPECT_EQ(whole->modality, "CT");
}

TEST(Reference, FolderOfManySeries_ListsThemApart) {
    const auto reader = makeImageReader();
    const auto entries = reader->list(fixture("dicom"));
    ASSERT_TRUE(entries) << entries.error().sentence;
    EXPECT_EQ(entries->size(), 14U) << "copies of one picture in several transfer syntaxes count once";
    for (const ImageEntry& e : *entries) {
        const auto image = reader->read(e.path, e.seriesKey);
        EXPECT_TRUE(image) << e.description << ": " << image.error().sentence;
    }
}

void expectRefused(const std::string& name, ErrorCode code, const std::string& word) {
    SCOPED_TRACE(name);
    const auto reader = makeImageReader();
    const auto image = reader->read(fixture("refused/" + name));
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, code) << image.error().sentence;
    EXPECT_NE(image.error().sentence.find(word), std::string::npos) << image.error().sentence;
    EXPECT_NE(image.error().sentence.find(name), std::string::npos) << "the sentence names the file";
}

TEST(Reference, WhatIsNoImageOfVoxels_IsRefusedByName) {
    expectRefused("row_major.dconn.nii", ErrorCode::FormatUnsupported, "CIFTI");
    expectRefused("test.mgz", ErrorCode::FormatUnsupported, "MGH");
    expectRefused("analyze.hdr", ErrorCode::FormatUnsupported, "Analyze 7.5");
    expectRefused("nifti1.hdr", ErrorCode::FileNotFound, ".img");
    expectRefused("test-SR.dcm", ErrorCode::FormatUnsupported, "structured report");
    expectRefused("rtstruct.dcm", ErrorCode::FormatUnsupported, "structure set");
    expectRefused("rtplan.dcm", ErrorCode::FormatUnsupported, "without pixels");
    expectRefused("jpeg_bad_marker.dcm", ErrorCode::FormatInvalid, "JPEG"); // DCMTK never came back from it
    expectRefused("badVR.dcm", ErrorCode::FormatInvalid, "number of frames");
}

TEST(Reference, NoSuchPlace_IsASentence) {
    const auto reader = makeImageReader();
    EXPECT_EQ(reader->read("/no/such/file.nii").error().code, ErrorCode::FileNotFound);
    EXPECT_EQ(reader->list("/no/such/folder").error().code, ErrorCode::FileNotFound);
    const Folder empty;
    EXPECT_EQ(reader->list(empty.path()).error().code, ErrorCode::FormatUnsupported);
    EXPECT_EQ(reader->read(fixture("nifti/functional.nii"), {}, 20).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(reader->read(fixture("dicom/ge_mr_fmri"), "no such series").error().code,
              ErrorCode::FileNotFound);
}

} // namespace
