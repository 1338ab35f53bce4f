#include "inference/kernels/buffer.h"

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tandem::kernels::memory {
namespace {

constexpr std::size_t kLine = 64;
std::size_t roundUp(std::size_t n, std::size_t step) {
    return (n + step - 1) / step * step;
}

#if defined(__linux__)
constexpr std::size_t kLarge = std::size_t{1} << 20; // from here on from the system
constexpr std::size_t kPage = std::size_t{2} << 20;

// A mapping that begins on a large page's boundary; what was mapped before and behind it goes back.
void* mapped(std::size_t bytes) {
    void* raw = mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED)
        throw std::bad_alloc();
    char* start = static_cast<char*>(raw);
    const std::size_t before =
        roundUp(reinterpret_cast<std::uintptr_t>(raw), kPage) - reinterpret_cast<std::uintptr_t>(raw);
    if (before > 0)
        munmap(start, before);
    if (before < kPage)
        munmap(start + before + bytes, kPage - before);
    madvise(start + before, bytes, MADV_HUGEPAGE);
    return start + before;
}
#endif

} // namespace

void* take(std::size_t bytes) {
#if defined(__linux__)
    if (bytes >= kLarge)
        return mapped(roundUp(bytes, kPage));
#endif
    void* p = std::aligned_alloc(kLine, roundUp(bytes, kLine));
    if (!p)
        throw std::bad_alloc();
    return p;
}

void giveBack(void* p, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__)
    if (p && bytes >= kLarge) {
        munmap(p, roundUp(bytes, kPage));
        return;
    }
#endif
    std::free(p);
}

} // namespace tandem::kernels::memory
