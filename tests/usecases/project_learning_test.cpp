#include "core/imaging/imaging.h"
#include "core/usecases/pack_file.h"
#include "core/usecases/project_cases.h"
#include "core/usecases/project_learning.h"
#include "database/project_file.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tandem {
namespace {

namespace fs = std::filesystem;

const Progress silent = [](double, std::string_view) {};

// Answers every box with the box itself, each edge `shrink` further in.
class BoxSegmenter : public Segmenter {
public:
    explicit BoxSegmenter(double shrink) : shrink_(shrink) {}
    void loadModel(fs::path, std::function<void(Result<ModelInfo>)>) override {}
    std::optional<ModelInfo> model() const override { return std::nullopt; }
    RequestId submit(SegmentRequest request, std::stop_token, Progress, Answer answer) override {
        const auto size = sliceSize(request.volume->geometry(), request.slice.plane);
        std::vector<Proposal> proposals;
        asked.insert(asked.end(), request.objects.begin(), request.objects.end());
        for (const Prompts& object : request.objects) {
            Proposal p{request.slice, size[0], size[1], {}, 0, {}, 0, 0};
            for (std::int64_t y = 0; y < size[1]; ++y)
                for (std::int64_t x = 0; x < size[0]; ++x) {
                    const auto dx = static_cast<double>(x), dy = static_cast<double>(y);
                    const bool in = dx >= object.box->x0 + shrink_ && dx <= object.box->x1 - shrink_ &&
                                    dy >= object.box->y0 + shrink_ && dy <= object.box->y1 - shrink_;
                    p.logits.push_back(in ? 1.0F : -1.0F);
                }
            proposals.push_back(std::move(p));
        }
        answer(RequestId{1}, std::move(proposals));
        return RequestId{1};
    }
    void prefetch(SegmentRequest) override {}

    std::vector<Prompts> asked;

private:
    double shrink_;
};

// A project of `count` cases of 16 x 12 x 3 with a block of label 1 on slice 1, all approved.
class ProjectOfBlocks {
public:
    explicit ProjectOfBlocks(int count) : reader(makeImageReader()) {
        store = std::move(createProject(folder / "study.tandem", "Study").value());
        (void)store->putLabel({LabelId{1}, "block", {255, 0, 0}, true, false});
        for (int n = 0; n < count; ++n)
            addCase("case" + std::to_string(n), n);
    }

    void addCase(const std::string& name, int n, bool prompted = true) {
        const auto grid = Geometry::axisAligned({16, 12, 3}, {1, 1, 4});
        std::vector<std::uint16_t> mask(16 * 12 * 3), image(16 * 12 * 3);
        for (std::size_t i = 0; i < mask.size(); ++i) {
            const std::size_t x = i % 16, y = i / 16 % 12, z = i / 192;
            mask[i] = z == 1 && x >= 4 && x < 12 && y >= 3 && y < 9;
            image[i] = static_cast<std::uint16_t>(mask[i] * 100 + (i + static_cast<std::size_t>(n) * 7) % 13);
        }
        const fs::path imageFile = folder / (name + ".nii.gz"), maskFile = folder / (name + "_mask.nii.gz");
        ASSERT_TRUE(
            reader->writeLabels(imageFile, LabelMap::make(grid, std::move(image)).value()).has_value());
        ASSERT_TRUE(reader->writeLabels(maskFile, LabelMap::make(grid, std::move(mask)).value()).has_value());
        const auto added = addImages(*store, *reader, {imageFile}, silent, {});
        ASSERT_TRUE(added.has_value() && added->added.size() == 1);
        const CaseId id = added->added.front().caseId;
        ASSERT_TRUE(importLabels(*store, *reader, id, maskFile).has_value());
        const LayerId layer = store->caseOf(id)->layer;
        const auto prompt = [&](SliceBox box, std::int64_t slice) {
            return store->recordPrompt(layer,
                                       {{Plane::Axial, slice}, LabelId{1}, {box, {}}, "a model", 0.9F, true});
        };
        if (prompted) {
            ASSERT_TRUE(prompt({0, 0, 15, 11}, 1).has_value()); // a first try, and the box that stayed
            ASSERT_TRUE(prompt({4, 3, 11, 8}, 1).has_value());
            ASSERT_TRUE(prompt({4, 3, 11, 8}, 2).has_value()); // nothing was kept there
        }
        for (const CaseState state : {CaseState::Submitted, CaseState::Approved})
            ASSERT_TRUE(store->setState(id, state, "Ada", "").has_value());
    }

    const test::TemporaryFolder folder;
    std::unique_ptr<ImageReader> reader;
    std::unique_ptr<ProjectStore> store;
};

std::set<std::string> names(const std::vector<CaseRecord>& cases) {
    std::set<std::string> found;
    for (const CaseRecord& c : cases)
        found.insert(c.name);
    return found;
}

TEST(LearningSplit, KeepsAQuarterOut_AndNeverChangesItsMind) {
    ProjectOfBlocks project(5);
    const auto first = learningSplit(*project.store);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->keptOut.size(), 1u);
    EXPECT_EQ(first->train.size(), 4u);
    for (int n = 5; n < 9; ++n)
        project.addCase("case" + std::to_string(n), n);
    const auto second = learningSplit(*project.store);
    EXPECT_EQ(second->keptOut.size(), 2u);
    const auto before = names(first->train), after = names(second->train);
    EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));
    EXPECT_TRUE(names(second->keptOut).contains(first->keptOut.front().name));
}

TEST(LearningSplit, CasesThatAreNotApproved_AreNoPart) {
    ProjectOfBlocks project(3);
    const auto cases = project.store->cases();
    ASSERT_TRUE(
        project.store->setState(cases->front().id, CaseState::InProgress, "Ada", "again").has_value());
    const auto split = learningSplit(*project.store);
    EXPECT_EQ(split->train.size() + split->keptOut.size(), 2u);
}

TEST(PackProject, HoldsApprovedMasks_KeptOutOnesMarked) {
    ProjectOfBlocks project(4);
    const auto report =
        packProject(*project.reader, *project.store, PackOptions{}, project.folder / "pack", silent, {});
    ASSERT_TRUE(report.has_value()) << report.error().sentence;
    EXPECT_EQ(report->cases, 4);
    EXPECT_EQ(report->keptOutSlices, 1);
    const auto pack = PackFile::open(project.folder / "pack");
    ASSERT_TRUE(pack.has_value());
    ASSERT_EQ(pack->slices().size(), 4u); // one labelled slice each
    const auto kept = names(learningSplit(*project.store)->keptOut);
    for (std::size_t n = 0; n < 4; ++n) {
        const PackSlice& s = pack->slices()[n];
        EXPECT_EQ(s.labels.at(1), "block");
        EXPECT_EQ(s.source, "study");
        EXPECT_EQ(s.split == PackSplit::KeptOut, kept.contains(s.caseName));
        const SliceMask mask = pack->load(n)->maskOf(1);
        EXPECT_EQ(std::count(mask.inside.begin(), mask.inside.end(), 1), 48);
        EXPECT_EQ(mask.at(4, 3), 1);
        EXPECT_EQ(mask.at(12, 3), 0);
    }
}

TEST(PackProject, WithoutApprovedCases_SaysSo) {
    ProjectOfBlocks project(0);
    const auto report =
        packProject(*project.reader, *project.store, PackOptions{}, project.folder / "pack", silent, {});
    ASSERT_FALSE(report.has_value());
    EXPECT_NE(report.error().sentence.find("approved"), std::string::npos);
}

TEST(ReplayProject, ScoresTheLastPromptOfEverySlice_AgainstTheApprovedMask) {
    ProjectOfBlocks project(4);
    BoxSegmenter exact(0), tooSmall(1);
    const auto split = learningSplit(*project.store);
    const auto report = replayProject(*project.reader, *project.store, split->keptOut,
                                      {{"exact", &exact}, {"small", &tooSmall}}, silent, {});
    ASSERT_TRUE(report.has_value()) << report.error().sentence;
    ASSERT_EQ(report->rows.size(), 1u);
    const ReplayRow& row = report->rows.front();
    EXPECT_EQ(row.caseName, split->keptOut.front().name);
    EXPECT_EQ(row.name, "block");
    EXPECT_EQ(row.prompts, 1);
    EXPECT_DOUBLE_EQ(row.dsc[0], 1.0);
    EXPECT_DOUBLE_EQ(row.dsc[1], 2.0 * 24 / (48 + 24)); // 6 x 4 of 8 x 6
    EXPECT_DOUBLE_EQ(report->means()[1], row.dsc[1]);
}

TEST(ReplayProject, Scribbles_AreAskedAgainAsTheyWereDrawn) {
    ProjectOfBlocks project(1);
    const auto cases = *project.store->cases();
    const Prompts scribbled{SliceBox{4, 3, 11, 8},
                            {{{{5, 4}}, true, {{{9, 6.5}}, {{10, 8}}}}, {{{1, 1}}, false, {{{2, 9}}}}}};
    ASSERT_TRUE(project.store
                    ->recordPrompt(cases.front().layer,
                                   {{Plane::Axial, 1}, LabelId{1}, scribbled, "a model", 0.9F, true})
                    .has_value());
    BoxSegmenter exact(0);
    const auto report =
        replayProject(*project.reader, *project.store, cases, {{"exact", &exact}}, silent, {});
    ASSERT_TRUE(report.has_value()) << report.error().sentence;
    EXPECT_EQ(exact.asked, std::vector{scribbled});
}

TEST(ReplayProject, CaseWithoutPrompts_IsAskedForItsBoxes) {
    ProjectOfBlocks project(0);
    project.addCase("by hand", 1, false);
    BoxSegmenter exact(0);
    const auto report = replayProject(*project.reader, *project.store, *project.store->cases(),
                                      {{"exact", &exact}}, silent, {});
    ASSERT_TRUE(report.has_value()) << report.error().sentence;
    EXPECT_EQ(report->rows.at(0).prompts, 1);
    EXPECT_DOUBLE_EQ(report->rows.at(0).dsc[0], 1.0);
}

TEST(WorthOffering, BetterOnAverage_AndNoStructureWorse) {
    const auto row = [](const char* name, double before, double after) {
        return ReplayRow{"case", LabelId{1}, name, 1, {before, after}};
    };
    const auto offered = [](std::vector<ReplayRow> rows) {
        ReplayReport report;
        report.models = {"old", "new"};
        report.rows = std::move(rows);
        return worthOffering(report);
    };
    EXPECT_TRUE(offered({row("liver", 0.8, 0.9), row("spleen", 0.8, 0.795)}));
    EXPECT_TRUE(offered({row("liver", 0.8, 0.9), row("liver", 0.8, 0.75)})); // better over its cases
    EXPECT_FALSE(offered({row("liver", 0.8, 0.9), row("spleen", 0.8, 0.78)}));
    EXPECT_FALSE(offered({row("liver", 0.8, 0.795)}));
    EXPECT_FALSE(offered({row("liver", 0.8, 0.8)}));
    EXPECT_FALSE(offered({}));
}

TEST(ReplayProject, NothingToReplay_SaysSo) {
    ProjectOfBlocks project(1);
    BoxSegmenter exact(0);
    const auto none = replayProject(*project.reader, *project.store, {}, {{"exact", &exact}}, silent, {});
    ASSERT_FALSE(none.has_value());
    EXPECT_NE(none.error().sentence.find("kept out"), std::string::npos);
}

} // namespace
} // namespace tandem
