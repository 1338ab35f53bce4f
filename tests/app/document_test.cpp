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
using test::slice5;
using test::twoLabels;
using test::voxelsOf;

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

TEST(Document, PicturePlane_IsThatOfTheOnlySlice) {
    const auto planeOf = [](Size3 size) { return OpenCase(test::plainVolume(size)).document.picturePlane(); };
    EXPECT_EQ(planeOf({24, 20, 16}), -1);
    EXPECT_EQ(planeOf({24, 20, 1}), 0);
    EXPECT_EQ(planeOf({24, 1, 16}), 1);
    EXPECT_EQ(planeOf({1, 20, 16}), 2);
    EXPECT_EQ(planeOf({24, 1, 1}), -1);
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
