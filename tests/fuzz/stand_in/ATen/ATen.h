#pragma once
// Stands in for LibTorch in the fuzzers: its headers do not compile with clang 14 as C++20, and its own code
// could not be watched by the sanitizers anyway. Just what the checkpoint readers use, with one more check: a
// view that leaves its storage ends the program.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

namespace at {

enum class ScalarType { Bool, Byte, Char, Short, Half, BFloat16, Int, Float, Long, Double };
constexpr auto kBool = ScalarType::Bool, kByte = ScalarType::Byte, kChar = ScalarType::Char,
               kShort = ScalarType::Short, kHalf = ScalarType::Half, kBFloat16 = ScalarType::BFloat16,
               kInt = ScalarType::Int, kFloat = ScalarType::Float, kLong = ScalarType::Long,
               kDouble = ScalarType::Double;

inline std::size_t sizeOf(ScalarType t) {
    constexpr std::size_t sizes[] = {1, 1, 1, 2, 2, 2, 4, 4, 8, 8};
    return sizes[static_cast<std::size_t>(t)];
}

class TensorOptions {
public:
    TensorOptions dtype(ScalarType t) const {
        TensorOptions out;
        out.type = t;
        return out;
    }
    ScalarType type = kFloat;
};

struct Sizes {
    std::vector<std::int64_t> values;
    const std::vector<std::int64_t>& vec() const { return values; }
};

class Tensor {
public:
    Tensor() = default;
    Tensor(std::vector<std::int64_t> shape, ScalarType type) : shape_{std::move(shape)}, type_(type) {
        std::int64_t n = 1;
        for (const std::int64_t s : shape_.values)
            if (s < 0 || __builtin_mul_overflow(n, s, &n) || n > (std::int64_t{1} << 40))
                throw std::runtime_error("a size that LibTorch refuses");
        count_ = static_cast<std::size_t>(n);
        data_.resize(count_ * sizeOf(type));
    }

    ScalarType scalar_type() const { return type_; }
    const Sizes& sizes() const { return shape_; }
    std::size_t nbytes() const { return data_.size(); }
    void* data_ptr() { return data_.data(); }
    const void* data_ptr() const { return data_.data(); }
    bool is_contiguous() const { return true; }
    bool is_cuda() const { return false; }
    Tensor contiguous() const { return *this; }

    /// The elements of a view, gathered.
    Tensor as_strided(const std::vector<std::int64_t>& sizes,
                      const std::vector<std::int64_t>& strides) const {
        if (sizes.size() != strides.size())
            __builtin_trap();
        Tensor out(sizes, type_);
        const std::size_t size = sizeOf(type_);
        std::vector<std::int64_t> at(sizes.size(), 0);
        for (std::size_t i = 0; i < out.count_; ++i) {
            const std::int64_t from =
                std::inner_product(at.begin(), at.end(), strides.begin(), std::int64_t{0});
            if (from < 0 || static_cast<std::size_t>(from) >= count_)
                __builtin_trap();
            std::memcpy(&out.data_[i * size], &data_[static_cast<std::size_t>(from) * size], size);
            for (std::size_t d = at.size(); d-- > 0 && ++at[d] == sizes[d];)
                at[d] = 0;
        }
        return out;
    }

private:
    Sizes shape_;
    ScalarType type_ = kFloat;
    std::size_t count_ = 0;
    std::vector<std::byte> data_;
};

inline Tensor empty(const std::vector<std::int64_t>& shape, const TensorOptions& options) {
    return {shape, options.type};
}

/// Copies, so that the sanitizers see every byte read that a view would reach.
template <class Release>
Tensor from_blob(void* data, const std::vector<std::int64_t>& shape, Release&& release,
                 const TensorOptions& options) {
    Tensor out(shape, options.type);
    if (out.nbytes() > 0)
        std::memcpy(out.data_ptr(), data, out.nbytes());
    release(data);
    return out;
}

} // namespace at
