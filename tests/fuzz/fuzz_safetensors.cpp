// safetensors files: header, weights and metadata.
#include "inference/checkpoint/pth.h"
#include "tests/fuzz/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    if (!tandem::checkpoint::looksLikePth(bytes))
        tandem::fuzz::readWeights(bytes);
    return 0;
}
