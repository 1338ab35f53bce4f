#include "inference/predict/disk_cache.h"

#include "core/files/files.h"
#include "core/files/sha256.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>

namespace tandem::predict {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kAbandoned = 1h; // a temporary file of this age belongs to a program that was killed
constexpr std::string_view kEnding = ".embedding", kTemporary = ".part";

struct Entry {
    fs::path path;
    fs::file_time_type used;
    std::int64_t bytes = 0;
};

// The cache's own files in a folder; what cannot be looked at is left out (another program removed it).
std::vector<Entry> entriesOf(const fs::path& folder) {
    std::vector<Entry> out;
    std::error_code failed;
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
        const std::string ending = it->path().extension().string();
        if (ending != kEnding && ending != kTemporary)
            continue;
        std::error_code gone;
        const auto used = it->last_write_time(gone);
        const auto bytes = gone ? 0 : it->file_size(gone);
        if (!gone)
            out.push_back({it->path(), used, static_cast<std::int64_t>(bytes)});
    }
    return out;
}

// A name of its own for this program and call.
fs::path temporaryBeside(const fs::path& file) {
    static std::atomic<unsigned> counter{0};
    return file.string() + "." + std::to_string(::getpid()) + "-" + std::to_string(++counter) +
           std::string(kTemporary);
}

bool writeWhole(const fs::path& to, std::string_view content) {
    std::ofstream file(to, std::ios::binary | std::ios::trunc);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    return file.good();
}

} // namespace

fs::path DiskCache::fileOf(std::string_view key) const {
    return folder_ / (sha256(std::as_bytes(std::span(key))).substr(0, 40) + std::string(kEnding));
}

bool DiskCache::contains(std::string_view key) const {
    std::error_code failed;
    return fs::exists(fileOf(key), failed);
}

std::optional<std::vector<std::uint16_t>> DiskCache::find(std::string_view key) const {
    const fs::path path = fileOf(key);
    // Read, not mapped: a file that another program cuts off must not end this one.
    const auto content = readFile(path, static_cast<std::uint64_t>(budget_));
    if (!content)
        return std::nullopt;
    auto halves = unpackEntry(std::as_bytes(std::span(*content)), key);
    std::error_code failed;
    if (halves)
        fs::last_write_time(path, fs::file_time_type::clock::now(), failed);
    else
        fs::remove(path, failed);
    return halves;
}

void DiskCache::insert(std::string_view key, std::span<const std::uint16_t> halves) const {
    const std::string content = packEntry(key, halves);
    const auto bytes = static_cast<std::int64_t>(content.size());
    if (bytes > budget_)
        return;
    std::error_code failed;
    fs::create_directories(folder_, failed);
    makeRoom(bytes);
    const fs::path path = fileOf(key), temporary = temporaryBeside(path);
    // No fsync: after a power failure the checksum tells, and the embedding is made anew.
    if (writeWhole(temporary, content))
        fs::rename(temporary, path, failed);
    fs::remove(temporary, failed); // where that did not work
}

void DiskCache::makeRoom(std::int64_t bytes) const {
    std::vector<Entry> entries = entriesOf(folder_);
    std::error_code failed;
    const auto now = fs::file_time_type::clock::now();
    for (const Entry& e : entries)
        if (e.path.extension() == kTemporary && now - e.used > kAbandoned)
            fs::remove(e.path, failed);
    std::erase_if(entries, [](const Entry& e) { return e.path.extension() == kTemporary; });
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
    std::int64_t total = bytes;
    for (const Entry& e : entries)
        total += e.bytes;
    for (auto oldest = entries.begin(); oldest != entries.end() && total > budget_; ++oldest) {
        fs::remove(oldest->path, failed);
        total -= oldest->bytes;
    }
}

} // namespace tandem::predict
