#include "core/files/files.h"
#include "core/files/sha256.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

using namespace tandem;

namespace {

std::size_t filesIn(const std::filesystem::path& folder) {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        n += entry.exists();
    return n;
}

std::string hashOf(const std::string& text) {
    return sha256(std::as_bytes(std::span(text)));
}

} // namespace

TEST(AtomicFile, NotCommitted_LeavesTheOldFileAndNothingElse) {
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeFileAtomically(folder / "a.txt", "old").has_value());
    {
        auto file = AtomicFile::create(folder / "a.txt");
        ASSERT_TRUE(file.has_value());
        ASSERT_TRUE(file->write("half of the new").has_value());
        EXPECT_EQ(filesIn(folder.path()), 2u);
    }
    EXPECT_EQ(filesIn(folder.path()), 1u);
    EXPECT_EQ(readFile(folder / "a.txt").value(), "old");
}

TEST(AtomicFile, Committed_ReplacesTheOldFile) {
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeFileAtomically(folder / "a.txt", "old").has_value());
    ASSERT_TRUE(writeFileAtomically(folder / "a.txt", "new content").has_value());
    EXPECT_EQ(readFile(folder / "a.txt").value(), "new content");
    EXPECT_EQ(filesIn(folder.path()), 1u);
}

TEST(AtomicFile, ImpossiblePlaces_AreErrors) {
    const test::TemporaryFolder folder;
    const auto missing = writeFileAtomically(folder.path() / "no" / "such" / "folder", "x");
    ASSERT_FALSE(missing.has_value());
    EXPECT_TRUE(missing.error().code == ErrorCode::FileUnwritable);
    std::filesystem::create_directory(folder / "dir");
    EXPECT_FALSE(writeFileAtomically(folder / "dir", "x").has_value());
    EXPECT_EQ(filesIn(folder.path()), 1u);
}

TEST(ReadFile, MissingFoldersAndLargeFiles_AreErrors) {
    const test::TemporaryFolder folder;
    EXPECT_TRUE(readFile(folder / "none").error().code == ErrorCode::FileNotFound);
    EXPECT_TRUE(readFile(folder.path()).error().code == ErrorCode::FileUnreadable);
    ASSERT_TRUE(writeFileAtomically(folder / "a", "12345").has_value());
    EXPECT_TRUE(readFile(folder / "a", 4).error().code == ErrorCode::FormatUnsupported);
}

TEST(MappedFile, EmptyFile_HasNoBytes) {
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeFileAtomically(folder / "empty", "").has_value());
    const auto file = MappedFile::open(folder / "empty");
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ((*file)->bytes().size(), 0u);
}

// Truth: the examples of FIPS 180-4 and, for the lengths around a block, coreutils' sha256sum.
TEST(Sha256, KnownMessages_GiveTheKnownHashes) {
    EXPECT_EQ(hashOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hashOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hashOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(hashOf(std::string(1'000'000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    EXPECT_EQ(hashOf(std::string(55, 'x')),
              "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072");
    EXPECT_EQ(hashOf(std::string(64, 'x')),
              "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c");
    EXPECT_EQ(hashOf(std::string(119, 'x')),
              "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c");
}

TEST(Sha256, PiecesOfAnyLength_GiveTheSameHash) {
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text.push_back(static_cast<char>(i * 31));
    for (const std::size_t step : {1u, 7u, 63u, 64u, 65u, 200u}) {
        Sha256 hash;
        for (std::size_t at = 0; at < text.size(); at += step)
            hash.add(std::as_bytes(std::span(text).subspan(at, std::min(step, text.size() - at))));
        EXPECT_EQ(hash.finish(), hashOf(text));
    }
}
