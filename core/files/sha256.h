#pragma once

#include "core/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace tandem {

/// SHA-256 of bytes given piece by piece (FIPS 180-4). Uses the processor's SHA instructions where it has
/// them.
class Sha256 {
public:
    void add(std::span<const std::byte>);
    /// The hash of everything added, 64 lower-case hexadecimal digits. The object is finished then.
    std::string finish();

private:
    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::byte, 64> block_{};
    std::size_t filled_ = 0;
    std::uint64_t total_ = 0;
};

std::string sha256(std::span<const std::byte>);
/// Errors: FileNotFound, FileUnreadable. Thread: any.
Result<std::string> sha256OfFile(const std::filesystem::path&);

} // namespace tandem
