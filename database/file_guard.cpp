#include "database/file_guard.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <string>

namespace tandem {
namespace {

using Header = std::array<std::uint8_t, 100>; // https://www.sqlite.org/fileformat.html, 1.3

std::uint32_t bigEndian(const Header& h, std::size_t at) {
    return static_cast<std::uint32_t>(h[at]) << 24 | static_cast<std::uint32_t>(h[at + 1]) << 16 |
           static_cast<std::uint32_t>(h[at + 2]) << 8 | h[at + 3];
}

std::string quoted(const std::filesystem::path& path) {
    return "\"" + path.string() + "\"";
}

Error lockedBy(const std::filesystem::path& path) {
    return {ErrorCode::Locked,
            "The project " + quoted(path) + " is open in another Tandem. Close it there, then open it here."};
}

Result<void> checkHeader(const std::filesystem::path& path, const Header& h, std::int64_t fileSize,
                         std::uint32_t newestSchema) {
    if (std::memcmp(h.data(), "SQLite format 3", 16) != 0 || bigEndian(h, 68) != projectApplicationId)
        return Error{ErrorCode::FormatInvalid, quoted(path) + " is not a Tandem project."};
    if (bigEndian(h, 60) > newestSchema)
        return Error{ErrorCode::FormatUnsupported,
                     "The project " + quoted(path) + " was made by a newer Tandem (schema " +
                         std::to_string(bigEndian(h, 60)) + "; this one knows " +
                         std::to_string(newestSchema) +
                         "). Update Tandem to open it; the file was left as it is."};
    const std::int64_t pageSize = h[16] == 0 && h[17] == 1 ? 65536 : h[16] * 256 + h[17];
    const bool countIsValid = bigEndian(h, 24) == bigEndian(h, 92);
    if (countIsValid && fileSize < pageSize * static_cast<std::int64_t>(bigEndian(h, 28)))
        return Error{ErrorCode::FormatInvalid,
                     "The project " + quoted(path) + " is cut short: " + std::to_string(fileSize) + " of " +
                         std::to_string(pageSize * static_cast<std::int64_t>(bigEndian(h, 28))) +
                         " bytes are there. Take a backup copy of it; this file was left as it is."};
    return {};
}

} // namespace

// The files that this process holds. Closing any descriptor of a file drops SQLite's own locks on it (POSIX),
// so a second opener inside the process must be turned away before it opens one.
class FileGuard::Registry {
public:
    static Registry& instance() {
        static Registry registry;
        return registry;
    }
    bool add(FileKey key) {
        const std::lock_guard lock(mutex_);
        return held_.insert(key).second;
    }
    void remove(FileKey key) {
        const std::lock_guard lock(mutex_);
        held_.erase(key);
    }

private:
    std::mutex mutex_;
    std::set<FileKey> held_;
};

Result<std::unique_ptr<FileGuard>> FileGuard::take(const std::filesystem::path& path,
                                                   std::uint32_t newestSchema) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0)
        return Error{ErrorCode::FileNotFound, "There is no project " + quoted(path) + "."};
    if (!S_ISREG(info.st_mode))
        return Error{ErrorCode::FormatInvalid,
                     quoted(path) + " is not a file, so it is not a Tandem project."};
    const FileKey key{info.st_dev, info.st_ino};
    if (!Registry::instance().add(key))
        return lockedBy(path);
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    std::unique_ptr<FileGuard> guard(new FileGuard(descriptor, key)); // gives all back when refused below
    if (descriptor < 0)
        return Error{ErrorCode::FileUnreadable,
                     "The project " + quoted(path) + " cannot be read: " + std::strerror(errno) + "."};
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        return lockedBy(path);
    Header header{};
    if (::pread(descriptor, header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()))
        return Error{ErrorCode::FormatInvalid, quoted(path) + " is not a Tandem project (it is too short)."};
    if (Result<void> ours = checkHeader(path, header, info.st_size, newestSchema); !ours)
        return ours.error();
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (::access(path.c_str(), W_OK) != 0 || ::access(folder.c_str(), W_OK) != 0)
        return Error{ErrorCode::FileUnwritable,
                     "The project " + quoted(path) +
                         " or its folder is read-only, so nothing drawn could be kept. "
                         "Copy it to a folder of your own."};
    return guard;
}

FileGuard::~FileGuard() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
    Registry::instance().remove(key_);
}

} // namespace tandem
