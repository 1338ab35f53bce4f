#include "core/usecases/pack_file.h"
#include "core/usecases/project_learning.h"
#include "tests/usecases/project_of_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tandem {
namespace {

using test::BoxSegmenter;
using test::ProjectOfBlocks;
using test::silent;

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

TEST(ReplayProject, AllModels_AreToldHowTheBoxesBeforeWereDrawn) {
    ProjectOfBlocks project(2);
    BoxSegmenter first(0), second(0);
    ASSERT_TRUE(replayProject(*project.reader, *project.store, *project.store->cases(),
                              {{"first", &first}, {"second", &second}}, silent, {})
                    .has_value());
    ASSERT_EQ(first.habits.size(), 2u);
    EXPECT_EQ(first.habits[0], DrawingHabit{});
    DrawingHabit tight;
    tight.tight = 1;
    EXPECT_EQ(first.habits[1], tight);
    EXPECT_EQ(first.habits, second.habits);
}

TEST(ReplayProject, EachModel_LeansOnTheMasksThatItMissedBefore) {
    ProjectOfBlocks project(3);
    BoxSegmenter exact(0), tooSmall(1);
    ASSERT_TRUE(replayProject(*project.reader, *project.store, *project.store->cases(),
                              {{"exact", &exact}, {"small", &tooSmall}}, silent, {})
                    .has_value());
    ASSERT_EQ(tooSmall.leans.size(), 3u);
    EXPECT_FALSE(tooSmall.leans[0] || tooSmall.leans[1]);
    EXPECT_TRUE(tooSmall.leans[2]);
    EXPECT_FALSE(exact.leans[2]) << "nothing was missed";
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
