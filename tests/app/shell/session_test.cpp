#include "tests/app/shell/session_fixture.h"

#include <fstream>

namespace tandem::test {

TEST_F(SessionTest, Image_WithoutAProject_GoesToTheScratchProjectOnce) {
    const auto image = givenImage("scan.nii.gz", 1);

    open(image);
    EXPECT_TRUE(session_->projectIsScratch());
    EXPECT_EQ(session_->caseName(), "scan");
    EXPECT_TRUE(session_->document()->isOpen());

    session_->closeProject();
    EXPECT_FALSE(session_->caseOpen());
    open(image);
    EXPECT_TRUE(session_->caseOpen());
    EXPECT_EQ(session_->cases()->allCount(), 1);
}

TEST_F(SessionTest, DamagedImage_IsASentence_AndTheOpenCaseStays) {
    open(givenImage("scan.nii.gz", 1));
    std::ofstream(folder_ / "broken.nii") << "no image";

    open(folder_ / "broken.nii");

    EXPECT_TRUE(notice().contains("broken.nii")) << notice().toStdString();
    EXPECT_EQ(session_->notices()->kind(), NoticeList::Failure);
    EXPECT_EQ(session_->caseName(), "scan");
    EXPECT_EQ(session_->cases()->allCount(), 1);
}

TEST_F(SessionTest, FileThatIsNoProject_IsRefused_AndTheOpenProjectStays) {
    open(givenImage("scan.nii.gz", 1));
    std::ofstream(folder_ / "other.tandem") << "no project";

    open(folder_ / "other.tandem");

    EXPECT_TRUE(notice().contains("other.tandem")) << notice().toStdString();
    EXPECT_TRUE(session_->projectIsScratch());
    EXPECT_TRUE(session_->caseOpen());
}

TEST_F(SessionTest, FirstStroke_TakesTheCaseInProgress_ForWhoDraws) {
    session_->preferences()->setPersonName("Anna Lang");
    open(givenImage("scan.nii.gz", 1));
    EXPECT_EQ(session_->caseState(), CaseList::New);
    EXPECT_FALSE(session_->canSubmit());

    draw();

    EXPECT_TRUE(waitForState(CaseList::InProgress));
    EXPECT_TRUE(waitFor([&] { return session_->caseAssignee() == "Anna Lang"; }));
    EXPECT_EQ(session_->cases()->mineCount(), 1);
    EXPECT_TRUE(session_->canSubmit());
}

TEST_F(SessionTest, Review_SubmitRejectCorrectApprove) {
    open(givenImage("scan.nii.gz", 1));
    draw();
    ASSERT_TRUE(waitForState(CaseList::InProgress));

    session_->submit();
    ASSERT_TRUE(waitForState(CaseList::Submitted));
    EXPECT_TRUE(session_->document()->readOnly());
    EXPECT_EQ(session_->cases()->toReviewCount(), 1);

    session_->reject("  ");
    EXPECT_TRUE(notice().contains("why"));
    settle();
    EXPECT_EQ(session_->caseState(), CaseList::Submitted);

    session_->reject("The dome is missing");
    ASSERT_TRUE(waitForState(CaseList::Rejected));
    EXPECT_EQ(session_->caseComment(), "The dome is missing");
    EXPECT_FALSE(session_->document()->readOnly());

    session_->document()->undo();
    ASSERT_TRUE(waitForState(CaseList::InProgress));
    session_->submit();
    ASSERT_TRUE(waitForState(CaseList::Submitted));
    session_->approve();
    ASSERT_TRUE(waitForState(CaseList::Approved));
    EXPECT_EQ(session_->cases()->approvedCount(), 1);

    session_->reopen();
    EXPECT_TRUE(waitForState(CaseList::InProgress));
}

TEST_F(SessionTest, NewestWish_Wins) {
    open(givenImage("first.nii.gz", 1));
    open(givenImage("second.nii.gz", 2));
    ASSERT_EQ(session_->cases()->allCount(), 2);
    const auto& cases = session_->cases()->cases();

    session_->openCase(cases[0].id.value);
    session_->openCase(cases[1].id.value);
    session_->openCase(cases[0].id.value);
    settle();

    EXPECT_EQ(session_->caseName(), "first");
    EXPECT_EQ(session_->document()->caseName(), "first");
}

TEST_F(SessionTest, NextAndPrevious_StayInTheQueue) {
    open(givenImage("first.nii.gz", 1));
    open(givenImage("second.nii.gz", 2));
    EXPECT_FALSE(session_->hasNext());
    EXPECT_TRUE(session_->hasPrevious());

    session_->previousCase();
    settle();
    EXPECT_EQ(session_->caseName(), "first");
    session_->previousCase();
    settle();
    EXPECT_EQ(session_->caseName(), "first");

    session_->cases()->setQueue(CaseList::ToReview);
    EXPECT_EQ(session_->cases()->count(), 0);
    EXPECT_FALSE(session_->hasNext());
}

TEST_F(SessionTest, Restart_OpensTheLastProjectAndCase_WithUndo) {
    open(givenImage("first.nii.gz", 1));
    open(givenImage("second.nii.gz", 2));
    session_->previousCase();
    settle();
    draw();

    start();
    session_->begin({});
    settle();

    EXPECT_TRUE(session_->projectIsScratch());
    EXPECT_EQ(session_->caseName(), "first");
    EXPECT_TRUE(session_->document()->canUndo());
}

TEST_F(SessionTest, DrawingHabit_OutlivesARestart_UntilItIsToBeForgotten) {
    const DrawingHabit loose{0, 4, 0.12};
    session_->document()->setDrawingHabit(loose);
    Q_EMIT session_->document()->drawingHabitLearned();
    start();
    EXPECT_EQ(session_->document()->drawingHabit(), loose);
    EXPECT_EQ(session_->document()->boxesDrawn(), Document::BoxesLoose);
    session_->forgetBoxes();
    EXPECT_EQ(session_->document()->boxesDrawn(), Document::BoxesUnknown);
    start();
    EXPECT_EQ(session_->document()->drawingHabit(), DrawingHabit{});
}

TEST_F(SessionTest, ChangedImage_IsNotOpenedUnderOldMasks) {
    const auto image = givenImage("scan.nii.gz", 1);
    open(image);
    const qlonglong id = session_->caseId();
    open(givenImage("other.nii.gz", 2));
    givenImage("scan.nii.gz", 3);

    session_->openCase(id);
    settle();

    EXPECT_TRUE(notice().contains("has changed")) << notice().toStdString();
    EXPECT_EQ(session_->caseName(), "other");
}

TEST_F(SessionTest, MovedImage_IsFollowedWhenItIsOpenedFromWhereItIs) {
    const auto image = givenImage("scan.nii.gz", 1);
    open(image);
    const qlonglong id = session_->caseId();
    draw();
    session_->closeProject();
    std::filesystem::rename(image, folder_ / "moved.nii.gz");

    open(folder_ / "data" / "Tandem" / "Tandem" / "Scratch.tandem");
    EXPECT_FALSE(session_->caseOpen());
    EXPECT_TRUE(notice().contains("follows")) << notice().toStdString();

    open(folder_ / "moved.nii.gz");
    EXPECT_EQ(session_->caseId(), id);
    EXPECT_TRUE(session_->document()->canUndo());
    EXPECT_EQ(session_->cases()->allCount(), 1);
}

TEST_F(SessionTest, Export_WritesWhatWasDrawn_AndSaysSo) {
    const auto image = givenImage("scan.nii.gz", 1);
    open(image);
    draw();
    ExportPlan& plan = *session_->exportPlan();
    ASSERT_TRUE(waitForState(CaseList::InProgress));

    plan.prepare();
    EXPECT_FALSE(plan.approvedOnly());
    EXPECT_EQ(plan.preview(), QStringList{"scan_mask.nii.gz"});
    plan.setFolder(QString::fromStdString((folder_ / "out").string()));
    plan.start();
    ASSERT_TRUE(waitFor([&] { return !plan.running(); }));

    EXPECT_EQ(plan.outcome(), ExportPlan::Done) << plan.report().toStdString();
    const auto labels = parts_.reader->readLabels(folder_ / "out" / "scan_mask.nii.gz");
    ASSERT_TRUE(labels.has_value());
    EXPECT_EQ(labels->labels(), session_->document()->edits()->labels().labels());
    EXPECT_GT(labels->count(LabelId{1}), 0);

    // A second export does not write over the first without being told to.
    plan.start();
    ASSERT_TRUE(waitFor([&] { return !plan.running(); }));
    EXPECT_EQ(plan.outcome(), ExportPlan::Failed);
    EXPECT_TRUE(plan.report().contains("exists already")) << plan.report().toStdString();
}

TEST_F(SessionTest, MissingInferenceLibrary_IsSaid_AndDrawingWorks) {
    session_->model()->start();
    settle();
    EXPECT_EQ(session_->model()->state(), ModelChooser::Unavailable);
    EXPECT_EQ(notice(), "No network in this test.");

    open(givenImage("scan.nii.gz", 1));
    draw();
}

TEST_F(SessionTest, StoppedOpening_LeavesWhatWasOpen) {
    open(givenImage("first.nii.gz", 1));
    session_->openPaths({QString::fromStdString(givenImage("second.nii.gz", 2).string())});
    session_->stopOpening();
    settle();

    EXPECT_EQ(session_->caseName(), "first");
    EXPECT_FALSE(session_->opening());
}

TEST_F(SessionTest, Demo_IsMadeOnce_AndOpens) {
    session_->openDemo();
    settle();
    EXPECT_EQ(session_->projectName(), "Demo");
    EXPECT_TRUE(session_->caseOpen());
    draw();

    session_->closeProject();
    session_->openDemo();
    settle();
    EXPECT_TRUE(session_->document()->canUndo());
}

TEST(NoticeListTest, Banner_ShowsTheGravestOfWhatIsUnread) {
    NoticeList notices;
    notices.add(Error{ErrorCode::FormatInvalid, "It is damaged.\nline 1\nline 2"});
    notices.add(NoticeList::Warning, "Axes are sheared.");
    EXPECT_EQ(notices.text(), "It is damaged.");
    EXPECT_EQ(notices.details(), "line 1\nline 2");
    EXPECT_EQ(notices.unread(), 2);

    notices.dismiss();
    EXPECT_FALSE(notices.shown());
    notices.add(Error{ErrorCode::Cancelled, "Stopped."});
    EXPECT_FALSE(notices.shown());
    EXPECT_EQ(notices.count(), 2);
}

TEST(ImportChoiceTest, Choice_IsNeededForSeriesAndFramesAlone) {
    const ImageEntry file{"a.nii", "", "", 1}, frames{"b.nii", "", "", 4}, series{"c", "1.2", "", 1};
    EXPECT_FALSE(ImportChoice::isNeeded({file, file}));
    EXPECT_FALSE(ImportChoice::isNeeded({series}));
    EXPECT_TRUE(ImportChoice::isNeeded({series, series}));
    EXPECT_TRUE(ImportChoice::isNeeded({frames}));

    ImportChoice choice;
    choice.offer({frames, file});
    choice.setFrame(0, 9);
    choice.setTicked(1, false);
    ASSERT_EQ(choice.ticked().size(), 1U);
    EXPECT_EQ(choice.ticked().front().frame, 3);
    choice.offer({{"in/a.nii", "", "NIfTI-1 5 x 4 x 3", 1}});
    EXPECT_EQ(choice.data(choice.index(0), ImportChoice::DescriptionRole).toString(),
              "a.nii: NIfTI-1 5 x 4 x 3");
}

} // namespace tandem::test
