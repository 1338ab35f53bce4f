#include "app/gui/document/prefetch_order.h"
#include "tests/app/ellipse_segmenter.h"
#include "tests/app/open_case_fixture.h"

#include <set>

namespace tandem {
namespace {

using test::EllipseSegmenter;
using test::OpenCase;
using test::plainVolume;
using test::slice5;
using test::twoLabels;
using test::voxelsOf;

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

} // namespace
} // namespace tandem
