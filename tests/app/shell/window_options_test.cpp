#include "app/gui/shell/window_options.h"

#include <gtest/gtest.h>

namespace tandem {

TEST(WindowOptions, CommandWords_GoToTheCommandLine_PathsToTheWindow) {
    EXPECT_FALSE(asksForCommandLine({}));
    EXPECT_TRUE(asksForCommandLine({"segment", "scan.nii.gz"}));
    EXPECT_TRUE(asksForCommandLine({"--help"}));
    EXPECT_TRUE(asksForCommandLine({"nosuchcommand"}));
    EXPECT_FALSE(asksForCommandLine({"missing/scan.nii.gz"}));
    EXPECT_FALSE(asksForCommandLine({"--state-file", "x"}));
}

TEST(WindowOptions, UnknownOption_IsASentence) {
    const auto parsed = parseWindowOptions({"--nonsense"});
    ASSERT_FALSE(parsed.has_value());
    EXPECT_NE(parsed.error().sentence.find("--nonsense"), std::string::npos);
    EXPECT_FALSE(parseWindowOptions({"--state-file"}).has_value());
}

TEST(WindowOptions, AfterTwoDashes_EverythingIsAPath) {
    const auto parsed = parseWindowOptions({"a.nii", "--print-startup", "--", "--b.nii"});
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->paths, (std::vector<std::string>{"a.nii", "--b.nii"}));
    EXPECT_TRUE(parsed->printStartup);
}

} // namespace tandem
