#include "core/imaging/file_bytes.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t deflateBestRatio = 1032;

std::uint64_t physicalMemory() {
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size)
                                 : std::uint64_t{4} << 30;
}

std::string gigabytes(std::uint64_t bytes) {
    const std::uint64_t tenths = bytes / 100'000'000;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GB";
}

Error writeError(const fs::path& path, const std::string& reason) {
    return {ErrorCode::FileUnwritable, "Cannot write " + path.string() + ": " + reason};
}

bool writeWhole(int fd, std::span<const std::uint8_t> content) {
    while (!content.empty()) {
        const ssize_t n = ::write(fd, content.data(), std::min<std::size_t>(content.size(), 1 << 26));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        content = content.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

/// A name beside `path` that nobody else uses; hidden, so that file dialogs do not show a half-written file.
fs::path temporaryName(const fs::path& path) {
    static std::atomic<unsigned> counter{0};
    return path.parent_path() / ("." + path.filename().string() + "." + std::to_string(getpid()) + "-" +
                                 std::to_string(counter++) + ".tmp");
}

} // namespace

Error readError(ErrorCode code, const fs::path& path, const std::string& reason) {
    return {code, "Cannot read " + path.string() + ": " + reason};
}

Result<void> checkRegularFile(const fs::path& path) {
    std::error_code failed;
    const fs::file_status status = fs::status(path, failed);
    if (status.type() == fs::file_type::not_found)
        return readError(ErrorCode::FileNotFound, path, "there is no such file. Check the name.");
    if (failed)
        return readError(ErrorCode::FileUnreadable, path, failed.message() + ".");
    if (status.type() != fs::file_type::regular)
        return readError(ErrorCode::FileUnreadable, path, "it is not a file.");
    return {};
}

Result<void> checkMemory(const fs::path& path, std::uint64_t bytes) {
    const std::uint64_t limit = physicalMemory() / 2;
    if (bytes <= limit)
        return {};
    return readError(ErrorCode::OutOfMemory, path,
                     "its voxels need " + gigabytes(bytes) + " and this machine allows " + gigabytes(limit) +
                         " for one image. Crop or resample it first.");
}

void ByteSource::Close::operator()(void* file) const {
    gzclose_r(static_cast<gzFile>(file));
}

Result<ByteSource> ByteSource::open(const fs::path& path) {
    if (Result<void> regular = checkRegularFile(path); !regular)
        return regular.error();
    std::error_code failed;
    const std::uint64_t size = fs::file_size(path, failed);
    gzFile file = failed ? nullptr : gzopen(path.c_str(), "rb");
    if (!file)
        return readError(ErrorCode::FileUnreadable, path,
                         std::string(failed ? failed.message() : std::strerror(errno)) + ".");
    gzbuffer(file, 1 << 18);
    ByteSource source;
    source.path_ = path;
    source.file_.reset(file);
    source.compressed_ = gzdirect(file) == 0;
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() / deflateBestRatio;
    source.mostBytes_ = source.compressed_ ? std::min(size, most) * deflateBestRatio : size;
    return source;
}

Error ByteSource::damaged() const {
    return readError(ErrorCode::FormatInvalid, path_,
                     compressed_
                         ? "it ends too early or its compression is damaged. Copy or download it again."
                         : "it ends too early. Copy or download it again.");
}

Result<void> ByteSource::read(std::span<std::uint8_t> into) {
    while (!into.empty()) {
        const auto step = static_cast<unsigned>(std::min<std::size_t>(into.size(), 1 << 30));
        const int n = gzread(static_cast<gzFile>(file_.get()), into.data(), step);
        if (n <= 0)
            return damaged();
        into = into.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

std::size_t growthAfter(std::size_t had) {
    return std::clamp<std::size_t>(had, std::size_t{1} << 16, std::size_t{1} << 26);
}

Result<Bytes> ByteSource::readUpTo(std::size_t count) {
    Bytes bytes;
    while (bytes.size() < count) {
        const std::size_t had = bytes.size(), step = std::min(count - had, growthAfter(had));
        bytes.resize(had + step);
        const int n =
            gzread(static_cast<gzFile>(file_.get()), bytes.data() + had, static_cast<unsigned>(step));
        if (n < 0)
            return damaged();
        bytes.resize(had + static_cast<std::size_t>(n));
        if (n == 0)
            break;
    }
    return bytes;
}

Result<void> ByteSource::skip(std::uint64_t count) {
    Bytes scratch(static_cast<std::size_t>(std::min<std::uint64_t>(count, 1 << 20)));
    while (count > 0) {
        const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(count, scratch.size()));
        if (Result<void> done = read(std::span(scratch).first(step)); !done)
            return done;
        count -= step;
    }
    return {};
}

bool ByteSource::endsWell() {
    std::uint8_t one = 0;
    if (gzread(static_cast<gzFile>(file_.get()), &one, 1) < 0)
        return false;
    int state = Z_OK;
    gzerror(static_cast<gzFile>(file_.get()), &state);
    return state == Z_OK || state == Z_STREAM_END;
}

Bytes firstBytes(const fs::path& path, std::size_t count) {
    Result<ByteSource> source = ByteSource::open(path);
    if (!source)
        return {};
    Result<Bytes> bytes = source->readUpTo(count);
    return bytes ? *std::move(bytes) : Bytes{};
}

Result<Bytes> readAll(const fs::path& path, std::uint64_t limit) {
    Result<ByteSource> source = ByteSource::open(path);
    if (!source)
        return source.error();
    if (!source->compressed())
        if (Result<void> fits = checkMemory(path, source->mostBytes()); !fits)
            return fits.error();
    Result<Bytes> bytes = source->readUpTo(static_cast<std::size_t>(limit) + 1);
    if (bytes && bytes->size() > limit)
        return readError(ErrorCode::OutOfMemory, path,
                         "its content is larger than " + gigabytes(limit) + ".");
    return bytes;
}

Result<Bytes> readStored(const fs::path& path) {
    if (Result<void> regular = checkRegularFile(path); !regular)
        return regular.error();
    std::error_code failed;
    const std::uint64_t size = fs::file_size(path, failed);
    std::ifstream file(path, std::ios::binary);
    if (failed || !file)
        return readError(ErrorCode::FileUnreadable, path, "it cannot be opened. May you read it?");
    if (Result<void> fits = checkMemory(path, size); !fits)
        return fits.error();
    Bytes bytes(static_cast<std::size_t>(size));
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    return bytes;
}

Result<fs::path> writeTemporary(const fs::path& path, std::span<const std::uint8_t> content) {
    const fs::path temporary = temporaryName(path);
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return writeError(path,
                          std::string(std::strerror(errno)) + ". Choose a folder that you may write to.");
    const bool written = writeWhole(fd, content) && ::fsync(fd) == 0;
    const int reason = errno;
    const bool closed = ::close(fd) == 0;
    if (written && closed)
        return temporary;
    std::error_code ignored;
    fs::remove(temporary, ignored);
    return writeError(path, std::string(std::strerror(reason)) + ". Is the disk full?");
}

Result<void> renameDurably(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0)
        return writeError(to, std::string(std::strerror(errno)) + ".");
    const fs::path folder = to.parent_path().empty() ? fs::path(".") : to.parent_path();
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        ::fsync(fd); // a file system that cannot sync a folder has still renamed
        ::close(fd);
    }
    return {};
}

Bytes gzip(std::span<const std::uint8_t> content) {
    const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
        libdeflate_alloc_compressor(6), &libdeflate_free_compressor);
    if (!compressor)
        return {};
    Bytes out(libdeflate_gzip_compress_bound(compressor.get(), content.size()));
    out.resize(
        libdeflate_gzip_compress(compressor.get(), content.data(), content.size(), out.data(), out.size()));
    return out;
}

} // namespace tandem::imaging
