#include "core/usecases/drawing_habit.h"
#include "core/usecases/segmenter.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

// 200 x 100 with a block from (40, 30) to (99, 69).
SliceMask block() {
    SliceMask mask(200, 100);
    for (std::int64_t y = 30; y < 70; ++y)
        for (std::int64_t x = 40; x < 100; ++x)
            mask.at(x, y) = 1;
    return mask;
}

const SliceBox exact{40, 30, 99, 69};
const SliceBox sixPixelsOff{34, 24, 105, 75}; // 3 % of 200

TEST(BoxSlack, IsTheMeanGapOfTheSides_InTheLongerSide) {
    EXPECT_NEAR(boxSlack(exact, block()).value(), 0, 1e-12);
    EXPECT_NEAR(boxSlack(sixPixelsOff, block()).value(), 0.03, 1e-12);
    EXPECT_NEAR(boxSlack({38, 30, 103, 69}, block()).value(), (2 + 4) / 4.0 / 200, 1e-12);
}

TEST(BoxSlack, SidesAtTheEdge_SayNothing) {
    EXPECT_NEAR(boxSlack({0, 24, 105, 75}, block()).value(), 0.03, 1e-12);
    EXPECT_FALSE(boxSlack({0, 0, 199, 99}, block()).has_value());
}

TEST(BoxSlack, CountsTheMasksPartInTheBoxAlone) {
    EXPECT_NEAR(boxSlack({60, 24, 80, 60}, block()).value(), 6 / 4.0 / 200, 1e-12); // the block sticks out
    EXPECT_FALSE(boxSlack({120, 30, 150, 69}, block()).has_value());
    EXPECT_FALSE(boxSlack({-500, -500, -400, -400}, block()).has_value());
}

// Truth: the counts by hand; a stranger's odds are 0.05 / 0.95.
TEST(LooseOdds, FollowTheBoxesThatWereSeen) {
    DrawingHabit habit;
    EXPECT_NEAR(looseOdds(habit), 0, 1e-12);
    EXPECT_EQ(likelyReading(habit), BoxReading::Unknown);
    learnBox(habit, sixPixelsOff, block());
    EXPECT_NEAR(habit.loose, 1, 1e-12);
    EXPECT_NEAR(looseOdds(habit), std::log(1.025 / 0.475) - std::log(0.05 / 0.95), 1e-9);
    learnBox(habit, sixPixelsOff, block());
    EXPECT_NEAR(habit.loose, 1.95, 1e-12);
    EXPECT_EQ(likelyReading(habit), BoxReading::Loose);
    for (int n = 0; n < 60; ++n)
        learnBox(habit, exact, block());
    EXPECT_LT(looseOdds(habit), -0.5) << "what was seen long ago must fade";
    EXPECT_EQ(likelyReading(habit), BoxReading::Tight);
}

TEST(LearnBox, FromNothingToLearnFrom_LearnsNothing) {
    DrawingHabit habit;
    learnBox(habit, sixPixelsOff, SliceMask(200, 100));
    EXPECT_EQ(habit, DrawingHabit{});
}

TEST(ExpectedSlack, GoesFromTheStrangersToThePersons_WithinLimits) {
    DrawingHabit habit;
    EXPECT_NEAR(expectedSlack(habit, 0.03), 0.03, 1e-12);
    const SliceBox tenPixelsOff{30, 20, 109, 79};
    learnBox(habit, tenPixelsOff, block());
    EXPECT_NEAR(expectedSlack(habit, 0.03), (0.5 * 0.03 + 0.05) / 1.5, 1e-12);
    EXPECT_NEAR(expectedSlack({0, 20, 10}, 0.03), 0.08, 1e-12);
}

TEST(DrawingHabitJson, ComesBack_AndNonsenseIsNothingKnown) {
    const DrawingHabit habit{3.5, 1.25, 0.04};
    EXPECT_EQ(habitFromJson(habitAsJson(habit)), habit);
    for (const char* text : {"", "null", "{}", R"({"tight": -1, "loose": 2, "slack": 0})",
                             R"({"tight": 1e999, "loose": 2, "slack": 0})",
                             R"({"tight": 1, "loose": 2, "slack": 3})", R"({"tight": "x"})"})
        EXPECT_EQ(habitFromJson(text), DrawingHabit{}) << text;
}

// Truth: the sums by hand. A stranger's odds are ln(0.05 / 0.95) = -2.944; tight below ln(0.01 / 0.99) =
// -4.595, loose from ln 4 = 1.386 on.
TEST(HabitBehind, IsWhatTheBoxesTogetherSay) {
    const auto behind = [](std::vector<double> evidence) { return likelyReading(habitBehind(evidence)); };
    EXPECT_EQ(habitBehind(std::vector<double>{}), DrawingHabit{});
    EXPECT_EQ(behind({1.4, 1.5, 1.5}), BoxReading::Loose); // 4.4 - 2.944 = 1.456
    EXPECT_EQ(behind({1.4, 1.4, 1.5}), BoxReading::Unknown);
    EXPECT_EQ(behind({-0.8, -0.9}), BoxReading::Tight); // -1.7 - 2.944 = -4.644
    EXPECT_EQ(behind({-0.8, -0.8}), BoxReading::Unknown);
    EXPECT_EQ(behind({3, -3, 2, -2}), BoxReading::Unknown);
    EXPECT_NEAR(expectedSlack(habitBehind(std::vector<double>{5, 5}), 0.03), 0.03, 1e-9);
}

TEST(HabitBehind, ManyBoxesCountAsSix) {
    const auto of = [](std::size_t count, double each) {
        return likelyReading(habitBehind(std::vector<double>(count, each)));
    };
    EXPECT_EQ(of(100, 0.71), BoxReading::Unknown); // 6 * 0.71 - 2.944 = 1.316
    EXPECT_EQ(of(100, 0.73), BoxReading::Loose);   // 1.436
    EXPECT_EQ(of(100, -0.27), BoxReading::Unknown);
    EXPECT_EQ(of(100, -0.28), BoxReading::Tight);
}

} // namespace
} // namespace tandem
