#include "inference/predict/disk_cache.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

using namespace tandem;
using predict::DiskCache;
using Halves = std::vector<std::uint16_t>;

namespace {

std::span<const std::byte> bytesOf(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// The values that belong to a key: whoever reads others has read something damaged.
Halves valuesOf(int number, std::size_t count) {
    std::mt19937 random(static_cast<unsigned>(number));
    Halves values(count);
    for (std::uint16_t& v : values)
        v = static_cast<std::uint16_t>(0x3000 + random() % 0x0a00);
    return values;
}
std::string keyOf(int number) {
    return "model/image/axial/" + std::to_string(number);
}

std::int64_t bytesIn(const std::filesystem::path& folder) {
    std::int64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        bytes += static_cast<std::int64_t>(entry.file_size());
    return bytes;
}

// Reads and writes entries 0..9 until it is ended or `rounds` are over; exits with 1 at the first damaged
// one.
[[noreturn]] void useUntilKilled(const std::filesystem::path& folder, unsigned seed, int rounds) {
    const DiskCache cache(folder, std::int64_t{1} << 20);
    std::mt19937 random(seed);
    for (int i = 0; i < rounds; ++i) {
        const int number = static_cast<int>(random() % 10);
        if (const auto found = cache.find(keyOf(number)); found && *found != valuesOf(number, 50'000))
            ::_exit(1);
        cache.insert(keyOf(number), valuesOf(number, 50'000));
    }
    ::_exit(0);
}

int exitOf(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

double milliseconds(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

TEST(XxHash64, GivesThePublishedDigests) {
    EXPECT_EQ(predict::xxHash64(bytesOf("")), 0xEF46DB3751D8E999ULL);
    EXPECT_EQ(predict::xxHash64(bytesOf("a")), 0xD24EC4F1A98C6E5BULL);
    EXPECT_EQ(predict::xxHash64(bytesOf("abc")), 0x44BC2CF5AD770999ULL);
    EXPECT_EQ(predict::xxHash64(bytesOf("Nobody inspects the spammish repetition")), 0xFBCEA83C8A378BF1ULL);
    EXPECT_EQ(predict::xxHash64(bytesOf("The quick brown fox jumps over the lazy dog")),
              0x0B242D361FDA71BCULL);
}

TEST(DiskEntry, ComesBackWithItsKeyAlone) {
    for (const std::size_t count : {0, 1, 7, 4096, 50'001}) {
        const Halves values = valuesOf(1, count);
        const std::string file = predict::packEntry("key", values);
        EXPECT_TRUE(predict::unpackEntry(bytesOf(file), "key") == values);
        EXPECT_FALSE(predict::unpackEntry(bytesOf(file), "kez").has_value());
        EXPECT_FALSE(predict::unpackEntry(bytesOf(file), "ke").has_value());
    }
}

TEST(DiskEntry, DamagedAnywhere_IsNotRead) {
    const std::string file = predict::packEntry("key", valuesOf(2, 60));
    for (std::size_t at = 0; at < file.size(); ++at)
        for (const int bit : {0, 3, 7}) {
            std::string damaged = file;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            EXPECT_FALSE(predict::unpackEntry(bytesOf(damaged), "key").has_value()) << at;
        }
    for (std::size_t size = 0; size < file.size(); ++size)
        EXPECT_FALSE(predict::unpackEntry(bytesOf(file.substr(0, size)), "key").has_value()) << size;
    EXPECT_FALSE(predict::unpackEntry(bytesOf(file + '\0'), "key").has_value());
}

TEST(DiskCache, DamagedFile_IsDroppedSilently) {
    const test::TemporaryFolder folder;
    const DiskCache cache(folder.path(), 1 << 20);
    cache.insert("a", valuesOf(1, 1000));
    ASSERT_TRUE(cache.find("a") == valuesOf(1, 1000));
    const auto file = std::filesystem::directory_iterator(folder.path())->path();
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2); // a torn write
    EXPECT_TRUE(cache.contains("a"));
    EXPECT_FALSE(cache.find("a").has_value());
    EXPECT_FALSE(cache.contains("a"));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(DiskCache, FullFolder_LosesTheLongestUnused) {
    const test::TemporaryFolder folder;
    const std::int64_t budget =
        4 * static_cast<std::int64_t>(predict::packEntry(keyOf(0), valuesOf(0, 20'000)).size()) +
        2000; // four entries, whose sizes differ by a little
    const DiskCache cache(folder.path(), budget);
    const auto longAgo = std::filesystem::file_time_type::clock::now() - std::chrono::hours(48);
    for (int i = 0; i < 4; ++i) {
        cache.insert(keyOf(i), valuesOf(i, 20'000));
        for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
            if (entry.last_write_time() > longAgo + std::chrono::hours(24))
                std::filesystem::last_write_time(entry.path(), longAgo + std::chrono::minutes(i));
    }
    EXPECT_TRUE(cache.find(keyOf(0)).has_value()); // used: the oldest is 1 now
    cache.insert(keyOf(4), valuesOf(4, 20'000));
    EXPECT_TRUE(cache.contains(keyOf(0)));
    EXPECT_FALSE(cache.contains(keyOf(1)));
    for (int i = 2; i < 5; ++i)
        EXPECT_TRUE(cache.contains(keyOf(i))) << i;
    EXPECT_LE(bytesIn(folder.path()), budget);
    cache.insert("too large", valuesOf(9, 200'000));
    EXPECT_FALSE(cache.contains("too large"));
    EXPECT_TRUE(cache.contains(keyOf(4)));
}

TEST(DiskCache, LeftoversOfAKilledProgram_GoAfterAnHour) {
    const test::TemporaryFolder folder;
    const auto old = folder / "x.embedding.1-1.part", fresh = folder / "y.embedding.2-1.part";
    std::ofstream(old) << "half";
    std::ofstream(fresh) << "half";
    std::ofstream(folder / "notes.txt") << "not ours";
    std::filesystem::last_write_time(old,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
    DiskCache(folder.path(), 1 << 20).insert("a", valuesOf(1, 10));
    EXPECT_FALSE(std::filesystem::exists(old));
    EXPECT_TRUE(std::filesystem::exists(fresh));
    EXPECT_TRUE(std::filesystem::exists(folder / "notes.txt"));
}

TEST(DiskCache, FolderThatCannotBeUsed_IsAnEmptyCache) {
    const DiskCache cache("/proc/no/such/folder", 1 << 20);
    cache.insert("a", valuesOf(1, 10));
    EXPECT_FALSE(cache.contains("a"));
    EXPECT_FALSE(cache.find("a").has_value());
}

TEST(DiskCache, KilledWhileWriting100Times_NeverServesDamage) {
    const test::TemporaryFolder folder;
    const DiskCache cache(folder.path(), std::int64_t{1} << 20);
    std::mt19937 random(7);
    int served = 0;
    for (int kill = 0; kill < 100; ++kill) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0)
            useUntilKilled(folder.path(), static_cast<unsigned>(kill), 1'000'000);
        std::this_thread::sleep_for(std::chrono::microseconds(2000 + random() % 20'000));
        ::kill(child, SIGKILL);
        EXPECT_EQ(exitOf(child), -1); // it had found nothing wrong until then
        for (int number = 0; number < 10; ++number)
            if (const auto found = cache.find(keyOf(number))) {
                ++served;
                EXPECT_TRUE(*found == valuesOf(number, 50'000));
            }
    }
    EXPECT_GT(served, 100);
}

TEST(DiskCache, TwoProgramsAtOnce_ReadWhatEachWrote) {
    const test::TemporaryFolder folder;
    // Room for half of the ten entries: both evict what the other one reads.
    std::vector<pid_t> children;
    for (unsigned program = 0; program < 2; ++program) {
        children.push_back(::fork());
        ASSERT_GE(children.back(), 0);
        if (children.back() == 0)
            useUntilKilled(folder.path(), program, 150);
    }
    for (const pid_t child : children)
        EXPECT_EQ(exitOf(child), 0);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        EXPECT_TRUE(entry.path().extension() == ".embedding");
}

TEST(DiskCache, OneEmbeddingOfViTB_TimeAndSizeAreSaid) {
    const test::TemporaryFolder folder;
    const DiskCache cache(folder.path(), std::int64_t{1} << 30);
    std::mt19937 random(1);
    std::normal_distribution<float> normal; // what a layer norm leaves behind
    Halves values(256 * 64 * 64);
    for (std::uint16_t& v : values) {
        const float x = normal(random);
        std::uint32_t bits = 0;
        std::memcpy(&bits, &x, 4);
        const std::uint32_t exponent = bits >> 23 & 255; // float16 by cutting off; tiny ones to zero
        v = exponent < 113 ? 0
                           : static_cast<std::uint16_t>((bits >> 16 & 0x8000) | (exponent - 112) << 10 |
                                                        (bits >> 13 & 0x3ff));
    }
    double write = 1e9, read = 1e9;
    for (int i = 0; i < 5; ++i) {
        write = std::min(write, milliseconds([&] { cache.insert("a", values); }));
        read = std::min(read, milliseconds([&] { EXPECT_TRUE(cache.find("a") == values); }));
    }
    std::printf("256 x 64 x 64 float16: written in %.1f ms, read in %.1f ms, %.2f of 2 MiB\n", write, read,
                static_cast<double>(bytesIn(folder.path())) / (1 << 21));
}
