#pragma once

#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::checkpoint {

/// The members of a ZIP archive that are stored without compression, as PyTorch writes them (zip64 too).
/// Every offset and size has been checked against the archive. The bytes belong to the caller.
class ZipArchive {
public:
    struct Member {
        std::string name;
        std::span<const std::byte> bytes;
    };

    /// @param name  of the file, for sentences
    /// Errors: FormatInvalid (truncated, damaged), FormatUnsupported (compressed or encrypted members).
    static Result<ZipArchive> parse(std::span<const std::byte>, const std::string& name);

    const std::vector<Member>& members() const { return members_; }
    /// The first member whose name ends so, or nullptr.
    const Member* findEnding(std::string_view ending) const;

private:
    std::vector<Member> members_;
};

} // namespace tandem::checkpoint
