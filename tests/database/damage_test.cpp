#include "tests/database/stroke_script.h"

#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>

namespace tandem {
namespace {

std::string bytesOf(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

void writeBytes(const std::filesystem::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
}

struct Damage : testing::Test {
    test::TemporaryFolder folder;
    std::filesystem::path victim = folder / "victim.tandem";
    std::string good;

    Damage() {
        const std::filesystem::path file = folder / "good.tandem";
        {
            auto store = createProject(file, "Good").value();
            const CaseId id = store->addCase("case 1", imageAt(folder / "a.nii")).value();
            StrokeScript script;
            for (; script.count() < 40; script.advance())
                (void)store->commitNow(store->caseOf(id)->layer, script.next()).value();
            (void)store->setState(id, CaseState::Submitted, "Ada", "");
        }
        good = bytesOf(file);
        std::filesystem::remove(file);
    }

    // Refused with that code in a sentence that names the file; nothing changed, nothing left beside it.
    void expectRefused(const std::string& bytes, ErrorCode code, const std::string& what) {
        writeBytes(victim, bytes);
        const auto store = openProject(victim);
        ASSERT_FALSE(store.has_value()) << what;
        EXPECT_EQ(store.error().code, code) << what << ": " << store.error().sentence;
        EXPECT_NE(store.error().sentence.find(victim.string()), std::string::npos) << store.error().sentence;
        EXPECT_EQ(bytesOf(victim), bytes) << what << " was changed";
        for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
            EXPECT_EQ(entry.path(), victim) << "left behind by " << what;
    }
    std::string patched(std::size_t at, const std::string& with) const {
        std::string bytes = good;
        return bytes.replace(at, with.size(), with);
    }
};

TEST_F(Damage, ForeignAndNewerFiles_AreRefusedUntouched) {
    expectRefused("", ErrorCode::FormatInvalid, "an empty file");
    expectRefused("Not a project\n", ErrorCode::FormatInvalid, "a text");
    expectRefused(std::string(5000, 'x'), ErrorCode::FormatInvalid, "a longer text");
    expectRefused(patched(68, std::string(4, '\0')), ErrorCode::FormatInvalid, "another program's database");
    expectRefused(patched(60, std::string("\0\0\0\x7f", 4)), ErrorCode::FormatUnsupported, "a newer schema");
    EXPECT_EQ(openProject(folder.path()).error().code, ErrorCode::FormatInvalid);
    EXPECT_EQ(openProject(folder / "none.tandem").error().code, ErrorCode::FileNotFound);
}

TEST_F(Damage, EveryTruncation_IsRefusedUntouched) {
    std::mt19937 random(8);
    for (int n = 0; n < 60; ++n)
        expectRefused(good.substr(0, random() % good.size()), ErrorCode::FormatInvalid, "a truncated file");
    expectRefused(good.substr(0, good.size() - 1), ErrorCode::FormatInvalid, "a file one byte short");
}

TEST_F(Damage, OverwrittenPage_IsRefusedUntouched) {
    for (std::size_t page = 1; page * 4096 < good.size(); page += 7) {
        const std::string bytes = patched(page * 4096, std::string(4096, '\xa5'));
        writeBytes(victim, bytes);
        const auto store = openProject(victim);
        if (!store) {
            EXPECT_EQ(store.error().code, ErrorCode::FormatInvalid) << store.error().sentence;
            EXPECT_EQ(bytesOf(victim), bytes);
        } else { // a page of a mask's bytes: found by their own checksum
            EXPECT_NE((*store)->check().value(), std::vector<std::string>{}) << "page " << page;
        }
    }
}

TEST_F(Damage, FlippedBytes_NeverCrashAndNeverGoUnseenInAMask) {
    std::mt19937 random(9);
    StrokeScript script;
    script.advanceTo(40);
    for (int n = 0; n < 300; ++n) {
        std::string bytes = good;
        bytes[100 + random() % (bytes.size() - 100)] ^= static_cast<char>(1u << random() % 8);
        writeBytes(victim, bytes);
        const auto store = openProject(victim);
        if (!store)
            continue;
        const auto problems = (*store)->check().value();
        const auto cases = (*store)->cases();
        if (!problems.empty() || !cases || cases->empty())
            continue;
        const auto content = (*store)->loadLayer(cases->front().layer);
        if (content && cases->front().image.grid.size() == obliqueGrid().size()) {
            EXPECT_EQ(content->labels.labels(), script.map().labels());
        }
    }
}

TEST_F(Damage, SnapshotThatIsDamaged_IsReplacedByTheJournal) {
    // The snapshot is the newest row with a blob, so its deflated bytes come last: spoil them where they lie.
    writeBytes(victim, good);
    StrokeScript script;
    script.advanceTo(40);
    int seen = 0;
    for (std::size_t at = 0; at + 2 < good.size(); ++at) {
        if (good[at] != '\x78' || good[at + 1] != '\x01') // a zlib stream of level 1
            continue;
        writeBytes(victim, patched(at + 2, "\xff\xff"));
        const auto store = openProject(victim).value();
        const auto problems = store->check().value();
        if (problems.size() == 1 && problems[0].find("snapshot") != std::string::npos) {
            ++seen;
            EXPECT_EQ(store->loadLayer(store->cases()->front().layer)->labels.labels(),
                      script.map().labels());
        }
    }
    EXPECT_EQ(seen, 1);
}

TEST_F(Damage, CreateProject_NeverReplacesAFile) {
    writeBytes(victim, "precious");
    const auto store = createProject(victim, "New");
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().code, ErrorCode::FileUnwritable);
    EXPECT_EQ(bytesOf(victim), "precious");
    EXPECT_FALSE(createProject(folder / "no/such/folder.tandem", "New").has_value());
    EXPECT_FALSE(std::filesystem::exists(folder / "no"));
}

// While it lives, no file of this process grows beyond a size: what a full disk looks like.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit small{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
};

TEST(DiskFull, RefusesInWordsKeepsWhatWasDrawnAndGoesOnLater) {
    test::TemporaryFolder folder;
    auto store = createProject(folder / "p.tandem", "Full").value();
    const LayerId layer = store->caseOf(store->addCase("case 1", imageAt(folder / "a.nii")).value())->layer;
    StrokeScript script;
    const auto draw = [&] { return store->commitNow(layer, script.next()); };
    for (; script.count() < 5; script.advance())
        ASSERT_TRUE(draw().has_value());
    Result<EditId> refused = EditId{};
    {
        const FullDisk disk(std::filesystem::file_size(folder / "p.tandem-wal") + 40'000);
        for (int n = 0; refused && n < 500; ++n)
            if (refused = draw(); refused)
                script.advance();
    }
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::StoreFailed);
    EXPECT_NE(refused.error().sentence.find("disk"), std::string::npos) << refused.error().sentence;
    EXPECT_EQ(store->loadLayer(layer)->labels.labels(), script.map().labels());
    ASSERT_TRUE(draw().has_value());
    script.advance();
    store.reset();
    store = openProject(folder / "p.tandem").value();
    EXPECT_EQ(store->loadLayer(layer)->labels.labels(), script.map().labels());
    EXPECT_EQ(*store->check(), std::vector<std::string>{});
}

// One database of every released schema is kept and must open for ever.
struct Schema : testing::TestWithParam<std::string> {
    test::TemporaryFolder folder;
    std::unique_ptr<ProjectStore> openKept() {
        const auto file = folder / "kept.tandem";
        std::filesystem::copy_file(TANDEM_TEST_DATA "/projects/schema" + GetParam() + ".tandem", file);
        auto opened = openProject(file);
        EXPECT_TRUE(opened.has_value()) << opened.error().sentence;
        return opened ? std::move(*opened) : nullptr;
    }
};
INSTANTIATE_TEST_SUITE_P(Every, Schema, testing::Values("001", "002"));

TEST_P(Schema, Kept_OpensWithEverythingInIt) {
    const auto opened = openKept();
    ASSERT_NE(opened, nullptr);
    ProjectStore& store = *opened;
    EXPECT_EQ(*store.check(), std::vector<std::string>{});
    const CaseRecord c = store.cases()->front();
    EXPECT_EQ(c.name, "case 1");
    EXPECT_EQ(c.assignee, "Ada");
    EXPECT_EQ(c.state, CaseState::Rejected);
    EXPECT_EQ(c.lastComment, "The dome is missing");
    EXPECT_EQ(c.image.grid, obliqueGrid());
    EXPECT_EQ(c.image.path, folder / "images/a.nii.gz");
    EXPECT_EQ(store.labels()->front().name, "Leber \xc3\xa4");
    EXPECT_EQ(*store.setting("key"), std::optional<std::string>("value"));
    EXPECT_EQ(store.promptRecords(c.layer)->front().prompts.box->y1, 6);
    EXPECT_EQ(store.reviewEvents(c.id)->size(), 3u);
    StrokeScript script;
    script.advanceTo(30);
    const LayerContent content = store.loadLayer(c.layer).value();
    EXPECT_EQ(content.labels.labels(), script.map().labels());
    EXPECT_EQ(content.history.nextUndo(), script.history().nextUndo());
}

TEST_P(Schema, Kept_TakesScribbles) {
    const PointPrompt scribble{{{1, 2}}, false, {{{3, 4}}, {{5, 6}}}};
    const auto store = openKept();
    ASSERT_NE(store, nullptr);
    const LayerId layer = store->cases()->front().layer;
    const auto before = store->promptRecords(layer).value();
    if (GetParam() != "001") {
        EXPECT_EQ(before.back().prompts.points, std::vector{scribble});
    }
    ASSERT_TRUE(store->recordPrompt(layer, {{Plane::Axial, 1}, LabelId{1}, {{}, {scribble}}, "", 0, true})
                    .has_value());
    const auto after = store->promptRecords(layer).value();
    ASSERT_EQ(after.size(), before.size() + 1);
    EXPECT_EQ(after.back().prompts.points, std::vector{scribble});
}

} // namespace
} // namespace tandem
