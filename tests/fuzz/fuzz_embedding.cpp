// Entries of the embedding cache on disk. The checksum would hide the reader from the fuzzer, so it is set
// right first.
#include "inference/predict/disk_cache.h"

#include <cstring>
#include <vector>

using namespace tandem::predict;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> file(size);
    if (size == 0)
        return 0;
    std::memcpy(file.data(), data, size);
    (void)unpackEntry(file, "key");
    if (size < 8)
        return 0;
    const std::uint64_t check = xxHash64(std::span(file).first(size - 8));
    std::memcpy(file.data() + size - 8, &check, 8);
    const auto halves = unpackEntry(file, "key");
    if (!halves)
        return 0;
    const std::string again = packEntry("key", *halves);
    if (unpackEntry(std::as_bytes(std::span(again)), "key") != halves)
        __builtin_trap(); // what was read must come back when it is written
    return 0;
}
