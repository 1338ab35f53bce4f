#include "tests/database/child_process.h"
#include "tests/database/stroke_script.h"

#include <chrono>
#include <sstream>
#include <thread>

namespace tandem {
namespace {

const std::string child = TANDEM_BINARY_DIR "/tests/store_child";

struct Killed : testing::Test {
    test::TemporaryFolder folder;
    std::filesystem::path file = folder / "p.tandem";
    StrokeScript script;

    Killed() {
        auto store = createProject(file, "Killed").value();
        (void)store->addCase("case 1", imageAt(folder / "a.nii")).value();
    }

    // Lets the child draw for a while, kills it in the middle, and counts what it had acknowledged.
    // The while begins with the process, or with its first acknowledged stroke.
    std::int64_t drawAndKill(std::chrono::microseconds life, bool afterFirstStroke = true) {
        ChildProcess process({child, "strokes", file.string(), std::to_string(script.count())});
        std::string line = afterFirstStroke ? process.line() : std::string();
        std::this_thread::sleep_for(life);
        process.kill();
        EXPECT_TRUE(process.wasKilled());
        std::int64_t acknowledged = script.count();
        int syncsBefore = 0;
        if (!afterFirstStroke)
            line = process.line();
        for (; !line.empty(); line = process.line()) {
            std::int64_t id = 0;
            int syncs = 0;
            std::istringstream(line) >> id >> syncs;
            EXPECT_EQ(id, ++acknowledged);
            EXPECT_GT(syncs, syncsBefore) << "acknowledged before it was on disk";
            syncsBefore = syncs;
        }
        return acknowledged;
    }

    // Everything acknowledged is there, and at most the stroke in the hand beyond it.
    void expectWhole(ProjectStore& store, std::int64_t acknowledged) {
        const LayerId layer = store.cases()->front().layer;
        script.advanceTo(acknowledged);
        if (store.edit(layer, EditId{acknowledged + 1}).has_value())
            script.advance();
        EXPECT_FALSE(store.edit(layer, EditId{script.count() + 1}).has_value());
        const LayerContent content = store.loadLayer(layer).value();
        EXPECT_EQ(content.labels.labels(), script.map().labels());
        EXPECT_EQ(content.history.nextUndo(), script.history().nextUndo());
        EXPECT_EQ(content.history.nextRedo(), script.history().nextRedo());
        EXPECT_EQ(*store.check(), std::vector<std::string>{});
    }
};

TEST_F(Killed, AtAnyInstant_KeepsEveryAcknowledgedStroke) {
    std::mt19937 random(3);
    constexpr int kills = 60;
    std::int64_t drawn = 0;
    for (int n = 0; n < kills; ++n) {
        const std::int64_t before = script.count();
        const std::int64_t acknowledged =
            drawAndKill(std::chrono::microseconds(random() % 60'000), n % 3 != 0);
        const auto store = openProject(file); // no lock was left behind
        ASSERT_TRUE(store.has_value()) << store.error().sentence;
        expectWhole(**store, acknowledged);
        drawn += script.count() - before;
    }
    EXPECT_GE(drawn, kills * 2 / 3); // or the test has not tested much
    RecordProperty("strokes", static_cast<int>(drawn));
}

TEST_F(Killed, UndoGoesBackToTheVeryBeginning) {
    expectWhole(*openProject(file).value(), drawAndKill(std::chrono::milliseconds(300)));
    const auto store = openProject(file).value();
    const LayerId layer = store->cases()->front().layer;
    LayerContent content = store->loadLayer(layer).value();
    ASSERT_TRUE(content.history.nextUndo().has_value());
    while (const auto target = content.history.nextUndo()) {
        const Edit back = inverse(*store->edit(layer, *target));
        const auto id = store->commitNow(layer, {JournalAction::Undo, back, *target});
        ASSERT_TRUE(id.has_value());
        ASSERT_TRUE(applyEdit(content.labels, back).has_value());
        content.history.note(JournalAction::Undo, *id, *target);
    }
    EXPECT_TRUE(content.labels.present().empty());
    EXPECT_TRUE(store->loadLayer(layer)->labels.present().empty());
}

TEST_F(Killed, SecondOpener_IsTurnedAwayUntilTheFirstIsGone) {
    const std::string locked = std::to_string(static_cast<int>(ErrorCode::Locked));
    {
        const auto here = openProject(file).value();
        ChildProcess there({child, "open", file.string()});
        EXPECT_EQ(there.line(), locked);
        const auto again = openProject(file);
        ASSERT_FALSE(again.has_value());
        EXPECT_EQ(again.error().code, ErrorCode::Locked);
        EXPECT_NE(again.error().sentence.find(file.string()), std::string::npos);
        EXPECT_TRUE(here->cases().has_value()); // the first opener is none the worse
        ChildProcess later({child, "open", file.string()});
        EXPECT_EQ(later.line(), locked);
    }
    ChildProcess there({child, "open", file.string()});
    EXPECT_EQ(there.line(), "open");
    const auto second = openProject(file);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, ErrorCode::Locked);
    there.kill();
    EXPECT_TRUE(openProject(file).has_value());
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        EXPECT_EQ(entry.path(), file) << "left behind";
}

} // namespace
} // namespace tandem
