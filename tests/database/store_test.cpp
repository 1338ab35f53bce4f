#include "tests/database/store_fixture.h"

#include <future>

namespace tandem {
namespace {

struct StoreTest : testing::Test {
    test::TemporaryFolder folder;
    std::filesystem::path file = folder / "Leber \xc3\xa4.tandem";
    std::unique_ptr<ProjectStore> store = createProject(file, "Livers").value();
    CaseId id = store->addCase("case 1", imageAt(folder / "images/a.nii.gz")).value();
    LayerId layer = store->caseOf(id)->layer;
    LabelMap map{obliqueGrid()};
    std::mt19937 random{11};

    void reopen() {
        store.reset();
        store = openProject(file).value();
    }
    EditId paint() {
        const Edit edit = randomEdit(random, map);
        const auto done = store->commitNow(layer, {JournalAction::Do, edit, {}});
        EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().sentence);
        EXPECT_TRUE(applyEdit(map, edit).has_value());
        return *done;
    }
    // Takes back or does again what the store's own history names next.
    void step(JournalAction action) {
        const LayerContent content = store->loadLayer(layer).value();
        const EditId target =
            action == JournalAction::Undo ? *content.history.nextUndo() : *content.history.nextRedo();
        const Edit first = store->edit(layer, target).value();
        const Edit edit = action == JournalAction::Undo ? inverse(first) : first;
        ASSERT_TRUE(store->commitNow(layer, {action, edit, target}).has_value());
        ASSERT_TRUE(applyEdit(map, edit).has_value());
    }
};

TEST_F(StoreTest, Case_ComesBackWithItsCertificateToTheLastBit) {
    reopen();
    EXPECT_EQ(*store->name(), "Livers");
    const auto cases = store->cases().value();
    ASSERT_EQ(cases.size(), 1u);
    const CaseRecord& c = cases[0];
    EXPECT_EQ(c.name, "case 1");
    EXPECT_EQ(c.state, CaseState::New);
    EXPECT_EQ(c.image.path, folder / "images/a.nii.gz");
    EXPECT_EQ(c.image.seriesKey, "1.2.3#axial");
    EXPECT_EQ(c.image.frame, 2);
    EXPECT_EQ(c.image.contentHash, "0123456789abcdef");
    EXPECT_EQ(c.image.modality, "CT");
    EXPECT_EQ(c.image.grid, obliqueGrid()); // exact
    EXPECT_FALSE(store->addCase("case 1", imageAt(folder / "b.nii")).has_value());
    EXPECT_FALSE(store->addCase("", imageAt(folder / "b.nii")).has_value());
}

TEST_F(StoreTest, ProjectMovedWithItsImages_FindsThem) {
    store.reset();
    std::filesystem::create_directories(folder / "elsewhere/images");
    std::filesystem::rename(file, folder / "elsewhere/p.tandem");
    store = openProject(folder / "elsewhere/p.tandem").value();
    EXPECT_EQ(store->caseOf(id)->image.path, folder / "elsewhere/images/a.nii.gz");
}

TEST_F(StoreTest, UndoAndRedo_LiveAcrossReopening) {
    std::vector<LabelMap> states{map};
    for (int n = 0; n < 12; ++n) {
        paint();
        states.push_back(map);
    }
    for (int n = 12; n-- > 4;) {
        if (n % 3 == 0)
            reopen();
        step(JournalAction::Undo);
        EXPECT_EQ(map.labels(), states[static_cast<std::size_t>(n)].labels());
    }
    for (int n = 5; n <= 9; ++n) {
        if (n % 2 == 0)
            reopen();
        step(JournalAction::Redo);
        EXPECT_EQ(store->loadLayer(layer)->labels.labels(), states[static_cast<std::size_t>(n)].labels());
    }
    paint(); // a new branch: what was undone is no longer to be had
    reopen();
    const LayerContent content = store->loadLayer(layer).value();
    EXPECT_EQ(content.labels.labels(), map.labels());
    EXPECT_FALSE(content.history.nextRedo().has_value());
    EXPECT_TRUE(store->check()->empty());
}

TEST_F(StoreTest, Edit_IsGivenBackAsApplied) {
    const Edit edit = randomEdit(random, map);
    const EditId done = store->commitNow(layer, {JournalAction::Do, edit, {}}).value();
    const EditId undone = store->commitNow(layer, {JournalAction::Undo, inverse(edit), done}).value();
    reopen();
    EXPECT_EQ(*store->edit(layer, done), edit);
    EXPECT_EQ(store->edit(layer, undone)->runs, inverse(edit).runs);
    EXPECT_FALSE(store->edit(layer, EditId{undone.value + 1}).has_value());
}

TEST_F(StoreTest, EntryThatDoesNotFit_IsRefusedAndLeavesTheJournalWhole) {
    const EditId first = paint();
    const EditId second = paint();
    const Edit foreign{EditSource::Brush, LabelId{1}, "", {{0, 4, 9, 1}}};
    EXPECT_FALSE(store->commitNow(layer, {JournalAction::Do, foreign, {}}).has_value());
    const Edit outside{EditSource::Brush, LabelId{1}, "", {{960, 1, 0, 1}}};
    EXPECT_FALSE(store->commitNow(layer, {JournalAction::Do, outside, {}}).has_value());
    const Edit older = inverse(*store->edit(layer, first));
    EXPECT_FALSE(store->commitNow(layer, {JournalAction::Undo, older, first}).has_value());
    EXPECT_FALSE(store->commitNow(layer, {JournalAction::Undo, older, second}).has_value());
    EXPECT_FALSE(store->commitNow(LayerId{99}, {JournalAction::Do, foreign, {}}).has_value());
    reopen();
    EXPECT_EQ(store->loadLayer(layer)->labels.labels(), map.labels());
    EXPECT_TRUE(store->check()->empty());
}

TEST_F(StoreTest, Commit_AcknowledgesInOrderAndFinishesBeforeClosing) {
    std::vector<std::int64_t> acknowledged;
    for (int n = 0; n < 40; ++n) {
        const Edit edit = randomEdit(random, map);
        ASSERT_TRUE(applyEdit(map, edit).has_value());
        store->commit(layer, {JournalAction::Do, edit, {}},
                      [&](Result<EditId> done) { acknowledged.push_back(done->value); });
    }
    store.reset(); // lets all that was given finish
    ASSERT_EQ(acknowledged.size(), 40u);
    EXPECT_TRUE(std::is_sorted(acknowledged.begin(), acknowledged.end()));
    store = openProject(file).value();
    EXPECT_EQ(store->loadLayer(layer)->labels.labels(), map.labels());
}

TEST_F(StoreTest, Callback_MayAskTheStore) {
    std::promise<std::string> name;
    store->commit(layer, {JournalAction::Do, randomEdit(random, map), {}},
                  [&](const Result<EditId>&) { name.set_value(*store->name()); });
    EXPECT_EQ(name.get_future().get(), "Livers");
}

TEST_F(StoreTest, States_FollowTheReviewAndRefuseTheRest) {
    using S = CaseState;
    const auto state = [&] { return store->caseOf(id)->state; };
    const auto go = [&](S to, const std::string& why = {}) {
        return store->setState(id, to, "Ada", why).has_value();
    };
    EXPECT_FALSE(go(S::Submitted));
    EXPECT_FALSE(go(S::Approved));
    paint();
    EXPECT_EQ(state(), S::InProgress);
    EXPECT_FALSE(go(S::InProgress));
    EXPECT_FALSE(go(S::Approved));
    EXPECT_FALSE(go(S::Rejected, "no"));
    EXPECT_TRUE(go(S::Submitted));
    const Result<EditId> late = store->commitNow(layer, {JournalAction::Do, randomEdit(random, map), {}});
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, ErrorCode::Locked);
    EXPECT_EQ(store->loadLayer(layer)->labels.labels(), map.labels());
    EXPECT_FALSE(go(S::Rejected, " \n"));
    EXPECT_TRUE(go(S::Rejected, "The dome is missing"));
    EXPECT_EQ(store->caseOf(id)->lastComment, "The dome is missing");
    paint();
    EXPECT_EQ(state(), S::InProgress);
    EXPECT_TRUE(go(S::Submitted));
    EXPECT_TRUE(go(S::Approved, "Good"));
    EXPECT_FALSE(go(S::New));
    reopen();
    EXPECT_EQ(state(), S::Approved);
    const auto events = store->reviewEvents(id).value();
    const std::vector<std::pair<S, S>> expected{{S::New, S::InProgress},       {S::InProgress, S::Submitted},
                                                {S::Submitted, S::Rejected},   {S::Rejected, S::InProgress},
                                                {S::InProgress, S::Submitted}, {S::Submitted, S::Approved}};
    ASSERT_EQ(events.size(), expected.size());
    for (std::size_t n = 0; n < events.size(); ++n)
        EXPECT_EQ(std::make_pair(events[n].from, events[n].to), expected[n]);
    EXPECT_EQ(events[2].person, "Ada");
    EXPECT_EQ(events[2].comment, "The dome is missing");
    EXPECT_EQ(events[2].at.size(), std::string("2026-01-01T00:00:00.000Z").size());
}

TEST_F(StoreTest, RelocateImage_TakesOnlyTheSameImage) {
    ImageRecord moved = imageAt(folder / "moved/a.nii.gz");
    EXPECT_TRUE(store->relocateImage(id, moved).has_value());
    EXPECT_EQ(store->caseOf(id)->image.path, moved.path);
    ImageRecord other = moved;
    other.contentHash = "feedbeef";
    EXPECT_EQ(store->relocateImage(id, other).error().code, ErrorCode::InvalidArgument);
    other = moved;
    other.grid = Geometry::axisAligned({12, 10, 8}, {1, 1, 1});
    EXPECT_EQ(store->relocateImage(id, other).error().code, ErrorCode::GridMismatch);
    EXPECT_EQ(store->caseOf(id)->image.path, moved.path);
}

TEST_F(StoreTest, LabelsSettingsAssigneesAndPrompts_ComeBack) {
    const LabelInfo liver{LabelId{5}, "Leber \xe8\x82\x9d", {1, 2, 255}, false, true};
    ASSERT_TRUE(store->putLabel({LabelId{5}, "old", {}, true, false}).has_value());
    ASSERT_TRUE(store->putLabel(liver).has_value());
    ASSERT_TRUE(store->putLabel({LabelId{7}, "spleen", {}, true, false}).has_value());
    ASSERT_TRUE(store->removeLabel(LabelId{7}).has_value());
    EXPECT_FALSE(store->putLabel({LabelId{0}, "nothing", {}, true, false}).has_value());
    ASSERT_TRUE(store->putSetting("k", "").has_value());
    ASSERT_TRUE(store->assign(id, "Ada").has_value());
    PromptRecord box{{Plane::Coronal, 4}, LabelId{5}, {SliceBox{1, 2.5, 30, 41}, {}}, "model", 0.93f, true};
    PromptRecord points{{Plane::Axial, 7},
                        LabelId{1},
                        {std::nullopt,
                         {{Point<SlicePx>{{3, 4}}, true, {{{2, 1.0 / 7}}, {{-1e-9, 1e5}}, {{2, 1.0 / 7}}}},
                          {Point<SlicePx>{{5, 1.0 / 3}}, false},
                          {Point<SlicePx>{{5, 6}}, false, {{{7, 8}}}}}},
                        "model",
                        0.5f,
                        false};
    ASSERT_TRUE(store->recordPrompt(layer, box).has_value());
    ASSERT_TRUE(store->recordPrompt(layer, points).has_value());
    reopen();
    const auto labels = store->labels().value();
    ASSERT_EQ(labels.size(), 1u);
    EXPECT_EQ(labels[0].name, liver.name);
    EXPECT_EQ(labels[0].colour, liver.colour);
    EXPECT_FALSE(labels[0].visible);
    EXPECT_TRUE(labels[0].locked);
    EXPECT_EQ(*store->setting("k"), std::optional<std::string>(""));
    EXPECT_EQ(*store->setting("none"), std::nullopt);
    EXPECT_EQ(store->caseOf(id)->assignee, "Ada");
    const auto records = store->promptRecords(layer).value();
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].prompts, box.prompts);
    EXPECT_EQ(records[0].slice, box.slice);
    EXPECT_EQ(records[0].predictedIou, 0.93f);
    EXPECT_TRUE(records[0].accepted);
    EXPECT_EQ(records[1].prompts, points.prompts);
    EXPECT_FALSE(records[1].accepted);
}

TEST_F(StoreTest, RemoveCase_TakesItsJournalWithItAndNoOther) {
    paint();
    const CaseId second = store->addCase("case 2", imageAt(folder / "b.nii")).value();
    const LayerId other = store->caseOf(second)->layer;
    const Edit edit = randomEdit(random, LabelMap(obliqueGrid()));
    ASSERT_TRUE(store->commitNow(other, {JournalAction::Do, edit, {}}).has_value());
    ASSERT_TRUE(
        store->setState(id, CaseState::Submitted, "Ada", "note").has_value()); // with snapshot and comment
    ASSERT_TRUE(store->removeCase(id).has_value());
    EXPECT_FALSE(store->loadLayer(layer).has_value());
    EXPECT_FALSE(store->removeCase(id).has_value());
    EXPECT_EQ(store->cases()->size(), 1u);
    EXPECT_EQ(store->edit(other, store->loadLayer(other)->history.nextUndo().value())->runs, edit.runs);
    EXPECT_TRUE(store->check()->empty());
}

} // namespace
} // namespace tandem
