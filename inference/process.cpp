#include "inference/process.h"

#include <malloc.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <thread>

namespace tandem {

void keepLargePieces(int loaders) {
    mallopt(M_ARENA_MAX, loaders > 1 ? loaders + 1 : 1);
    mallopt(M_MMAP_MAX, 0); // a high M_MMAP_THRESHOLD is refused beyond 32 MB
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 64 << 20);
}

int defaultThreads() {
    if (const char* asked = std::getenv("OMP_NUM_THREADS"))
        if (const int n = std::atoi(asked); n > 0)
            return n;
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

} // namespace tandem
