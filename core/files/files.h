#pragma once

#include "core/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tandem {

/// Reads a whole file. Errors: FileNotFound, FileUnreadable, FormatUnsupported if larger than the limit.
/// Thread: any.
Result<std::string> readFile(const std::filesystem::path&, std::uint64_t limitBytes = std::uint64_t{1} << 30);

/// A file that appears under its name complete or not at all: temporary name beside it, fsync, rename.
/// Dropping it without commit() leaves nothing behind and the old file as it was. Thread: one at a time.
class AtomicFile {
public:
    /// Error: FileUnwritable.
    static Result<AtomicFile> create(const std::filesystem::path&);
    AtomicFile(AtomicFile&&) noexcept;
    AtomicFile& operator=(AtomicFile&&) noexcept;
    ~AtomicFile();

    /// Appends. Error: FileUnwritable (a full disk says so).
    Result<void> write(std::span<const std::byte>);
    Result<void> write(std::string_view);
    /// Makes the file durable and visible; nothing more can be written. Error: FileUnwritable.
    Result<void> commit();

private:
    AtomicFile() = default;
    void discard() noexcept;
    std::filesystem::path path_, temporary_;
    int descriptor_ = -1;
};

/// Writes a whole file through AtomicFile. Error: FileUnwritable.
Result<void> writeFileAtomically(const std::filesystem::path&, std::string_view content);

/// A mapped file; the bytes live as long as the object and are private to this process (who writes to them by
/// a cast changes no file). A file that another program shortens while
/// it is mapped is outside what this can guard against. Thread: any, immutable.
class MappedFile {
public:
    /// Errors: FileNotFound, FileUnreadable (a folder, too).
    static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path&);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::span<const std::byte> bytes() const { return {data_, size_}; }

private:
    MappedFile() = default;
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace tandem
