#include "core/imaging/imaging.h"
#include "core/usecases/export_masks.h"
#include "core/usecases/label_names.h"
#include "core/usecases/open_case.h"
#include "core/usecases/project_cases.h"
#include "database/project_file.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace tandem {
namespace {

const Progress silent = [](double, std::string_view) {};

struct ProjectCases : testing::Test {
    test::TemporaryFolder folder;
    std::unique_ptr<ImageReader> reader = makeImageReader();
    std::unique_ptr<ProjectStore> store = createProject(folder / "p.tandem", "P").value();
    const Geometry grid = Geometry::axisAligned({6, 5, 4}, {0.7, 0.8, 2.5}, {-10, 20, 30});

    std::filesystem::path image(const std::string& name, std::int16_t first) {
        std::filesystem::create_directories((folder / name).parent_path());
        std::vector<std::int16_t> values(120, 7);
        values[0] = first; // so that every image has its own content
        EXPECT_TRUE(writeNiftiVolume(folder / name, Volume::make(grid, values).value()).has_value());
        return folder / name;
    }
    std::filesystem::path mask(const std::string& name, const Geometry& on, std::uint16_t label) {
        std::vector<std::uint16_t> labels(static_cast<std::size_t>(on.voxelCount()), 0);
        for (std::size_t v = 10; v < 30; ++v)
            labels[v] = label;
        EXPECT_TRUE(reader->writeLabels(folder / name, LabelMap::make(on, labels).value()).has_value());
        return folder / name;
    }
    CaseId add(const std::filesystem::path& path) {
        const AddReport report = addImages(*store, *reader, {path}, silent, {}).value();
        EXPECT_EQ(report.refused.size(), 0u);
        return (report.added.empty() ? report.known : report.added).at(0).caseId;
    }
    LabelMap labelsOf(CaseId id) { return store->loadLayer(store->caseOf(id)->layer)->labels; }
    void approve(CaseId id) {
        if (store->caseOf(id)->state == CaseState::New) {
            ASSERT_TRUE(store->setState(id, CaseState::InProgress, "", "").has_value());
        }
        ASSERT_TRUE(store->setState(id, CaseState::Submitted, "", "").has_value());
        ASSERT_TRUE(store->setState(id, CaseState::Approved, "", "").has_value());
    }
    Result<ExportReport> exportTo(const std::string& name, bool approvedOnly = true, bool perLabel = false,
                                  bool replace = false) {
        ExportRequest request;
        request.folder = folder / name;
        request.approvedOnly = approvedOnly;
        request.filePerLabel = perLabel;
        request.replace = replace;
        return exportMasks(*store, *reader, request, silent, {});
    }
};

TEST_F(ProjectCases, AddImages_TakesFoldersAndReportsWhatItRefuses) {
    image("scans/a.nii.gz", 1);
    image("scans/deep/a.nii.gz", 2);
    std::ofstream(folder / "scans/notes.txt") << "no image";
    std::ofstream(folder / "broken.nii.gz") << "no image either";
    const auto report = addImages(
        *store, *reader, {folder / "scans", folder / "broken.nii.gz", folder / "none.nii"}, silent, {});
    ASSERT_TRUE(report.has_value());
    ASSERT_EQ(report->added.size(), 2u);
    EXPECT_EQ(report->added[0].caseName, "a");
    EXPECT_EQ(report->added[1].caseName, "a (2)");
    ASSERT_EQ(report->refused.size(), 2u);
    EXPECT_NE(report->refused[0].sentence.find("broken.nii.gz"), std::string::npos);
    const auto again = addImages(*store, *reader, {folder / "scans"}, silent, {});
    EXPECT_EQ(again->added.size(), 0u);
    EXPECT_EQ(again->known.size(), 2u);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(addImages(*store, *reader, {folder / "scans"}, silent, stop.get_token()).error().code,
              ErrorCode::Cancelled);
}

TEST_F(ProjectCases, Folder_GivesItsDicomSeriesAndItsFiles) {
    image("mixed/a.nii.gz", 1);
    std::filesystem::create_directories(folder / "mixed/ct");
    std::filesystem::copy_file(TANDEM_TEST_DATA "/images/dicom/CT_small/CT_small.dcm",
                               folder / "mixed/ct/1.dcm");
    std::ofstream(folder / "mixed/torn.nrrd") << "no image";
    const auto found = findImages(*reader, {folder / "mixed"}, silent, {});
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->images.size(), 2u);
    EXPECT_FALSE(found->images[0].seriesKey.empty());
    EXPECT_EQ(found->images[1].path, folder / "mixed/a.nii.gz");
    ASSERT_EQ(found->refused.size(), 1u); // has the name of an image, so it is not passed over
    EXPECT_EQ(found->refused[0].path, folder / "mixed/torn.nrrd");
    std::filesystem::create_directories(folder / "empty");
    const auto none = findImages(*reader, {folder / "empty"}, silent, {});
    ASSERT_EQ(none->refused.size(), 1u);
    EXPECT_NE(none->refused[0].sentence.find("empty"), std::string::npos);
}

TEST(CaseName, IsTheFilesNameOrTheSeries) {
    EXPECT_EQ(caseNameFor({"scans/a.b.nii.gz", "", "NIfTI-1 5 x 4 x 3", 1}, 0), "a.b");
    EXPECT_EQ(caseNameFor({"scans/ct", "1.2", "CT 512 x 512 x 9, Abdomen, 3 mm", 1}, 0), "ct, Abdomen, 3 mm");
    EXPECT_EQ(caseNameFor({"scans/mr", "1.2", "MR 64 x 64 x 25, 2 frames, bold", 2}, 1), "mr, bold, frame 2");
    EXPECT_EQ(caseNameFor({"scans/mr", "1.2", "MR 64 x 64 x 25, 2 frames", 2}, 0), "mr, frame 1");
}

TEST_F(ProjectCases, OpenCase_SaysWhatIsWrongWithAnImage) {
    const auto file = image("a.nii.gz", 1);
    const CaseId id = add(file);
    EXPECT_TRUE(openCase(*reader, *store, id, silent, {}).has_value());
    std::filesystem::rename(file, folder / "moved.nii.gz");
    const auto missing = openCase(*reader, *store, id, silent, {});
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().code, ErrorCode::FileNotFound);
    EXPECT_NE(missing.error().sentence.find("a.nii.gz"), std::string::npos);
    EXPECT_EQ(add(folder / "moved.nii.gz"), id); // the case follows its image
    EXPECT_TRUE(openCase(*reader, *store, id, silent, {}).has_value());
    image("moved.nii.gz", 9);
    EXPECT_EQ(openCase(*reader, *store, id, silent, {}).error().code, ErrorCode::GridMismatch);
}

TEST_F(ProjectCases, ImportLabels_IsOneEditThatSparesLockedLabels) {
    const CaseId id = add(image("a.nii.gz", 1));
    ASSERT_TRUE(importLabels(*store, *reader, id, mask("three.nii.gz", grid, 3)).has_value());
    EXPECT_EQ(labelsOf(id).count(LabelId{3}), 20);
    ASSERT_EQ(store->labels()->size(), 1u);
    EXPECT_EQ(store->labels()->front().name, "Label 3");
    LabelInfo locked = store->labels()->front();
    locked.locked = true;
    ASSERT_TRUE(store->putLabel(locked).has_value());
    const auto spared = importLabels(*store, *reader, id, mask("five.nii.gz", grid, 5));
    ASSERT_TRUE(spared.has_value());
    EXPECT_EQ(spared->changedVoxels, 0u);
    EXPECT_EQ(spared->keptByLock, 20u);
    EXPECT_EQ(spared->entry.value, 0);
    EXPECT_EQ(labelsOf(id).count(LabelId{3}), 20);
    locked.locked = false;
    ASSERT_TRUE(store->putLabel(locked).has_value());
    ASSERT_TRUE(importLabels(*store, *reader, id, folder / "five.nii.gz").has_value());
    EXPECT_EQ(labelsOf(id).count(LabelId{5}), 20);
    const LayerContent content = store->loadLayer(store->caseOf(id)->layer).value();
    EXPECT_EQ(store->edit(store->caseOf(id)->layer, *content.history.nextUndo())->source, EditSource::Import);
}

TEST_F(ProjectCases, ImportLabels_RefusesAnotherGrid) {
    const CaseId id = add(image("a.nii.gz", 1));
    const auto shifted = Geometry::axisAligned({6, 5, 4}, {0.7, 0.8, 2.5}, {-10, 20, 32.5});
    EXPECT_EQ(importLabels(*store, *reader, id, mask("shifted.nii.gz", shifted, 1)).error().code,
              ErrorCode::GridMismatch);
    const auto larger = Geometry::axisAligned({6, 5, 5}, {0.7, 0.8, 2.5}, {-10, 20, 30});
    EXPECT_EQ(importLabels(*store, *reader, id, mask("larger.nii.gz", larger, 1)).error().code,
              ErrorCode::GridMismatch);
    EXPECT_EQ(store->caseOf(id)->state, CaseState::New);
    EXPECT_TRUE(store->labels()->empty());
}

TEST_F(ProjectCases, Export_WritesApprovedMasksUnderSafeNames) {
    const CaseId a = add(image("a.nii.gz", 1)), b = add(image("b.nii.gz", 2));
    const CaseId odd = store->addCase("../a:b?", store->caseOf(a)->image).value();
    ASSERT_TRUE(importLabels(*store, *reader, a, mask("m.nii.gz", grid, 300)).has_value());
    EXPECT_EQ(exportTo("out").error().code, ErrorCode::InvalidArgument); // none approved
    EXPECT_FALSE(std::filesystem::exists(folder / "out"));
    approve(a);
    approve(odd);
    const auto report = exportTo("out");
    ASSERT_TRUE(report.has_value()) << report.error().sentence;
    ASSERT_EQ(report->files.size(), 2u);
    EXPECT_EQ(report->files[0].file, folder / "out/a_mask.nii.gz");
    EXPECT_EQ(report->files[1].file.parent_path(), folder / "out");
    const LabelMap back = reader->readLabels(report->files[0].file).value();
    EXPECT_EQ(back.labels(), labelsOf(a).labels());
    EXPECT_TRUE(checkSameGrid(back.grid(), "a", grid, "b", 1e-5).has_value());
    EXPECT_EQ(exportTo("out").error().code, ErrorCode::FileUnwritable);
    EXPECT_TRUE(exportTo("out", true, false, true).has_value());
    EXPECT_EQ(exportTo("all", false)->files.size(), 3u);
    EXPECT_EQ(store->caseOf(b)->state, CaseState::New);
}

TEST_F(ProjectCases, Export_NeverReplacesAnImageAndNeverExportsOntoAChangedOne) {
    const auto file = image("a_mask.nii.gz", 1);
    const CaseId id = store->addCase("a", readImage(*reader, file, {}, 0, silent, {})->record).value();
    approve(id);
    const auto over = exportTo(".", true, false, true);
    ASSERT_FALSE(over.has_value());
    EXPECT_EQ(over.error().code, ErrorCode::FileUnwritable);
    image("a_mask.nii.gz", 5);
    EXPECT_EQ(exportTo("out").error().code, ErrorCode::GridMismatch);
    EXPECT_FALSE(std::filesystem::exists(folder / "out/a_mask.nii.gz"));
    std::filesystem::remove(file);
    const auto without = exportTo("out");
    ASSERT_TRUE(without.has_value());
    EXPECT_EQ(without->warnings.size(), 1u);
}

TEST_F(ProjectCases, Export_StaysInItsFolderWhateverTheSuffix) {
    add(image("a.nii.gz", 1));
    ExportRequest request;
    request.folder = folder / "out";
    request.approvedOnly = false;
    request.suffix = "/../../x";
    const auto report = exportMasks(*store, *reader, request, silent, {});
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->files.at(0).file.parent_path(), folder / "out");
}

TEST_F(ProjectCases, ExportPerLabel_SaysWhatHasNoName) {
    const CaseId id = add(image("a.nii.gz", 1));
    ASSERT_TRUE(importLabels(*store, *reader, id, mask("m.nii.gz", grid, 3)).has_value());
    ASSERT_TRUE(store->putLabel({LabelId{3}, "left/kidney", {1, 2, 3}, true, false}).has_value());
    ASSERT_TRUE(store->putLabel({LabelId{4}, "unused", {1, 2, 3}, true, false}).has_value());
    const auto report = exportTo("out", false, true);
    ASSERT_TRUE(report.has_value());
    ASSERT_EQ(report->files.size(), 1u);
    EXPECT_EQ(report->files[0].file.filename(), "a_mask_left_kidney.nii.gz");
    EXPECT_EQ(reader->readLabels(report->files[0].file)->count(LabelId{1}), 20);
    ASSERT_TRUE(store->removeLabel(LabelId{3}).has_value());
    const auto unnamed = exportTo("more", false, true);
    ASSERT_TRUE(unnamed.has_value());
    EXPECT_EQ(unnamed->warnings.size(), 1u);
}

TEST(SafeFileName, KeepsWordsAndDropsWhatSystemsRefuse) {
    EXPECT_EQ(safeFileName("Leber \xc3\xa4 1"), "Leber \xc3\xa4 1");
    EXPECT_EQ(safeFileName("a/b\\c:d*e?f\"g<h>i|j\nk"), "a_b_c_d_e_f_g_h_i_j_k");
    EXPECT_EQ(safeFileName("..."), "case");
    EXPECT_EQ(safeFileName(" .hidden. "), "hidden");
    std::string umlauts;
    for (int n = 0; n < 100; ++n)
        umlauts += "\xc3\xa4";
    EXPECT_EQ(safeFileName("x" + umlauts).size(), 119u); // 120 would cut an umlaut in two
}

TEST(LabelNames, AreReadFromPairsAndRefusedWhenMalformed) {
    const auto labels = parseLabelNames("1=liver; 2=left kidney;");
    ASSERT_TRUE(labels.has_value());
    ASSERT_EQ(labels->size(), 2u);
    EXPECT_EQ((*labels)[1].name, "left kidney");
    for (const char* bad : {"liver", "0=x", "70000=x", "1=", "1 liver", "-1=x"})
        EXPECT_FALSE(parseLabelNames(bad).has_value()) << bad;
    test::TemporaryFolder folder;
    std::ofstream(folder / "pairs.csv")
        << "case,anatomy,labels\na,\"head, neck\",3=eye;1=ear\r\nb,x,3=other\n";
    const auto named = labelNamesOfPairs(folder / "pairs.csv");
    ASSERT_TRUE(named.has_value());
    ASSERT_EQ(named->size(), 2u);
    EXPECT_EQ((*named)[0].name, "ear");
    EXPECT_EQ((*named)[1].name, "eye");
    std::ofstream(folder / "other.csv") << "one,two\n1,2\n";
    EXPECT_EQ(labelNamesOfPairs(folder / "other.csv").error().code, ErrorCode::FormatInvalid);
}

} // namespace
} // namespace tandem
