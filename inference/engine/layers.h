#pragma once

#include "inference/kernels/attention.h"
#include "inference/kernels/elementwise.h"
#include "inference/kernels/gemm.h"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::engine {

/// Looks a float32 tensor of a state dict up by its published key; an empty span where there is none. Only
/// called while a network is built: what it returns need not live longer.
using WeightSource = std::function<std::span<const float>(std::string_view key)>;

/// A sub-tree of a state dict, addressed by prefix, and the numbers that its products are computed with.
class Keys {
public:
    explicit Keys(const WeightSource& source, std::string prefix = {},
                  kernels::Numbers numbers = kernels::Numbers::Float32)
        : source_(&source), prefix_(std::move(prefix)), numbers_(numbers) {}
    kernels::Numbers numbers() const { return numbers_; }
    /// The same sub-tree for products of high precision.
    Keys inFloat32() const { return Keys(*source_, prefix_); }
    /// Throws std::out_of_range naming the key that is missing.
    std::span<const float> operator[](std::string_view key) const;
    std::span<const float> find(std::string_view key) const { return (*source_)(prefix_ + std::string(key)); }
    Keys at(std::string_view module) const {
        return Keys(*source_, prefix_ + std::string(module) + ".", numbers_);
    }
    Keys at(std::string_view module, std::size_t index) const {
        return at(std::string(module) + "." + std::to_string(index));
    }

private:
    const WeightSource* source_;
    std::string prefix_;
    kernels::Numbers numbers_;
};

/// A linear layer (or 1x1 convolution), packed.
struct Linear {
    kernels::PackedWeights weights;
    std::vector<float> bias; ///< empty: none

    Linear() = default;
    /// `weight` and, where it is there, `bias`; the number of inputs tells the shape.
    Linear(const Keys& keys, std::size_t inputs);
    const float* biasData() const { return bias.empty() ? nullptr : bias.data(); }
    std::size_t outputs() const { return weights.outputs; }
};

/// Gain, bias and epsilon of a LayerNorm.
struct Norm {
    std::vector<float> gain, bias;
    float eps = 0;

    Norm() = default;
    Norm(const Keys& keys, double epsilon);
    kernels::RowNorm view() const { return {gain.data(), bias.data(), eps}; }
};

/// A buffer and its shape: `rows` by `columns`, rows 64 bytes further apart where that keeps them out of each
/// other's way in the cache.
class MapBuffer {
public:
    kernels::Matrix shaped(std::size_t rows, std::size_t columns) {
        const std::size_t stride = columns % 1024 ? columns : columns + 16;
        return {memory_.reserve(rows * stride), rows, columns, stride};
    }
    kernels::HalfMatrix halfShaped(std::size_t rows, std::size_t columns) {
        const std::size_t stride = columns % 1024 ? columns : columns + 32;
        return {reinterpret_cast<std::uint16_t*>(memory_.reserve((rows * stride + 1) / 2)), rows, columns,
                stride};
    }
    void release() { memory_.release(); }

private:
    kernels::FloatBuffer memory_;
};

/// What is handed to someone who watches a pass; see net::Forward.
struct Hooks {
    /// After each named part with the share of the work done; what it throws ends the pass (to cancel).
    std::function<void(std::string_view part, double done)> step;
    /// Sees intermediate maps under the names of the goldens: a row for each pixel.
    std::function<void(const std::string& name, kernels::ConstMatrix)> record;
};

} // namespace tandem::engine
