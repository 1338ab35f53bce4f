#pragma once

#include "inference/checkpoint/state_dict.h"
#include "inference/network/config.h"

#include <cstdint>
#include <memory>
#include <span>

namespace tandem::fuzz {

/// Reads a state dict as a model file is read: weights, then the network that they belong to. A refusal must
/// come in words.
inline void readWeights(std::span<const std::byte> bytes) {
    static const std::shared_ptr<const void> mapped = std::make_shared<int>(0); // views, as of a mapped file
    const auto dict = checkpoint::parseStateDict(bytes, "input", mapped);
    if (!dict) {
        if (dict.error().sentence.empty())
            __builtin_trap();
        return;
    }
    net::ShapeList shapes;
    for (const auto& [key, tensor] : dict->tensors)
        shapes.emplace_back(key, tensor.sizes().vec());
    const auto config = net::recogniseConfig(shapes);
    if (config)
        (void)net::layoutOf(*config);
}

} // namespace tandem::fuzz
