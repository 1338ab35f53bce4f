#include "app/gui/document/prefetch_order.h"
#include "core/usecases/propagate.h"
#include "tests/app/ellipse_segmenter.h"
#include "tests/app/open_case_fixture.h"

#include <algorithm>
#include <set>

namespace tandem {
namespace {

using test::EllipseSegmenter;
using test::OpenCase;
using test::plainVolume;

constexpr SliceKey slice5{Plane::Axial, 5};

const std::vector<LabelInfo> twoLabels{{{1}, "liver", {255, 0, 0}, true, false},
                                       {{2}, "spleen", {0, 0, 255}, true, false}};

/// Passes everything on to a real store, but holds back or refuses commits on demand.
class GatedStore : public ProjectStore {
public:
    explicit GatedStore(std::shared_ptr<ProjectStore> real) : real_(std::move(real)) {}

    bool hold = false, refuse = false;
    std::size_t held() {
        const std::lock_guard lock(mutex_);
        return held_.size();
    }
    void release() {
        std::vector<std::function<void()>> now;
        {
            const std::lock_guard lock(mutex_);
            now.swap(held_);
        }
        for (const auto& action : now)
            action();
    }

    void commit(LayerId layer, JournalEntry entry, Committed done) override {
        if (refuse)
            return done(Error{ErrorCode::StoreFailed, "The disk is full."});
        if (!hold)
            return real_->commit(layer, std::move(entry), std::move(done));
        const std::lock_guard lock(mutex_);
        held_.push_back([=, this] { real_->commit(layer, entry, done); });
    }
    std::filesystem::path path() const override { return real_->path(); }
    Result<std::string> name() override { return real_->name(); }
    Result<CaseId> addCase(const std::string& n, const ImageRecord& i) override {
        return real_->addCase(n, i);
    }
    Result<std::vector<CaseRecord>> cases() override { return real_->cases(); }
    Result<CaseRecord> caseOf(CaseId id) override { return real_->caseOf(id); }
    Result<void> removeCase(CaseId id) override { return real_->removeCase(id); }
    Result<void> assign(CaseId id, const std::string& p) override { return real_->assign(id, p); }
    Result<void> relocateImage(CaseId id, const ImageRecord& i) override {
        return real_->relocateImage(id, i);
    }
    Result<void> setState(CaseId id, CaseState s, const std::string& p, const std::string& c) override {
        return real_->setState(id, s, p, c);
    }
    Result<std::vector<ReviewEvent>> reviewEvents(CaseId id) override { return real_->reviewEvents(id); }
    Result<std::vector<LabelInfo>> labels() override { return real_->labels(); }
    Result<void> putLabel(const LabelInfo& l) override { return real_->putLabel(l); }
    Result<void> removeLabel(LabelId id) override { return real_->removeLabel(id); }
    Result<LayerContent> loadLayer(LayerId id) override { return real_->loadLayer(id); }
    Result<Edit> edit(LayerId l, EditId e) override { return real_->edit(l, e); }
    Result<EditId> commitNow(LayerId l, JournalEntry e) override { return real_->commitNow(l, std::move(e)); }
    Result<void> recordPrompt(LayerId l, const PromptRecord& r) override { return real_->recordPrompt(l, r); }
    Result<std::vector<PromptRecord>> promptRecords(LayerId l) override { return real_->promptRecords(l); }
    Result<std::optional<std::string>> setting(const std::string& k) override { return real_->setting(k); }
    Result<void> putSetting(const std::string& k, const std::string& v) override {
        return real_->putSetting(k, v);
    }
    Result<std::vector<std::string>> check() override { return real_->check(); }

private:
    std::shared_ptr<ProjectStore> real_;
    std::mutex mutex_;
    std::vector<std::function<void()>> held_;
};

std::int64_t voxelsOf(const LabelMap& map, std::uint16_t label) {
    return map.count({label});
}

TEST(Document, Stroke_IsOnDiskAndOnScreenAlike) {
    OpenCase c(plainVolume(), twoLabels);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    ASSERT_TRUE(c.waitSaved());
    EXPECT_GT(voxelsOf(c.shown(), 1), 8);
    EXPECT_EQ(c.shown().labels(), c.onDisk().labels());
    for (std::size_t n = 0; n < c.shown().labels().size(); ++n)
        if (c.shown().labels()[n]) {
            EXPECT_EQ(n / (24 * 20), 5u) << "a voxel of another slice was drawn";
        }
    EXPECT_EQ(c.document.undoTitle(), "Brush, liver, axial 5");
}

TEST(Document, UndoRedo_AliveAfterReopening) {
    OpenCase c(plainVolume(), twoLabels);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    ASSERT_TRUE(c.waitSaved());
    const auto first = c.shown().labels();
    c.stroke(slice5, {{4, 12}}, {{12, 12}});
    ASSERT_TRUE(c.waitSaved());
    const auto both = c.shown().labels();
    ASSERT_NE(first, both);

    c.reopen();
    EXPECT_EQ(c.shown().labels(), both);
    c.document.undo();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.shown().labels(), first);
    EXPECT_EQ(c.onDisk().labels(), first);

    c.reopen();
    EXPECT_TRUE(c.document.canRedo());
    c.document.redo();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.shown().labels(), both);
    EXPECT_EQ(c.onDisk().labels(), both);
}

TEST(Document, NextStroke_FirstDabWaitsForTheAcknowledgement) {
    OpenCase c(plainVolume(), twoLabels);
    const auto gate = std::make_shared<GatedStore>(c.store);
    c.reopen(gate);
    gate->hold = true;
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    ASSERT_EQ(gate->held(), 1u);
    EXPECT_TRUE(c.document.saving());

    ASSERT_TRUE(c.document.beginStroke(slice5, {{4, 12}}, false, false));
    c.document.extendStroke({{10, 12}});
    EXPECT_EQ(c.document.stroke(), nullptr) << "a dab was drawn before the stroke before it was on disk";
    c.document.endStroke();
    EXPECT_EQ(gate->held(), 1u);

    gate->hold = false;
    gate->release();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.shown().at({10, 12, 5}), LabelId{1}); // nothing of the waiting stroke is lost
    EXPECT_EQ(c.shown().at({4, 12, 5}), LabelId{1});
    EXPECT_EQ(c.shown().labels(), c.onDisk().labels());
}

TEST(Document, RefusedCommit_IsTakenBackAndSaid) {
    OpenCase c(plainVolume(), twoLabels);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    ASSERT_TRUE(c.waitSaved());
    const auto before = c.shown().labels();
    const auto gate = std::make_shared<GatedStore>(c.store);
    c.reopen(gate);
    gate->refuse = true;
    c.stroke(slice5, {{4, 12}}, {{12, 12}});
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.shown().labels(), before);
    EXPECT_EQ(c.onDisk().labels(), before);
    ASSERT_EQ(c.sentences.size(), 1);
    EXPECT_TRUE(c.sentences.front().contains("The disk is full."));
}

TEST(Document, Close_WaitsForTheStrokeThatStillWaits) {
    OpenCase c(plainVolume(), twoLabels);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    c.stroke(slice5, {{4, 12}}, {{12, 12}}); // waits for the first
    const auto shownAfter = [&] {
        c.document.close();
        return c.onDisk();
    }();
    EXPECT_EQ(shownAfter.at({12, 4, 5}), LabelId{1});
    EXPECT_EQ(shownAfter.at({12, 12, 5}), LabelId{1});
}

TEST(Document, LockedLabel_IsNeitherDrawnNorOverdrawnNorUndone) {
    OpenCase c(plainVolume(), twoLabels);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    ASSERT_TRUE(c.waitSaved());
    const std::int64_t liver = voxelsOf(c.shown(), 1);
    c.document.setLabelLocked(1, true);

    c.stroke(slice5, {{4, 8}}, {{12, 8}});
    EXPECT_EQ(c.sentences.size(), 1) << "drawing with a locked label must be refused in words";
    c.document.selectLabel(2);
    c.stroke(slice5, {{6, 4}}, {{6, 12}});
    c.stroke(slice5, {{4, 4}}, {{12, 4}}, true, true);
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(voxelsOf(c.shown(), 1), liver);

    while (c.document.canUndo() && c.sentences.size() < 2) {
        c.document.undo();
        ASSERT_TRUE(c.waitSaved());
    }
    EXPECT_EQ(c.sentences.size(), 2);
    EXPECT_EQ(voxelsOf(c.shown(), 1), liver);
}

TEST(Document, Eraser_TakesTheActiveLabelAlone_WithControlEveryLabel) {
    OpenCase c(plainVolume(), twoLabels);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    c.document.selectLabel(2);
    c.stroke(slice5, {{4, 10}}, {{12, 10}});
    ASSERT_TRUE(c.waitSaved());
    c.stroke(slice5, {{8, 2}}, {{8, 14}}, true);
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.shown().at({8, 4, 5}), LabelId{1});
    EXPECT_EQ(c.shown().at({8, 10, 5}), LabelId{});
    c.stroke(slice5, {{8, 2}}, {{8, 14}}, true, true);
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.shown().at({8, 4, 5}), LabelId{});
}

TEST(Document, SubmittedCase_RefusesInASentence) {
    OpenCase c(plainVolume(), twoLabels);
    c.document.setCaseState(CaseState::Submitted);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    c.document.undo();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.sentences.size(), 2);
    EXPECT_EQ(voxelsOf(c.shown(), 1), 0);
    c.document.setCaseState(CaseState::Rejected);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    ASSERT_TRUE(c.waitSaved());
    EXPECT_GT(voxelsOf(c.shown(), 1), 0);
}

TEST(Document, Box_AcceptedProposalIsTheEllipseOnDisk_PromptRecorded) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    EXPECT_EQ(c.document.proposalState(), Document::Waiting);
    ASSERT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
    EXPECT_NEAR(c.document.proposalIou(), 0.87, 1e-6);
    EXPECT_EQ(voxelsOf(c.shown(), 1), 0) << "a proposal must not touch the mask before it is accepted";
    const SliceMask proposed = *c.document.prompts().mask();
    c.document.acceptProposal();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.document.proposalState(), Document::None);
    std::int64_t inside = 0;
    for (std::int64_t y = 0; y < 20; ++y)
        for (std::int64_t x = 0; x < 24; ++x) {
            EXPECT_EQ(c.shown().at({x, y, 5}).value, proposed.at(x, y));
            inside += proposed.at(x, y);
        }
    EXPECT_GT(inside, 50);
    EXPECT_EQ(c.shown().labels(), c.onDisk().labels());
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return c.store->promptRecords(c.record().layer).value().size() == 1; }, 5000));
    const PromptRecord record = c.store->promptRecords(c.record().layer).value().front();
    EXPECT_TRUE(record.accepted);
    EXPECT_EQ(record.slice, slice5);
    EXPECT_EQ(record.label, LabelId{1});
    EXPECT_EQ(record.prompts.box, (SliceBox{3, 4, 14, 11}));
    EXPECT_EQ(record.modelId, "ellipse");
    c.document.setSegmenter(nullptr);
}

TEST(Document, NextCandidate_GoesRoundAndBeginsAnewWithTheNextBox) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    const auto answered = [&] {
        return QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000);
    };
    const auto filled = [&] { return c.document.prompts().mask()->at(3, 4) != 0; }; // a corner of the box
    c.document.nextCandidate();
    EXPECT_EQ(segmenter.asked(), 0U) << "there is no proposal yet";
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    ASSERT_TRUE(answered());
    EXPECT_EQ(c.document.candidates(), 2);
    EXPECT_FALSE(filled());
    c.document.nextCandidate();
    ASSERT_TRUE(answered());
    EXPECT_EQ(c.document.candidate(), 1);
    EXPECT_EQ(c.document.candidateKind(), Document::OtherBox);
    EXPECT_TRUE(filled());
    c.document.promptPoint(slice5, {{{8, 8}}, true});
    ASSERT_TRUE(answered());
    EXPECT_TRUE(filled()) << "a click is about the candidate that is shown";
    c.document.nextCandidate();
    ASSERT_TRUE(answered());
    EXPECT_EQ(c.document.candidate(), 0);
    EXPECT_FALSE(filled());
    c.document.nextCandidate();
    ASSERT_TRUE(answered());
    c.document.acceptProposal();
    EXPECT_EQ(voxelsOf(c.shown(), 1), 12 * 8);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    ASSERT_TRUE(answered());
    EXPECT_EQ(c.document.candidate(), 0);
    c.document.setSegmenter(nullptr);
}

// The ellipse fills its box; a box becomes a loose one because the brush takes the outer part away.
TEST(Document, Box_IsLearnedFromWhenTheNextOneIsDrawn_AsTheMaskStandsThen) {
    OpenCase c(plainVolume({40, 40, 8}), twoLabels);
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    int learned = 0;
    QObject::connect(&c.document, &Document::drawingHabitLearned, [&] { ++learned; });
    const auto accept = [&](const SliceBox& box) {
        c.document.promptBox(slice5, box, false);
        ASSERT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
        c.document.acceptProposal();
        ASSERT_TRUE(c.waitSaved());
    };
    accept({4, 4, 15, 15});
    EXPECT_EQ(learned, 0) << "the mask may still be corrected";
    c.document.setBrushRadiusMm(2);
    c.stroke(slice5, {{4, 4}}, {{4, 15}}, true);
    c.stroke(slice5, {{15, 4}}, {{15, 15}}, true);
    ASSERT_TRUE(c.waitSaved());
    accept({22, 22, 33, 33});
    EXPECT_EQ(learned, 1);
    EXPECT_EQ(segmenter.habit(), c.document.drawingHabit()) << "the second box is asked about with it";
    EXPECT_DOUBLE_EQ(c.document.drawingHabit().loose, 1);
    const double gap = *boxSlack({4, 4, 15, 15}, sliceMask(c.shown(), slice5, LabelId{1}));
    EXPECT_GT(gap, 0.015);
    EXPECT_DOUBLE_EQ(c.document.drawingHabit().slack, gap);
    c.document.close();
    EXPECT_EQ(learned, 2);
    EXPECT_DOUBLE_EQ(c.document.drawingHabit().tight, 1);
    c.document.setSegmenter(nullptr);
}

// The ellipse's corners are filled by hand three times: the fourth box is asked about with that.
TEST(Document, Masks_TeachTheShapeOfTheirLabel_AcrossReopening) {
    OpenCase c(plainVolume({40, 40, 8}), twoLabels);
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    c.document.setBrushRadiusMm(3);
    const auto acceptAndFill = [&](const SliceBox& b) {
        c.document.promptBox(slice5, b, false);
        ASSERT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
        c.document.acceptProposal();
        ASSERT_TRUE(c.waitSaved());
        for (const double y : {b.y0 + 3, (b.y0 + b.y1) / 2, b.y1 - 3}) {
            c.stroke(slice5, {{b.x0 + 3, y}}, {{b.x1 - 3, y}});
            ASSERT_TRUE(c.waitSaved());
        }
    };
    acceptAndFill({3, 3, 16, 16});
    acceptAndFill({22, 3, 35, 16});
    acceptAndFill({3, 22, 16, 35});
    EXPECT_FALSE(segmenter.lean());
    c.reopen();
    const SliceBox asked{22, 22, 35, 35};
    c.document.promptBox(slice5, asked, false);
    EXPECT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
    const auto lean = segmenter.lean();
    ASSERT_TRUE(lean);
    EXPECT_GT(lean->on({22.5, 22.5, 1, 1, 1, 1}, asked).front(),
              lean->on({18.5, 18.5, 1, 1, 1, 1}, asked).front())
        << "a corner belongs more than what lies outside the box";
    c.document.discardProposal();
    ASSERT_TRUE(c.document.forgetBoxes().has_value());
    c.document.promptBox(slice5, asked, false);
    EXPECT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
    EXPECT_FALSE(segmenter.lean());
    c.document.discardProposal();
    c.document.setSegmenter(nullptr);
}

TEST(Document, BoxThatWasTakenBack_IsNotLearnedFrom) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    ASSERT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
    c.document.acceptProposal();
    ASSERT_TRUE(c.waitSaved());
    c.document.undo();
    ASSERT_TRUE(c.waitSaved());
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    EXPECT_EQ(c.document.drawingHabit(), DrawingHabit{});
    c.document.discardProposal();
    c.document.setSegmenter(nullptr);
}

TEST(Document, SupersededBox_ItsAnswerIsDropped) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter(std::chrono::milliseconds(60));
    c.document.setSegmenter(&segmenter);
    int ready = 0;
    QObject::connect(&c.document, &Document::proposalChanged,
                     [&] { ready += c.document.proposalState() == Document::Ready; });
    c.document.promptBox(slice5, {1, 1, 5, 5}, false);
    c.document.promptBox(slice5, {10, 10, 18, 16}, false);
    ASSERT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
    EXPECT_EQ(ready, 1);
    EXPECT_EQ(segmenter.asked(), 2u);
    EXPECT_FALSE(c.document.prompts().mask()->at(3, 3));
    EXPECT_TRUE(c.document.prompts().mask()->at(14, 13));

    c.document.promptBox(slice5, {1, 1, 5, 5}, false);
    c.document.discardProposal();
    QTest::qWait(150);
    EXPECT_EQ(c.document.proposalState(), Document::None) << "an answer came back from the dead";
    c.document.setSegmenter(nullptr);
}

TEST(Document, Sketch_IsShownAsSuchUntilTheAnswerReplacesIt) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter(std::chrono::milliseconds(300), true);
    c.document.setSegmenter(&segmenter);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    ASSERT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
    EXPECT_TRUE(c.document.proposalIsSketch());
    EXPECT_TRUE(c.document.proposalWorking());
    EXPECT_EQ(c.document.sketchName(), "Quick");
    EXPECT_TRUE(c.document.prompts().mask()->at(3, 4)) << "the sketch is the whole box";
    ASSERT_TRUE(QTest::qWaitFor([&] { return !c.document.proposalWorking(); }, 5000));
    EXPECT_EQ(c.document.proposalState(), Document::Ready);
    EXPECT_FALSE(c.document.proposalIsSketch());
    EXPECT_FALSE(c.document.prompts().mask()->at(3, 4)) << "the answer is the ellipse";
    c.document.setSegmenter(nullptr);
}

TEST(Document, AcceptedSketch_StaysAsItIs) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter(std::chrono::milliseconds(200), true);
    c.document.setSegmenter(&segmenter);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    ASSERT_TRUE(QTest::qWaitFor([&] { return c.document.proposalIsSketch(); }, 5000));
    c.document.acceptProposal();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(segmenter.wished(), std::vector<SliceKey>{slice5}) << "its encode goes on for the next prompt";
    QTest::qWait(400); // the large network's answer comes and finds nobody
    EXPECT_EQ(c.document.proposalState(), Document::None);
    EXPECT_EQ(voxelsOf(c.shown(), 1), 12 * 8);
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return c.store->promptRecords(c.record().layer).value().size() == 1; }, 5000));
    EXPECT_EQ(c.store->promptRecords(c.record().layer).value().front().modelId, "quick");
    c.document.setSegmenter(nullptr);
}

TEST(Document, Scrolling_PrefetchesAheadAndShowsWhatIsReady) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    c.document.setTool(Document::Box);
    c.document.setSlice(0, 6);
    c.document.setSlice(0, 5);
    const auto upTo = [](std::vector<SliceKey> all, std::size_t n) {
        all.resize(std::min(all.size(), n));
        return all;
    };
    const std::vector<SliceKey> first{slice5, {Plane::Axial, 4}, {Plane::Axial, 3}, {Plane::Axial, 6}};
    EXPECT_TRUE(QTest::qWaitFor([&] { return upTo(segmenter.wished(), 4) == first; }, 5000));
    EXPECT_TRUE(QTest::qWaitFor([&] { return !c.document.readyRuns().isEmpty(); }, 5000));
    c.document.setSegmenter(nullptr);
}

TEST(PrefetchOrder, GoesOutwardAndPrefersTheWayOneScrolls) {
    const auto indexes = [](std::int64_t at, int direction, std::size_t most) {
        std::vector<std::int64_t> out;
        for (const SliceKey& s : slicesToPrepare({Plane::Coronal, at}, direction, 10, most))
            out.push_back(s.index);
        return out;
    };
    using Indexes = std::vector<std::int64_t>;
    EXPECT_EQ(indexes(5, 0, 4), (Indexes{6, 4, 7, 3}));
    EXPECT_EQ(indexes(5, 1, 6), (Indexes{6, 7, 4, 8, 9, 3}));
    EXPECT_EQ(indexes(5, -1, 6), (Indexes{4, 3, 6, 2, 1, 7}));
    EXPECT_EQ(indexes(9, 1, 3), (Indexes{8, 7, 6}));
    EXPECT_EQ(indexes(0, 0, 99).size(), 9U);
}

TEST(Document, BoxBeforeTheNetworkIsThere_IsAskedWhenItComes) {
    OpenCase c(plainVolume(), twoLabels);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    EXPECT_EQ(c.document.proposalState(), Document::Waiting);
    EXPECT_FALSE(c.document.progressText().isEmpty());
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    EXPECT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
    c.document.setSegmenter(nullptr);
}

TEST(Document, BoxWithoutAnyNetwork_IsRefusedInASentence) {
    OpenCase c(plainVolume(), twoLabels);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    c.document.setSegmenterUnavailable("No network.");
    EXPECT_EQ(c.document.proposalState(), Document::None);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    EXPECT_EQ(c.document.proposalState(), Document::None);
    EXPECT_EQ(c.sentences, QStringList({"No network.", "No network."}));
}

TEST(Document, OtherModel_IsAskedAboutThePromptsThatAreThere) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    c.document.refreshModel();
    EXPECT_EQ(segmenter.asked(), 0u);
    c.document.promptBox(slice5, {3, 4, 14, 11}, false);
    c.document.refreshModel();
    EXPECT_EQ(segmenter.asked(), 2u);
    c.document.setSegmenter(nullptr);
}

TEST(Document, Points_EachClickAsksAgain_BackgroundAloneDoesNot) {
    OpenCase c(plainVolume(), twoLabels);
    EllipseSegmenter segmenter;
    c.document.setSegmenter(&segmenter);
    c.document.promptPoint(slice5, {{{9, 9}}, false});
    EXPECT_EQ(segmenter.asked(), 0u);
    c.document.promptPoint(slice5, {{{12, 9}}, true});
    c.document.promptPoint(slice5, {{{4, 9}}, false});
    EXPECT_EQ(segmenter.asked(), 2u);
    ASSERT_TRUE(QTest::qWaitFor([&] { return c.document.proposalState() == Document::Ready; }, 5000));
    EXPECT_EQ(c.document.promptPoints(), 3);
    c.document.promptPoint({Plane::Axial, 6}, {{{12, 9}}, true});
    EXPECT_EQ(c.document.promptPoints(), 1) << "points on another slice start anew";
    c.document.setSegmenter(nullptr);
}

TEST(Document, Propagation_IsOneEditThatSparesOtherLabels) {
    OpenCase c(plainVolume(), twoLabels);
    c.document.selectLabel(2);
    c.stroke({Plane::Axial, 7}, {{3, 10}}, {{20, 10}}); // a bar of spleen across the way
    ASSERT_TRUE(c.waitSaved());
    const std::vector<std::uint16_t> before = c.shown().labels();
    auto propagation = std::make_shared<Propagation>();
    for (std::int64_t k = 4; k < 10; ++k)
        propagation->slices.push_back(
            {{Plane::Axial, k}, LabelId{1}, {{8, 6, 6, 8}, std::vector<float>(48, 1.0F)}, {}, false});
    ASSERT_TRUE(c.document.commitPropagation(propagation, LabelId{1}));
    ASSERT_TRUE(c.waitSaved());
    std::int64_t written = 0, kept = 0;
    const std::vector<std::uint16_t> after = c.onDisk().labels();
    for (std::size_t n = 0; n < before.size(); ++n) {
        written += before[n] == 0 && after[n] == 1;
        kept += before[n] == 2 && after[n] == 2;
    }
    EXPECT_EQ(kept, LabelMap::make(c.shown().grid(), before)->count(LabelId{2}));
    EXPECT_GT(written, 5 * 48);
    EXPECT_LT(written, 6 * 48); // less where the bar lies
    EXPECT_EQ(c.document.undoTitle(), "Propagation, liver");
    c.document.undo();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.onDisk().labels(), before);

    c.document.setLabelLocked(1, true);
    EXPECT_FALSE(c.document.commitPropagation(propagation, LabelId{1}));
    EXPECT_EQ(c.sentences.size(), 1);
    EXPECT_EQ(c.shown().labels(), before);
}

TEST(Document, RemovedLabel_ComesBackWithUndo) {
    OpenCase c(plainVolume(), twoLabels);
    c.document.selectLabel(2);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    ASSERT_TRUE(c.waitSaved());
    const auto before = c.shown().labels();
    c.document.removeLabel(2);
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(voxelsOf(c.onDisk(), 2), 0);
    EXPECT_EQ(c.document.labelList()->find({2}), nullptr);
    c.document.undo();
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.shown().labels(), before);
    ASSERT_NE(c.document.labelList()->find({2}), nullptr);
    EXPECT_EQ(c.document.labelList()->find({2})->name, "spleen");
}

TEST(Document, FirstStrokeWithoutLabels_MakesOne) {
    OpenCase c(plainVolume());
    EXPECT_EQ(c.document.activeLabel(), 0);
    c.stroke(slice5, {{4, 4}}, {{12, 4}});
    ASSERT_TRUE(c.waitSaved());
    EXPECT_EQ(c.document.activeLabel(), 1);
    EXPECT_EQ(c.store->labels().value().size(), 1u);
    EXPECT_GT(voxelsOf(c.onDisk(), 1), 0);
}

TEST(Document, OtherGrid_IsRefusedInASentence) {
    OpenCase c(plainVolume(), twoLabels);
    c.document.close();
    c.document.open(c.record(), plainVolume({24, 20, 15}), c.store->loadLayer(c.record().layer).value(),
                    c.store);
    EXPECT_FALSE(c.document.isOpen());
    EXPECT_EQ(c.sentences.size(), 1);
}

TEST(EditSession, Extent_CountsAsABruteForceDoes) {
    OpenCase c(plainVolume(), twoLabels);
    c.document.setBrushRadiusMm(3);
    c.stroke({Plane::Sagittal, 7}, {{4, 4}}, {{12, 9}});
    c.stroke({Plane::Coronal, 9}, {{4, 4}}, {{12, 9}});
    c.stroke({Plane::Axial, 9}, {{7, 9}}, {{8, 9}}, true);
    ASSERT_TRUE(c.waitSaved());
    const LabelExtent now = c.document.edits()->extent({1});
    EXPECT_EQ(now.voxels, voxelsOf(c.shown(), 1));
    c.reopen();
    const LabelExtent fresh = c.document.edits()->extent({1});
    EXPECT_EQ(fresh.voxels, now.voxels);
    for (std::int64_t k = 0; k < 16; ++k)
        for (std::int64_t j = 0; j < 20; ++j)
            for (std::int64_t i = 0; i < 24; ++i)
                if (c.shown().at({i, j, k}) == LabelId{1})
                    for (const LabelExtent& e : {now, fresh}) {
                        EXPECT_TRUE(e.first[0] <= i && i <= e.last[0]);
                        EXPECT_TRUE(e.first[1] <= j && j <= e.last[1]);
                        EXPECT_TRUE(e.first[2] <= k && k <= e.last[2]);
                    }
}

} // namespace
} // namespace tandem
