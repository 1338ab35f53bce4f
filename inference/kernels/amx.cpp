#include "inference/kernels/amx.h"

#include "inference/kernels/bfloat16.h"

#include <algorithm>
#include <atomic>

// As in bfloat16.cpp: intrinsics, in functions of their own target.
#if defined(__x86_64__) && defined(__linux__) && (defined(__GNUC__) || defined(__clang__))
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define TANDEM_HAS_AMX 1
#define TANDEM_AMX __attribute__((target("amx-tile,amx-bf16")))
#endif

namespace tandem::kernels {
namespace {

std::atomic<bool> allowed{true};

} // namespace

void allowAmx(bool on) {
    allowed = on;
}

#ifdef TANDEM_HAS_AMX
namespace {

// Registers 0..3: C (top left, top right, bottom left, bottom right), 4 and 5: A, 6 and 7: B.
struct alignas(64) TileConfig {
    std::uint8_t palette = 1, startRow = 0, reserved[14] = {};
    std::uint16_t rowBytes[16] = {};
    std::uint8_t rows[16] = {};
};

// The compiler does not know that the tile instructions read memory: what was stored must be there.
inline void settleMemory(const void* read) {
    asm volatile("" : : "r"(read) : "memory");
}

// Linux gives a process the room that tile data take in its signal frames when it asks.
bool mayUseTileData() {
    constexpr long requestPermission = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

TANDEM_AMX void setUp(std::size_t rows) {
    TileConfig config;
    const auto top = static_cast<std::uint8_t>(std::min<std::size_t>(rows, 16));
    // A register without rows must not be used; one that is not used may have any.
    const auto bottom = static_cast<std::uint8_t>(rows > 16 ? rows - 16 : 16);
    for (int i = 0; i < 8; ++i)
        config.rowBytes[i] = 64;
    for (const int i : {0, 1, 4})
        config.rows[i] = top;
    for (const int i : {2, 3, 5})
        config.rows[i] = bottom;
    for (const int i : {6, 7})
        config.rows[i] = 16;
    settleMemory(&config);
    _tile_loadconfig(&config);
}

TANDEM_AMX void multiplyUpTo16(const std::uint32_t* a, std::size_t rowStep, std::size_t depthStep,
                               const std::uint32_t* b, std::size_t words, float* c, std::size_t cStep,
                               bool accumulate) {
    const std::size_t aBytes = rowStep * 4, cBytes = cStep * 4;
    if (accumulate) {
        _tile_loadd(0, c, cBytes);
        _tile_loadd(1, c + 16, cBytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
    }
    for (std::size_t k = 0; k < words; k += kAmxWords, a += depthStep) {
        _tile_loadd(4, a, aBytes);
        _tile_loadd(6, b + k * kAmxWidth, kAmxWidth * 4);
        _tile_loadd(7, b + k * kAmxWidth + 16, kAmxWidth * 4);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
    }
    _tile_stored(0, c, cBytes);
    _tile_stored(1, c + 16, cBytes);
}

TANDEM_AMX void multiplyUpTo32(const std::uint32_t* a, std::size_t rowStep, std::size_t depthStep,
                               const std::uint32_t* b, std::size_t words, float* c, std::size_t cStep,
                               bool accumulate) {
    const std::size_t aBytes = rowStep * 4, cBytes = cStep * 4;
    float* below = c + 16 * cStep;
    if (accumulate) {
        _tile_loadd(0, c, cBytes);
        _tile_loadd(1, c + 16, cBytes);
        _tile_loadd(2, below, cBytes);
        _tile_loadd(3, below + 16, cBytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (std::size_t k = 0; k < words; k += kAmxWords, a += depthStep) {
        _tile_loadd(4, a, aBytes);
        _tile_loadd(6, b + k * kAmxWidth, kAmxWidth * 4);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b + k * kAmxWidth + 16, kAmxWidth * 4);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a + 16 * rowStep, aBytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, cBytes);
    _tile_stored(1, c + 16, cBytes);
    _tile_stored(2, below, cBytes);
    _tile_stored(3, below + 16, cBytes);
}

TANDEM_AMX void release() {
    _tile_release();
}

bool processorHasAmx() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned both = 1u << 22 | 1u << 24; // AMX-BF16 and AMX-TILE, of edx of leaf 7
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & both) == both;
}

} // namespace

bool hasAmx() {
    static const bool usable = __builtin_cpu_supports("avx512bf16") && processorHasAmx() && mayUseTileData();
    return usable && allowed && hasBfloat16();
}

AmxTile::~AmxTile() {
    if (rows_ > 0)
        release();
}

void AmxTile::multiply(const AmxLeft& a, const std::uint32_t* b, std::size_t words, float* c,
                       std::size_t cStep, std::size_t rows, bool accumulate) {
    if (rows != rows_)
        setUp(rows);
    rows_ = rows;
    settleMemory(a.words);
    if (rows > 16)
        multiplyUpTo32(a.words, a.rowStep, a.depthStep, b, words, c, cStep, accumulate);
    else
        multiplyUpTo16(a.words, a.rowStep, a.depthStep, b, words, c, cStep, accumulate);
}

#else

bool hasAmx() {
    return false;
}
AmxTile::~AmxTile() = default;
void AmxTile::multiply(const AmxLeft&, const std::uint32_t*, std::size_t, float*, std::size_t, std::size_t,
                       bool) {}

#endif

} // namespace tandem::kernels
