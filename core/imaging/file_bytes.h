#pragma once

#include "core/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tandem::imaging {

using Bytes = std::vector<std::uint8_t>;

/// "Cannot read PATH: REASON" with a code.
Error readError(ErrorCode, const std::filesystem::path&, const std::string& reason);

/// Refuses what no reader opens: a missing file, a folder, a pipe or device (which could wait forever).
Result<void> checkRegularFile(const std::filesystem::path&);

/// Refuses to ask for more memory than half of what the machine has. Error: OutOfMemory, a sentence with both
/// sizes.
Result<void> checkMemory(const std::filesystem::path&, std::uint64_t bytes);

/// By how much to let a buffer of unknown final size grow: it doubles, so that small content stays cheap.
std::size_t growthAfter(std::size_t had);

/// A plain or gzip file read front to back; gzip is recognised by its first bytes. What is asked for is
/// bounded by what the file can hold, so that a size in a header can never ask for more memory than the file
/// could fill. Thread: one at a time.
class ByteSource {
public:
    static Result<ByteSource> open(const std::filesystem::path&);

    bool compressed() const { return compressed_; }
    /// The most bytes that the content can have: the file's size, or 1032 times it for gzip (deflate's best
    /// ratio).
    std::uint64_t mostBytes() const { return mostBytes_; }
    /// Fills the span. Error: FormatInvalid when the file ends before or its compression is damaged.
    Result<void> read(std::span<std::uint8_t> into);
    /// As many bytes as there are, at most `count`; shorter only at the end of the file.
    Result<Bytes> readUpTo(std::size_t count);
    Result<void> skip(std::uint64_t count);
    /// Whether the rest, if nothing is left, ends well (gzip's checksum). True when more content follows.
    bool endsWell();

private:
    struct Close {
        void operator()(void* file) const;
    };
    ByteSource() = default;
    Error damaged() const;

    std::filesystem::path path_;
    std::unique_ptr<void, Close> file_;
    std::uint64_t mostBytes_ = 0;
    bool compressed_ = false;
};

/// The first bytes of a file (decompressed if gzip), at most `count`. Empty if it cannot be read.
Bytes firstBytes(const std::filesystem::path&, std::size_t count);

/// A whole file (decompressed if gzip). Error: also OutOfMemory when the content is larger than `limit`
/// bytes.
Result<Bytes> readAll(const std::filesystem::path&, std::uint64_t limit);

/// A whole file as it is stored, even if that is gzip. Error: also OutOfMemory.
Result<Bytes> readStored(const std::filesystem::path&);

/// Writes a file so that it is there whole or not at all: a new name in the same folder, fsync, `check` of
/// the new file by its name, rename, fsync of the folder. Error: FileUnwritable; or the error of `check`.
/// Nothing is left behind.
template <class Check>
Result<void> writeAtomically(const std::filesystem::path&, std::span<const std::uint8_t> content,
                             Check&& check);

/// Parts of writeAtomically. @return the temporary name.
Result<std::filesystem::path> writeTemporary(const std::filesystem::path&,
                                             std::span<const std::uint8_t> content);
Result<void> renameDurably(const std::filesystem::path& from, const std::filesystem::path& to);

template <class Check>
Result<void> writeAtomically(const std::filesystem::path& path, std::span<const std::uint8_t> content,
                             Check&& check) {
    Result<std::filesystem::path> temporary = writeTemporary(path, content);
    if (!temporary)
        return temporary.error();
    Result<void> done = check(*temporary);
    if (done)
        done = renameDurably(*temporary, path);
    if (!done) {
        std::error_code ignored;
        std::filesystem::remove(*temporary, ignored);
    }
    return done;
}

/// The content as one gzip member. Empty if memory is lacking.
Bytes gzip(std::span<const std::uint8_t> content);

} // namespace tandem::imaging
