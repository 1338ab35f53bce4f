#pragma once

#include "core/usecases/segmenter.h"
#include "inference/arithmetic.h"

#include <cstdint>
#include <memory>

namespace tandem::service {

struct ServiceOptions {
    int threads = 0; ///< of LibTorch; 0: OMP_NUM_THREADS, else the machine's
    std::int64_t embeddingBytes = std::int64_t{512} << 20; ///< budget of the embedding cache
    Arithmetic arithmetic = Arithmetic::Automatic;         ///< of the encoder on the CPU
};

/// Starts the inference thread: the one thread in which LibTorch runs.
///
/// Order: model files first, in turn; then the newest request; when nothing else waits, the newest prefetch.
/// A running prefetch gives way to a request between two blocks of the network. Stop tokens are looked at
/// between blocks, those of waiting requests too, so that they are answered while a slow encode runs.
/// Destroying the service ends the running work at the next block and answers everything that waits with
/// Cancelled.
std::unique_ptr<Segmenter> makeService(const ServiceOptions& = {});

/// LibTorch asks for and returns hundreds of megabytes per block. By default glibc gives each such piece back
/// to the kernel and faults it in again; kept instead, a large encoder runs about a quarter faster. The one
/// arena is needed because others cannot hold pieces beyond 64 MB. For the whole process; called before
/// inference threads start.
void keepLargePieces();

/// How many threads a service uses by default.
int defaultThreads();

} // namespace tandem::service
