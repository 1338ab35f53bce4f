#include "core/files/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tandem {
namespace {

std::string reason() {
    return std::strerror(errno);
}

Error cannotWrite(const std::filesystem::path& path) {
    return Error{ErrorCode::FileUnwritable, "Cannot write " + path.string() + ": " + reason() + "."};
}

// A descriptor that closes itself.
struct Descriptor {
    int fd = -1;
    explicit Descriptor(int f) : fd(f) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0)
            ::close(fd);
    }
};

// Opens a plain file for reading and tells its size.
Result<std::uint64_t> openForReading(const std::filesystem::path& path, Descriptor& file) {
    file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a named pipe must not make us wait
    if (file.fd < 0)
        return errno == ENOENT
                   ? Error{ErrorCode::FileNotFound, "There is no file " + path.string() + "."}
                   : Error{ErrorCode::FileUnreadable, "Cannot read " + path.string() + ": " + reason() + "."};
    struct stat info {};
    if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode))
        return Error{ErrorCode::FileUnreadable, path.string() + " is not a file that can be read."};
    return static_cast<std::uint64_t>(info.st_size);
}

void syncFolderOf(const std::filesystem::path& path) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    const Descriptor d(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (d.fd >= 0)
        ::fsync(d.fd); // not every file system can; the rename itself already happened
}

} // namespace

Result<std::string> readFile(const std::filesystem::path& path, std::uint64_t limitBytes) {
    Descriptor file(-1);
    const auto size = openForReading(path, file);
    if (!size)
        return size.error();
    if (*size > limitBytes)
        return Error{ErrorCode::FormatUnsupported, path.string() + " is larger than " +
                                                       std::to_string(limitBytes) +
                                                       " bytes, which is too much for such a file."};
    std::string text(static_cast<std::size_t>(*size), '\0');
    std::size_t got = 0;
    while (got < text.size()) {
        const ssize_t n = ::read(file.fd, text.data() + got, text.size() - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return Error{ErrorCode::FileUnreadable, "Cannot read all of " + path.string() + "."};
        got += static_cast<std::size_t>(n);
    }
    return text;
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
    static std::atomic<unsigned> counter{0};
    AtomicFile file;
    file.path_ = path;
    file.temporary_ = path;
    file.temporary_ += ".part-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    file.descriptor_ = ::open(file.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file.descriptor_ < 0)
        return cannotWrite(path);
    return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept {
    *this = std::move(other);
}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
    if (this != &other) {
        discard();
        path_ = std::move(other.path_);
        temporary_ = std::move(other.temporary_);
        descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
}

AtomicFile::~AtomicFile() {
    discard();
}

void AtomicFile::discard() noexcept {
    if (descriptor_ < 0)
        return;
    ::close(std::exchange(descriptor_, -1));
    ::unlink(temporary_.c_str());
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannotWrite(path_);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

Result<void> AtomicFile::write(std::string_view text) {
    return write(std::as_bytes(std::span(text)));
}

Result<void> AtomicFile::commit() {
    if (::fsync(descriptor_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
        return cannotWrite(path_);
    ::close(std::exchange(descriptor_, -1));
    syncFolderOf(path_);
    return {};
}

Result<void> writeFileAtomically(const std::filesystem::path& path, std::string_view content) {
    auto file = AtomicFile::create(path);
    if (!file)
        return file.error();
    if (auto written = file->write(content); !written)
        return written;
    return file->commit();
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
    Descriptor file(-1);
    const auto size = openForReading(path, file);
    if (!size)
        return size.error();
    std::shared_ptr<MappedFile> mapped(new MappedFile);
    if (*size > 0) {
        void* data =
            ::mmap(nullptr, static_cast<std::size_t>(*size), PROT_READ | PROT_WRITE, MAP_PRIVATE, file.fd, 0);
        if (data == MAP_FAILED)
            return Error{ErrorCode::FileUnreadable, "Cannot read " + path.string() + ": " + reason() + "."};
        mapped->data_ = static_cast<const std::byte*>(data);
        mapped->size_ = static_cast<std::size_t>(*size);
    }
    return std::shared_ptr<const MappedFile>(std::move(mapped));
}

MappedFile::~MappedFile() {
    if (data_)
        ::munmap(const_cast<std::byte*>(data_), size_);
}

} // namespace tandem
