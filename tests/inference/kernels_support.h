#pragma once
// What the tests of the kernels share: matrices that lie badly and notice strangers, and every instruction
// set.

#include "inference/kernels/amx.h"
#include "inference/kernels/buffer.h"
#include "inference/kernels/gemm.h"
#include "inference/kernels/instruction_set.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

namespace tandem::kernels::test {

/// Calls body() once for each instruction set of this machine, and leaves the best in use.
template <class Body>
void forEachInstructionSet(const Body& body) {
    for (const std::string& name : availableInstructionSets()) {
        useInstructionSet(name);
        body();
    }
    useInstructionSet("");
}

/// Runs a check with products in vector registers, and once more in tile registers where there are some.
template <class Check>
void inEveryKind(const Check& check) {
    allowAmx(false);
    check();
    allowAmx(true);
    if (hasAmx())
        check();
}

/// A matrix off every boundary, with an odd stride, whose surroundings are NaN: a kernel that reads them
/// spoils its result, one that writes them is found by strangersUntouched().
class Padded {
public:
    Padded(std::size_t rows, std::size_t columns, std::size_t padding = 3)
        : rows_(rows), columns_(columns), stride_(columns + padding),
          data_(1 + (rows + 2) * stride_, poison()) {}
    static Padded random(std::size_t rows, std::size_t columns, unsigned seed, float scale = 1) {
        Padded p(rows, columns);
        std::mt19937 generator(seed);
        std::normal_distribution<float> normal(0, scale);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c)
                p.at(r, c) = normal(generator);
        return p;
    }
    float& at(std::size_t r, std::size_t c) { return data_[1 + (r + 1) * stride_ + c]; }
    float at(std::size_t r, std::size_t c) const { return data_[1 + (r + 1) * stride_ + c]; }
    Matrix view() { return {&data_[1 + stride_], rows_, columns_, stride_}; }
    ConstMatrix view() const { return {&data_[1 + stride_], rows_, columns_, stride_}; }
    const float* data() const { return &data_[1 + stride_]; }
    bool strangersUntouched() const {
        const float p = poison();
        for (std::size_t i = 0; i < data_.size(); ++i) {
            const bool inside = i > stride_ && (i - 1) / stride_ <= rows_ && (i - 1) % stride_ < columns_;
            if (!inside && std::memcmp(&data_[i], &p, sizeof p) != 0)
                return false;
        }
        return true;
    }

private:
    static float poison() { return std::nanf("7"); }
    std::size_t rows_, columns_, stride_;
    std::vector<float> data_;
};

/// Random numbers without padding, as weights lie.
inline std::vector<float> randomVector(std::size_t n, unsigned seed, float scale = 1) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0, scale);
    std::vector<float> v(n);
    for (float& x : v)
        x = normal(generator);
    return v;
}

/// Output `o` of a convolution at the result's pixel i, by loops in double precision.
/// @param weight  (outputs, channels, kernel, kernel)
inline double convolved(const Convolution& s, const Padded& image, const std::vector<float>& weight,
                        std::size_t i, std::size_t o) {
    double sum = 0;
    for (std::size_t t = 0; t < s.kernel * s.kernel; ++t) {
        const long y = long(i / s.outWidth() * s.stride + t / s.kernel) - long(s.padding);
        const long x = long(i % s.outWidth() * s.stride + t % s.kernel) - long(s.padding);
        if (y < 0 || x < 0 || y >= long(s.height) || x >= long(s.width))
            continue;
        for (std::size_t c = 0; c < s.channels; ++c)
            sum += double(image.at(std::size_t(y) * s.width + std::size_t(x), c)) *
                   weight[(o * s.channels + c) * s.kernel * s.kernel + t];
    }
    return sum;
}

inline double exactGelu(double x) {
    return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}

/// Keeps the largest of many errors; a NaN counts as infinite.
struct Worst {
    double value = 0;
    void add(double error) { value = std::isnan(error) ? INFINITY : std::max(value, std::abs(error)); }
};

} // namespace tandem::kernels::test
