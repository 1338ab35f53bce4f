#include "inference/engine/workspace.h"

namespace tandem::engine {

void feedForward(Workspace& w, const kernels::RowNorm& norm, const Linear& first, const Linear& second,
                 kernels::Matrix x) {
    const kernels::Epilogue wide{first.biasData(), kernels::Activation::Gelu, {}},
        narrow{second.biasData(), kernels::Activation::None, x};
    if (first.weights.amx && second.weights.amx) {
        const kernels::HalfMatrix hidden = w.wide.halfShaped(x.rows, first.outputs());
        kernels::linear(w.workers, x, first.weights, wide, hidden, &norm);
        kernels::linear(w.workers, hidden, second.weights, narrow, x);
        return;
    }
    const kernels::Matrix hidden = w.wide.shaped(x.rows, first.outputs());
    kernels::linear(w.workers, x, first.weights, wide, hidden, &norm);
    kernels::linear(w.workers, hidden, second.weights, narrow, x);
}

} // namespace tandem::engine
