#include "inference/kernels/gemm.h"
#include "tests/inference/kernels_support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

using namespace tandem::kernels;
using namespace tandem::kernels::test;

namespace {

double activated(Activation a, double x) {
    return a == Activation::Relu ? std::max(x, 0.0) : a == Activation::Gelu ? exactGelu(x) : x;
}

// A linear layer in double precision, and how far float32 may be from it.
struct Expected {
    double value = 0, bound = 0;
};
Expected plainLinear(const Padded& left, const std::vector<double>& row, const std::vector<float>& weight,
                     std::size_t r, std::size_t o, const float* bias, Activation activation,
                     const Padded* residual) {
    double sum = bias ? bias[o] : 0, size = std::abs(sum);
    for (std::size_t k = 0; k < row.size(); ++k) {
        sum += row[k] * weight[o * row.size() + k];
        size += std::abs(row[k] * weight[o * row.size() + k]);
    }
    const double extra = residual ? residual->at(r, o) : 0;
    (void)left;
    // Rounding of the products (plain worst case would be k * 6e-8), of GELU and of the last sum.
    const double bound = 6e-8 * (2 * std::sqrt(static_cast<double>(row.size())) + 4) * size +
                         4e-7 * std::max(1.0, std::abs(sum)) + 1.2e-7 * std::abs(extra);
    return {activated(activation, sum) + extra, bound};
}

std::vector<double> rowOf(const Padded& m, std::size_t r, std::size_t n, const RowNorm* norm) {
    std::vector<double> row(n);
    double mean = 0, var = 0;
    for (std::size_t c = 0; c < n; ++c)
        mean += (row[c] = m.at(r, c)) / static_cast<double>(n);
    for (double x : row)
        var += (x - mean) * (x - mean) / static_cast<double>(n);
    if (norm)
        for (std::size_t c = 0; c < n; ++c)
            row[c] = (row[c] - mean) / std::sqrt(var + norm->eps) * norm->gain[c] + norm->bias[c];
    return row;
}

void checkLinear(Workers& workers, std::size_t rows, std::size_t outputs, std::size_t inputs,
                 Activation activation, bool withBias, bool withResidual, bool withNorm) {
    const Padded left = Padded::random(rows, inputs, 1);
    const auto weight = randomVector(outputs * inputs, 2, 0.5f), bias = randomVector(outputs, 3);
    const auto gain = randomVector(inputs, 4), shift = randomVector(inputs, 5);
    const Padded residual = Padded::random(rows, outputs, 6);
    Padded result(rows, outputs, 5);
    const RowNorm norm{gain.data(), shift.data(), 1e-6f};
    const Epilogue epilogue{withBias ? bias.data() : nullptr, activation,
                            withResidual ? residual.view() : ConstMatrix{}};
    const PackedWeights packed = packWeights(weight.data(), outputs, inputs);
    linear(workers, left.view(), packed, epilogue, result.view(), withNorm ? &norm : nullptr);
    EXPECT_TRUE(result.strangersUntouched());
    Worst worst;
    for (std::size_t r = 0; r < rows; ++r) {
        const auto row = rowOf(left, r, inputs, withNorm ? &norm : nullptr);
        for (std::size_t o = 0; o < outputs; ++o) {
            const Expected e = plainLinear(left, row, weight, r, o, epilogue.bias, activation,
                                           withResidual ? &residual : nullptr);
            worst.add((result.at(r, o) - e.value) / e.bound);
        }
    }
    EXPECT_LE(worst.value, 1.0) << instructionSet() << " " << rows << "x" << outputs << "x" << inputs;
}

} // namespace

TEST(Workers, Run_ManyTasks_CallsEachOnce) {
    Workers workers(4);
    for (std::size_t tasks : {0u, 1u, 2u, 3u, 1000u}) {
        std::vector<std::atomic<int>> calls(tasks);
        workers.run(tasks, [&](std::size_t t, int) { ++calls[t]; });
        for (const auto& c : calls)
            EXPECT_EQ(c.load(), 1);
    }
}

TEST(Workers, Run_TaskThrows_CallerSeesItAndNextRunWorks) {
    Workers workers(3);
    bool caught = false;
    try {
        workers.run(100, [](std::size_t t, int) {
            if (t == 37)
                throw std::runtime_error("37");
        });
    } catch (const std::runtime_error& e) {
        caught = std::string(e.what()) == "37";
    }
    EXPECT_TRUE(caught);
    std::atomic<int> calls = 0;
    workers.run(100, [&](std::size_t, int) { ++calls; });
    EXPECT_EQ(calls.load(), 100);
}

TEST(Gemm, Linear_SizesAroundTiles_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (std::size_t rows : {1u, 5u, 6u, 7u, 13u, 14u, 15u, 29u})
            for (std::size_t outputs : {1u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 32u, 33u, 70u})
                for (std::size_t inputs : {1u, 3u, 16u, 37u})
                    checkLinear(workers, rows, outputs, inputs, Activation::None, false, false, false);
    });
}

TEST(Gemm, Linear_SeveralDepthAndRowBlocks_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        checkLinear(workers, 131, 40, 385, Activation::None, true, true, true); // two blocks of 193 on AVX2
        checkLinear(workers, 31, 33, 1601, Activation::Gelu, true, true, true);
        checkLinear(workers, 250, 65, 64, Activation::Relu, true, false, false);
    });
}

TEST(Gemm, Linear_EveryEpilogueAndNorm_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (Activation a : {Activation::None, Activation::Relu, Activation::Gelu})
            for (int flags = 0; flags < 8; ++flags)
                checkLinear(workers, 23, 35, 50, a, flags & 1, flags & 2, flags & 4);
    });
}

TEST(Gemm, Linear_ResidualIsResult_Adds) {
    Workers workers(2);
    forEachInstructionSet([&] {
        const Padded left = Padded::random(40, 20, 1);
        const auto weight = randomVector(33 * 20, 2);
        Padded sum = Padded::random(40, 33, 3), plain(40, 33);
        const Padded before = sum;
        const PackedWeights packed = packWeights(weight.data(), 33, 20);
        linear(workers, left.view(), packed, {}, plain.view());
        linear(workers, left.view(), packed, {nullptr, Activation::None, sum.view()}, sum.view());
        Worst worst;
        for (std::size_t r = 0; r < 40; ++r)
            for (std::size_t c = 0; c < 33; ++c)
                worst.add(sum.at(r, c) - (plain.at(r, c) + before.at(r, c)));
        EXPECT_LE(worst.value, 1e-6);
    });
}

TEST(Gemm, LayerNorm_AnyWidth_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (std::size_t n : {1u, 2u, 7u, 8u, 9u, 16u, 17u, 31u, 33u, 768u}) {
            Padded in = Padded::random(70, n, 1, 3);
            for (std::size_t r = 0; r < 70; ++r) // a mean far from zero must not eat the variance
                for (std::size_t c = 0; c < n; ++c)
                    in.at(r, c) += 50;
            const auto gain = randomVector(n, 2), bias = randomVector(n, 3);
            const RowNorm norm{gain.data(), bias.data(), 1e-6f};
            Padded out(70, n, 1);
            layerNorm(workers, in.view(), norm, out.view());
            EXPECT_TRUE(out.strangersUntouched());
            Worst worst;
            for (std::size_t r = 0; r < 70; ++r) {
                const auto row = rowOf(in, r, n, &norm);
                for (std::size_t c = 0; c < n; ++c)
                    worst.add(out.at(r, c) - row[c]);
            }
            // One unit in the last place of 50 is 3.8e-6, and n = 2 may divide by a small deviation.
            EXPECT_LE(worst.value, n == 2 ? 2e-3 : 2e-5) << n;
        }
    });
}

TEST(Gemm, Convolve_StridesKernelsAndChannels_MatchesDoubleLoops) {
    struct Case {
        Convolution shape;
        std::size_t outputs;
    };
    const Case cases[] = {{{7, 9, 5, 3, 1, 1}, 33}, {{8, 8, 16, 3, 2, 1}, 17}, {{5, 6, 7, 1, 1, 0}, 9},
                          {{9, 7, 3, 3, 2, 1}, 4},  {{3, 3, 770, 3, 1, 1}, 3}, {{1, 1, 4, 3, 1, 1}, 2},
                          {{6, 6, 8, 2, 2, 0}, 40}};
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const auto& [s, outputs] : cases) {
            const Padded image = Padded::random(s.height * s.width, s.channels, 1);
            const auto weight = randomVector(outputs * s.channels * s.kernel * s.kernel, 2, 0.3f);
            const auto scale = randomVector(outputs, 3), bias = randomVector(outputs, 4);
            const auto packed = packConvolution(weight.data(), outputs, s.channels, s.kernel, scale.data());
            Padded out(s.outHeight() * s.outWidth(), outputs);
            convolve(workers, s, image.view(), packed, {bias.data(), Activation::Relu, {}}, out.view());
            EXPECT_TRUE(out.strangersUntouched());
            Worst worst;
            for (std::size_t i = 0; i < s.outHeight() * s.outWidth(); ++i)
                for (std::size_t o = 0; o < outputs; ++o) {
                    const double sum = convolved(s, image, weight, i, o);
                    worst.add(out.at(i, o) - std::max(0.0, sum * scale[o] + bias[o]));
                }
            EXPECT_LE(worst.value, s.channels > 100 ? 3e-4 : 2e-5) << s.channels;
        }
    });
}
