#pragma once

namespace tandem::net {

/// While it lives, LibTorch forms the products of linear layers, convolutions and matrices from bfloat16
/// factors on the calling thread ("autocast"), and keeps what needs more digits in float32. Processors with
/// AMX and GPUs form such products several times as fast. Gradients are formed outside of it, from what it
/// left. Thread: where it was made.
class MixedPrecision {
public:
    /// @param on  false: nothing happens
    MixedPrecision(bool on, bool onGpu);
    ~MixedPrecision();
    MixedPrecision(const MixedPrecision&) = delete;
    MixedPrecision& operator=(const MixedPrecision&) = delete;

    /// Whether one lives on this thread.
    static bool inForce(bool onGpu);

private:
    bool on_, onGpu_;
};

} // namespace tandem::net
