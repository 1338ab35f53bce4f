#include "inference/engine/layers.h"

#include <stdexcept>

namespace tandem::engine {

std::span<const float> Keys::operator[](std::string_view key) const {
    const auto found = find(key);
    if (found.empty())
        throw std::out_of_range("The weight '" + prefix_ + std::string(key) + "' is missing.");
    return found;
}

Linear::Linear(const Keys& keys, std::size_t inputs) {
    const auto weight = keys["weight"], b = keys.find("bias");
    weights = kernels::packWeights(weight.data(), weight.size() / inputs, inputs, 0, keys.numbers());
    bias.assign(b.begin(), b.end());
}

Norm::Norm(const Keys& keys, double epsilon) : eps(static_cast<float>(epsilon)) {
    const auto g = keys["weight"], b = keys["bias"];
    gain.assign(g.begin(), g.end());
    bias.assign(b.begin(), b.end());
}

} // namespace tandem::engine
