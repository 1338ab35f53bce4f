#pragma once

#include "core/usecases/segmenter.h"
#include "inference/arithmetic.h"
#include "inference/predict/embedding_budget.h"

#include <memory>

namespace tandem::service {

struct ServiceOptions {
    int threads = 0;                               ///< of LibTorch; 0: OMP_NUM_THREADS, else the machine's
    Arithmetic arithmetic = Arithmetic::Automatic; ///< of the network on the CPU
    predict::EmbeddingBudget embeddings;
};

/// Starts the inference thread, which owns the model in use. A second thread owns the sketch model, once one
/// is loaded.
///
/// Order: model files first, in turn; then the newest request; then requests of the background, oldest first;
/// then what was wished for by prefetch. Between two blocks of the network, and within milliseconds where the
/// own kernels run, the running encode looks up: it ends when its request is cancelled, when a request comes
/// and it is a prefetch or of the background, or when another model is to be opened; what was not cancelled
/// is begun again later. It goes on, however, if a waiting request (or the wishes, if none waits) needs the
/// very embedding that is being made: clicks in quick succession on one slice cost one encode. Waiting
/// requests that were cancelled are answered meanwhile. A sketch is drawn where the request wants one, the
/// sketch model is at least four times smaller than the one in use, and the slice's embedding is not there
/// yet. Destroying the service ends the running work and answers everything that waits with Cancelled.
std::unique_ptr<Segmenter> makeService(const ServiceOptions& = {});

} // namespace tandem::service
