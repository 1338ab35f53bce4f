#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::predict {

/// XXH64 of bytes. Source: Y. Collet, "xxHash fast digest algorithm", XXH64 with seed 0. Pure.
std::uint64_t xxHash64(std::span<const std::byte>);

/// One entry of the disk cache as the bytes of a file: a header, the key in full, float16 values (their low
/// and high bytes apart, and compressed where zstd was built in) and a checksum over all of it.
std::string packEntry(std::string_view key, std::span<const std::uint16_t> halves);
/// The values of an entry; nothing if a byte of it is damaged or missing, or it belongs to another key. Any
/// bytes are safe. Pure.
std::optional<std::vector<std::uint16_t>> unpackEntry(std::span<const std::byte> file, std::string_view key);

/// Embeddings that outlive the program, in a folder of the user's cache: one file for each. The folder may be
/// deleted at any time, and several programs may use it at once. A file appears under its name complete
/// (temporary name, rename); what a crash or the disk has damaged is noticed by its checksum, dropped without
/// a word and made anew. Nothing here fails: a cache that cannot be used is an empty one. Thread: any.
class DiskCache {
public:
    /// @param budgetBytes  what the files may take together; those longest unused go first
    DiskCache(std::filesystem::path folder, std::int64_t budgetBytes)
        : folder_(std::move(folder)), budget_(budgetBytes) {}

    /// The values kept under a key, as float16; counts as a use.
    std::optional<std::vector<std::uint16_t>> find(std::string_view key) const;
    /// Whether there is a file for the key (it may turn out damaged).
    bool contains(std::string_view key) const;
    /// Keeps values; makes room first. An entry larger than the budget is not kept.
    void insert(std::string_view key, std::span<const std::uint16_t> halves) const;

private:
    std::filesystem::path fileOf(std::string_view key) const;
    void makeRoom(std::int64_t bytes) const;

    std::filesystem::path folder_;
    std::int64_t budget_;
};

} // namespace tandem::predict
