#include "core/edit/edit.h"
#include "core/edit/history.h"

#include <gtest/gtest.h>

#include <random>

namespace tandem {
namespace {

const Geometry grid = Geometry::axisAligned({9, 7, 5}, {1, 1, 1});

SliceMask randomMask(std::mt19937& random, std::int64_t w, std::int64_t h) {
    SliceMask m(w, h);
    for (auto& v : m.inside)
        v = random() % 3 == 0;
    return m;
}

TEST(Edit, FromMask_SetsExactlyTheMaskedVoxelsAndSparesLockedLabels) {
    std::mt19937 random(5);
    const LockedLabels locked{LabelId{2}};
    LabelMap map(grid);
    for (int step = 0; step < 60; ++step) {
        const Plane plane = static_cast<Plane>(random() % 3);
        const SliceKey key{
            plane, static_cast<std::int64_t>(random() % static_cast<unsigned>(sliceCount(grid, plane)))};
        const auto size = sliceSize(grid, plane);
        const SliceMask mask = randomMask(random, size[0], size[1]);
        const LabelId label{static_cast<std::uint16_t>(random() % 4)};
        const LabelMap before = map;
        // Labels 2 get in while unlocked, every third step.
        const LockedLabels lockedNow = step % 3 == 0 ? LockedLabels{} : locked;
        const Edit edit = editFromMask(map, key, mask, label, EditSource::Brush, lockedNow);
        ASSERT_TRUE(applyEdit(map, edit).has_value());
        for (std::int64_t k = 0; k < 5; ++k)
            for (std::int64_t j = 0; j < 7; ++j)
                for (std::int64_t i = 0; i < 9; ++i) {
                    const VoxelIndex v{i, j, k};
                    const Point<SlicePx> p = slicePoint(grid, plane, centreOf(v));
                    const auto axis = static_cast<std::size_t>(sliceAxes(grid, plane).slice);
                    const bool in = v[axis] == key.index && mask.at(std::llround(p[0]), std::llround(p[1])) &&
                                    !lockedNow.contains(before.at(v)) && !lockedNow.contains(label);
                    EXPECT_EQ(map.at(v), in ? label : before.at(v));
                }
    }
}

TEST(Edit, Inverse_TakesBackAndEncodingSurvives) {
    std::mt19937 random(6);
    LabelMap map(grid);
    std::vector<LabelMap> states{map};
    std::vector<Edit> edits;
    for (int step = 0; step < 20; ++step) {
        const SliceKey key{Plane::Axial, static_cast<std::int64_t>(random() % 5)};
        Edit edit = editFromMask(map, key, randomMask(random, 9, 7),
                                 LabelId{static_cast<std::uint16_t>(random() % 3)}, EditSource::Brush, {});
        const auto bytes = encodeRuns(edit.runs);
        const auto back = decodeRuns(bytes.data(), bytes.size());
        ASSERT_TRUE(back.has_value());
        EXPECT_EQ(*back, edit.runs);
        ASSERT_TRUE(applyEdit(map, edit).has_value());
        states.push_back(map);
        edits.push_back(edit);
    }
    for (std::size_t n = edits.size(); n-- > 0;) {
        ASSERT_TRUE(applyEdit(map, inverse(edits[n])).has_value());
        EXPECT_EQ(map.labels(), states[n].labels());
    }
}

TEST(Edit, Apply_RefusesForeignStatesAndPlacesWithoutChange) {
    LabelMap map(grid);
    const std::vector<std::uint16_t> untouched = map.labels();
    EXPECT_FALSE(
        applyEdit(map, Edit{EditSource::Brush, LabelId{1}, "", {{0, 2, 0, 1}, {4, 1, 3, 1}}}).has_value());
    EXPECT_FALSE(applyEdit(map, Edit{EditSource::Brush, LabelId{1}, "", {{313, 3, 0, 1}}}).has_value());
    EXPECT_FALSE(
        applyEdit(map, Edit{EditSource::Brush, LabelId{1}, "", {{5, 2, 0, 1}, {6, 1, 0, 1}}}).has_value());
    EXPECT_EQ(map.labels(), untouched);
}

TEST(Edit, Decode_RefusesEveryTruncation) {
    const auto bytes = encodeRuns({{3, 4, 0, 300}, {90, 70000, 300, 0}});
    for (std::size_t n = 0; n < bytes.size(); ++n)
        EXPECT_FALSE(decodeRuns(bytes.data(), n).has_value());
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decodeRuns(longer.data(), longer.size()).has_value());
}

TEST(Edit, Toward_TurnsOneMapIntoAnotherButNotLockedVoxels) {
    std::mt19937 random(7);
    std::vector<std::uint16_t> a(315), b(315);
    for (std::size_t v = 0; v < a.size(); ++v) {
        a[v] = static_cast<std::uint16_t>(random() % 3);
        b[v] = static_cast<std::uint16_t>(random() % 3);
    }
    LabelMap map = LabelMap::make(grid, a).value();
    const auto edit = editToward(map, LabelMap::make(grid, b).value(), EditSource::Import, {LabelId{2}});
    ASSERT_TRUE(edit.has_value());
    ASSERT_TRUE(applyEdit(map, *edit).has_value());
    for (std::size_t v = 0; v < a.size(); ++v)
        EXPECT_EQ(map.labels()[v], a[v] == 2 || b[v] == 2 ? a[v] : b[v]);
    EXPECT_FALSE(
        editToward(map, LabelMap(Geometry::axisAligned({9, 7, 4}, {1, 1, 1})), EditSource::Import, {})
            .has_value());
}

TEST(History, UndoAndRedo_FollowTheJournal) {
    History h;
    EXPECT_FALSE(h.nextUndo().has_value());
    h.note(JournalAction::Do, {1}, {});
    h.note(JournalAction::Do, {2}, {});
    h.note(JournalAction::Undo, {3}, {2});
    EXPECT_EQ(h.nextUndo()->value, 1);
    EXPECT_EQ(h.nextRedo()->value, 2);
    h.note(JournalAction::Redo, {4}, {2});
    EXPECT_EQ(h.nextUndo()->value, 2);
    EXPECT_FALSE(h.nextRedo().has_value());
    h.note(JournalAction::Undo, {5}, {2});
    h.note(JournalAction::Do, {6}, {});
    EXPECT_EQ(h.nextUndo()->value, 6);
    EXPECT_FALSE(h.nextRedo().has_value());
}

} // namespace
} // namespace tandem
