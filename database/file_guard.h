#pragma once

#include "core/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace tandem {

/// "TNDM": tells a project from other SQLite files.
inline constexpr std::uint32_t projectApplicationId = 0x544e444d;

/// Keeps a project file for this process alone as long as it lives. The kernel lets go of it when the process
/// ends, however it ends, and no other file is left behind. Thread: any.
class FileGuard {
public:
    /// Locks the file and looks at its header, reading only: a file that is refused is left as it was.
    /// Errors: FileNotFound; FileUnreadable; FileUnwritable (read-only file or folder); Locked (open
    /// elsewhere); FormatInvalid (no project, truncated); FormatUnsupported (schema above `newestSchema`).
    static Result<std::unique_ptr<FileGuard>> take(const std::filesystem::path&, std::uint32_t newestSchema);

    ~FileGuard();
    FileGuard(const FileGuard&) = delete;
    FileGuard& operator=(const FileGuard&) = delete;

private:
    struct FileKey {
        std::uint64_t device = 0, inode = 0;
        friend auto operator<=>(const FileKey&, const FileKey&) = default;
    };
    class Registry;
    FileGuard(int descriptor, FileKey key) : descriptor_(descriptor), key_(key) {}
    int descriptor_;
    FileKey key_;
};

} // namespace tandem
