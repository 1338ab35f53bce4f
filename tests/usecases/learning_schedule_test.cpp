#include "core/usecases/learning_schedule.h"
#include "database/project_file.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

struct LearningScheduleTest : testing::Test {
    test::TemporaryFolder folder;
    std::unique_ptr<ProjectStore> store = createProject(folder / "study.tandem", "Study").value();

    bool isDue(std::int64_t approved) { return learningSchedule(*store, approved)->isDue(approved); }
    void reopen() {
        store.reset();
        store = openProject(folder / "study.tandem").value();
    }
};

TEST_F(LearningScheduleTest, AfterEveryFourNewlyApprovedCases_AlsoAcrossReopening) {
    for (std::int64_t approved = 0; approved < 4; ++approved)
        EXPECT_FALSE(isDue(approved));
    reopen();
    EXPECT_TRUE(isDue(4));
    ASSERT_TRUE(noteLearning(*store, 4).has_value());
    reopen();
    EXPECT_FALSE(isDue(7));
    EXPECT_TRUE(isDue(8));
}

TEST_F(LearningScheduleTest, WhatWasApprovedBefore_IsNotNew) {
    EXPECT_FALSE(isDue(30));
    EXPECT_FALSE(isDue(33));
    EXPECT_TRUE(isDue(34));
}

TEST_F(LearningScheduleTest, CasesThatAreTakenBack_CountAgain) {
    EXPECT_FALSE(isDue(30));
    EXPECT_FALSE(isDue(28));
    EXPECT_TRUE(isDue(32));
}

TEST_F(LearningScheduleTest, EveryCase_IsStillNotBeforeThreeAreThere) {
    ASSERT_TRUE(setLearningEvery(*store, 1).has_value());
    EXPECT_FALSE(isDue(0));
    EXPECT_FALSE(isDue(2));
    EXPECT_TRUE(isDue(3));
}

TEST_F(LearningScheduleTest, SwitchedOff_IsNeverDue_AndRemembered) {
    EXPECT_FALSE(isDue(0));
    ASSERT_TRUE(setLearningEvery(*store, 0).has_value());
    reopen();
    EXPECT_FALSE(isDue(100));
    EXPECT_EQ(learningSchedule(*store, 100)->every, 0);
}

TEST_F(LearningScheduleTest, NonsenseInTheProject_IsAsIfNothingWereThere) {
    for (const char* key : {"learning.every", "learning.counted"})
        ASSERT_TRUE(store->putSetting(key, "-7 cases").has_value());
    EXPECT_EQ(learningSchedule(*store, 5)->every, LearningSchedule::usually);
    EXPECT_FALSE(isDue(5));
    EXPECT_TRUE(isDue(9));
}

} // namespace
} // namespace tandem
