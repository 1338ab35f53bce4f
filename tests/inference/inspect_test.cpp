// What a model file is without reading its weights, and how fast it answers.
#include "core/files/files.h"
#include "inference/bench/bench_speed.h"
#include "inference/checkpoint/model.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

using namespace tandem;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(TANDEM_TEST_DATA) / "golden";

void expectSame(const ModelInfo& quick, const ModelInfo& whole) {
    EXPECT_EQ(quick.name, whole.name);
    EXPECT_EQ(quick.variant, whole.variant);
    EXPECT_EQ(quick.preprocess, whole.preprocess);
    EXPECT_EQ(quick.parameters, whole.parameters);
    EXPECT_EQ(quick.fileBytes, whole.fileBytes);
    EXPECT_EQ(quick.imageSize, whole.imageSize);
    EXPECT_EQ(quick.trainedForPoints, whole.trainedForPoints);
    EXPECT_EQ(quick.description, whole.description);
    EXPECT_EQ(quick.configJson, whole.configJson);
    EXPECT_EQ(quick.cardText, whole.cardText);
}

} // namespace

TEST(Inspect, EveryGoldenCheckpoint_IsWhatAWholeReadSays) {
    for (const char* name : {"sam/model.pth", "paper/model.pth", "paper/model.safetensors",
                             "two_branch/model.pth", "four_branch/model.safetensors", "formats/net.pth"}) {
        const auto quick = checkpoint::inspectModel(kGolden / name);
        const auto whole = checkpoint::describeModel(kGolden / name);
        ASSERT_TRUE(quick.has_value()) << quick.error().sentence;
        ASSERT_TRUE(whole.has_value()) << whole.error().sentence;
        expectSame(*quick, *whole);
        EXPECT_EQ(quick->id, "");
    }
}

TEST(Inspect, FilesThatAreNoModel_AreRefusedAsByAWholeRead) {
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeFileAtomically(folder / "text.pth", "Dear reader, this is a letter.").has_value());
    ASSERT_TRUE(writeFileAtomically(folder / "empty.safetensors", "").has_value());
    std::filesystem::copy_file(kGolden / "paper/model.pth", folder / "cut.pth");
    std::filesystem::resize_file(folder / "cut.pth", 5000);
    for (const char* name : {"text.pth", "empty.safetensors", "cut.pth", "missing.pth"}) {
        const auto quick = checkpoint::inspectModel(folder / name);
        const auto whole = checkpoint::describeModel(folder / name);
        ASSERT_FALSE(quick.has_value()) << name;
        ASSERT_FALSE(whole.has_value()) << name;
        EXPECT_EQ(quick.error().sentence, whole.error().sentence);
        EXPECT_TRUE(quick.error().sentence.find(name) != std::string::npos) << quick.error().sentence;
    }
}

TEST(Speed, TheEmbeddingOfASlice_IsMadeOnceForTwoBoxes) {
    SpeedRequest request;
    request.model = kGolden / "sam" / "model.safetensors";
    request.runs = 2;
    double last = 0;
    const Progress progress = [&](double done, std::string_view) {
        EXPECT_GE(done, last);
        last = done;
    };
    const auto speed = bench::measureSpeed(request, progress, {});
    ASSERT_TRUE(speed.has_value()) << speed.error().sentence;
    EXPECT_EQ(speed->runs, 2);
    EXPECT_GT(speed->encodeMs, 0);
    EXPECT_GT(speed->furtherBoxMs, 0);
    EXPECT_GT(speed->clickMs, 0);
    EXPECT_GE(speed->firstBoxMs, speed->encodeMs);
    EXPECT_GT(speed->threads, 0);
    EXPECT_FALSE(speed->computedBy.empty());
    EXPECT_EQ(last, 1);
}

TEST(Speed, StoppedOrWithoutAModel_EndsInWords) {
    std::stop_source stop;
    stop.request_stop();
    SpeedRequest request;
    request.model = kGolden / "sam" / "model.safetensors";
    const auto stopped = bench::measureSpeed(request, {}, stop.get_token());
    ASSERT_FALSE(stopped.has_value());
    EXPECT_TRUE(stopped.error().code == ErrorCode::Cancelled);
    request.model = kGolden / "missing.pth";
    const auto missing = bench::measureSpeed(request, {}, {});
    ASSERT_FALSE(missing.has_value());
    EXPECT_TRUE(missing.error().code == ErrorCode::FileNotFound);
}
