#pragma once

namespace tandem {

/// LibTorch asks for and returns hundreds of megabytes per block. By default glibc gives each such piece back
/// to the kernel and faults it in again; kept instead, a large encoder runs about a quarter faster. The one
/// arena is needed because others cannot hold pieces beyond 64 MB. For the whole process; called before
/// threads that use LibTorch start.
/// @param loaders  threads that ask for many smaller pieces; several get arenas of their own, or they would
/// wait for each other
void keepLargePieces(int loaders = 1);

/// How many threads the network uses where nobody said otherwise: OMP_NUM_THREADS, else the machine's.
int defaultThreads();

} // namespace tandem
