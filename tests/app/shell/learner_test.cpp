#include "app/gui/shell/jobs.h"
#include "app/gui/shell/learner.h"
#include "app/gui/shell/model_chooser.h"
#include "core/files/files.h"
#include "tests/app/event_loop.h"
#include "tests/usecases/project_of_blocks.h"

#include <atomic>
#include <thread>

namespace tandem::test {
namespace {

namespace fs = std::filesystem;

// A model that answers with the box, each edge 1 px further in; "better" ones with the box itself.
class BlockModel : public Segmenter {
public:
    void loadModel(fs::path file, std::function<void(Result<ModelInfo>)> done) override {
        ModelInfo info;
        info.path = file;
        info.id = info.name = file.string();
        better_ = file.parent_path().filename() == "better";
        info_ = info;
        done(info);
    }
    std::optional<ModelInfo> model() const override { return info_; }
    RequestId submit(SegmentRequest request, std::stop_token stop, Progress progress,
                     Answer answer) override {
        return BoxSegmenter(better_ ? 0 : 1)
            .submit(std::move(request), std::move(stop), std::move(progress), std::move(answer));
    }
    void prefetch(SegmentRequest) override {}

private:
    bool better_ = false;
    std::optional<ModelInfo> info_;
};

// Trains until it is let go; the result is a better model or the same again.
class FakeLibrary : public InferenceLibrary {
public:
    std::atomic<int> runs = 0;
    std::atomic<bool> hold = false, learns = true;

    std::unique_ptr<Segmenter> createSegmenter(const SegmenterOptions&) override {
        return std::make_unique<BlockModel>();
    }
    Result<TrainReport> train(const TrainRequest& request, const Progress&, std::stop_token stop) override {
        ++runs;
        while (hold && !stop.stop_requested())
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "Cancelled."};
        TrainReport report;
        report.model = request.out / (learns ? "better" : "same") / "model.safetensors";
        fs::create_directories(report.model.parent_path());
        (void)writeFileAtomically(report.model, "weights");
        return report;
    }

    Result<ModelInfo> modelInfo(const fs::path&) override { return none(); }
    Result<ModelInfo> inspectModel(const fs::path&) override { return none(); }
    Result<void> convertModel(const fs::path&, const fs::path&, const ConvertOptions&) override {
        return none();
    }
    Result<void> averageModels(const std::vector<fs::path>&, const std::vector<double>&, const fs::path&,
                               const ConvertOptions&) override {
        return none();
    }
    Result<ModelSpeed> measureSpeed(const SpeedRequest&, const Progress&, std::stop_token) override {
        return none();
    }
    Result<VerifyReport> verifyModel(const fs::path&) override { return none(); }
    Result<std::string> benchEncode(const BenchRequest&, const Progress&) override { return none(); }
    Result<std::string> benchDecode(const BenchRequest&, const Progress&) override { return none(); }
    Result<std::string> benchTrain(const TrainBenchRequest&, const Progress&) override { return none(); }
    std::vector<std::string> describeMachine() override { return {}; }

private:
    static Error none() { return {ErrorCode::Unavailable, "Not in this test."}; }
};

/// A project of three approved cases that was open before: one more newly approved case is the first of four.
class LearnerTest : public testing::Test {
protected:
    LearnerTest() {
        qputenv("XDG_CONFIG_HOME", (project_.folder / "config").c_str());
        model_.start();
        waitFor([this] { return model_.state() == ModelChooser::Ready; });
        showProject();
    }
    ~LearnerTest() override { jobs_.stopAndWait(); }

    void showProject() { learner_.setProject(store_, approved_); }
    void approve(int cases) {
        for (int n = 0; n < cases; ++n, ++approved_)
            project_.addCase("case" + std::to_string(approved_), approved_);
        showProject();
    }
    bool waitForEnd() {
        return waitFor([this] { return learner_.state() != Learner::Running; });
    }
    bool modelIsTheOldOne() const { return model_.info()->path == bundled_; }
    std::ptrdiff_t runsOnDisk() const {
        std::error_code problem;
        return std::distance(fs::directory_iterator(project_.folder / "study learning", problem), {});
    }

    ProjectOfBlocks project_{3};
    int approved_ = 3;
    std::shared_ptr<ProjectStore> store_{std::shared_ptr<void>(), project_.store.get()};
    fs::path bundled_ = project_.folder / "bundled.safetensors";
    FakeLibrary library_;
    JobList jobs_;
    std::function<Result<InferenceLibrary*>()> open_ = [this] {
        return Result<InferenceLibrary*>(&library_);
    };
    ModelChooser model_{jobs_, open_, bundled_};
    Learner learner_{jobs_, model_, *project_.reader, open_, bundled_};
};

TEST_F(LearnerTest, FourNewlyApprovedCases_StartARun_AndABetterModelIsOfferedNotTaken) {
    approve(3);
    EXPECT_EQ(learner_.state(), Learner::Idle);
    approve(1);
    ASSERT_EQ(learner_.state(), Learner::Running);
    ASSERT_TRUE(waitForEnd());
    EXPECT_EQ(learner_.state(), Learner::Done);
    EXPECT_TRUE(learner_.offered());
    EXPECT_TRUE(jobs_.note().contains("7")) << jobs_.note().toStdString();
    EXPECT_TRUE(modelIsTheOldOne());
    learner_.adopt();
    EXPECT_TRUE(waitFor([this] { return learner_.adopted(); }));
    EXPECT_EQ(jobs_.note(), "");
}

TEST_F(LearnerTest, NothingBetter_IsNoNote_AndLeavesNothingBehind) {
    library_.learns = false;
    approve(4);
    ASSERT_TRUE(waitForEnd());
    EXPECT_EQ(library_.runs, 1);
    EXPECT_EQ(learner_.state(), Learner::Idle);
    EXPECT_EQ(jobs_.note(), "");
    EXPECT_TRUE(learner_.report().contains("7")) << learner_.report().toStdString();
    EXPECT_EQ(runsOnDisk(), 0);
    EXPECT_TRUE(modelIsTheOldOne());
}

TEST_F(LearnerTest, WhileOneRuns_NoOtherStarts_WhatCameMeanwhileIsNextWhenItEnds) {
    library_.hold = true;
    library_.learns = false;
    approve(4);
    approve(4);
    EXPECT_TRUE(waitFor([this] { return library_.runs == 1; }));
    EXPECT_EQ(jobs_.count(), 1);
    library_.hold = false;
    EXPECT_TRUE(waitFor([this] { return library_.runs == 2; }));
    ASSERT_TRUE(waitForEnd());
    EXPECT_EQ(library_.runs, 2);
}

TEST_F(LearnerTest, WhileAPersonsRunIsUnderWay_NoOtherStarts_AndItsTableStays) {
    library_.hold = true;
    library_.learns = false;
    learner_.start();
    approve(4);
    EXPECT_EQ(jobs_.count(), 1);
    library_.hold = false;
    ASSERT_TRUE(waitForEnd());
    EXPECT_EQ(library_.runs, 1);
    EXPECT_EQ(learner_.state(), Learner::Done);
    EXPECT_EQ(learner_.table().size(), 1);
}

TEST_F(LearnerTest, AnOfferThatWaits_IsNotOverwritten) {
    approve(4);
    ASSERT_TRUE(waitForEnd());
    ASSERT_TRUE(learner_.offered());
    approve(4);
    EXPECT_EQ(learner_.state(), Learner::Done);
    EXPECT_EQ(library_.runs, 1);
}

TEST_F(LearnerTest, StoppedByThePerson_DoesNotStartAgain) {
    library_.hold = true;
    approve(4);
    learner_.stop();
    ASSERT_TRUE(waitForEnd());
    showProject();
    EXPECT_EQ(learner_.state(), Learner::Idle);
    EXPECT_EQ(jobs_.note(), "");
}

TEST_F(LearnerTest, SwitchedOff_NeverStarts_AndTheProjectRemembers) {
    learner_.setEvery(0);
    approve(5);
    EXPECT_EQ(learner_.state(), Learner::Idle);
    learner_.setProject(nullptr, 0);
    showProject();
    EXPECT_EQ(learner_.every(), 0);
    EXPECT_EQ(learner_.state(), Learner::Idle);
    learner_.setEvery(5);
    EXPECT_EQ(learner_.state(), Learner::Running);
    EXPECT_TRUE(waitForEnd());
}

} // namespace
} // namespace tandem::test
