#include "inference/kernels/softmax_rows.h"
#include "tests/inference/kernels_support.h"

#include <gtest/gtest.h>

#include <bit>

using namespace tandem::kernels;
using namespace tandem::kernels::test;

namespace {

const std::size_t kColumns[] = {1, 3, 7, 16, 17, 33, 576};
constexpr std::size_t kRows = 5;
constexpr float kScale = 0.35f;

std::uint16_t halfOf(float x) {
    return static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(x) + 0x8000) >> 16);
}
float floatOf(std::uint16_t half) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}
std::vector<std::uint16_t> halvesOf(const std::vector<float>& x) {
    std::vector<std::uint16_t> out;
    for (const float v : x)
        out.push_back(halfOf(v));
    return out;
}
std::vector<double> doublesOf(const std::vector<float>& x) {
    return {x.begin(), x.end()};
}
std::vector<double> doublesOf(const std::vector<std::uint16_t>& x) {
    std::vector<double> out;
    for (const std::uint16_t v : x)
        out.push_back(floatOf(v));
    return out;
}

std::vector<double> plainSoftmax(std::vector<double> x, std::size_t columns) {
    for (std::size_t r = 0; r < x.size(); r += columns) {
        double total = 0;
        for (std::size_t c = r; c < r + columns; ++c)
            total += x[c] = std::exp(double(kScale) * x[c]);
        for (std::size_t c = r; c < r + columns; ++c)
            x[c] /= total;
    }
    return x;
}

std::vector<double> plainGradient(const std::vector<double>& w, std::vector<double> g, std::size_t columns) {
    for (std::size_t r = 0; r < g.size(); r += columns) {
        double mean = 0;
        for (std::size_t c = r; c < r + columns; ++c)
            mean += w[c] * g[c];
        for (std::size_t c = r; c < r + columns; ++c)
            g[c] = double(kScale) * w[c] * (g[c] - mean);
    }
    return g;
}

// The largest error as a share of 1 + the value.
double worst(const std::vector<double>& found, const std::vector<double>& expected) {
    double most = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
        most = std::max(most, std::abs(found[i] - expected[i]) / (1 + std::abs(expected[i])));
    return most;
}

template <class T>
void check(std::size_t columns, std::vector<T> x, std::vector<T> g, double error) {
    const std::vector<double> weights = plainSoftmax(doublesOf(x), columns);
    softmaxRows(kRows, columns, kScale, x.data());
    EXPECT_LE(worst(doublesOf(x), weights), error) << instructionSet() << " " << columns;
    const std::vector<double> gradient = plainGradient(doublesOf(x), doublesOf(g), columns);
    softmaxRowsGradient(kRows, columns, kScale, x.data(), g.data());
    EXPECT_LE(worst(doublesOf(g), gradient), error) << instructionSet() << " " << columns;
}

} // namespace

TEST(SoftmaxRows, FloatsAndTheirGradient_MatchDoubleLoops) {
    forEachInstructionSet([&] {
        for (const std::size_t columns : kColumns)
            check(columns, randomVector(kRows * columns, 1, 5), randomVector(kRows * columns, 2), 1e-6);
    });
}

TEST(SoftmaxRows, HalvesAndTheirGradient_MatchDoubleLoopsToTheirPrecision) {
    forEachInstructionSet([&] {
        for (const std::size_t columns : kColumns)
            check(columns, halvesOf(randomVector(kRows * columns, 1, 5)),
                  halvesOf(randomVector(kRows * columns, 2)), 1.0 / 256);
    });
}

TEST(SoftmaxRows, LogitsOfThousands_GiveOneWeight) {
    forEachInstructionSet([&] {
        std::vector<float> x(40, -3000.f);
        x[23] = 9000.f;
        softmaxRows(1, 40, 1.f, x.data());
        for (std::size_t i = 0; i < 40; ++i)
            EXPECT_NEAR(x[i], i == 23 ? 1 : 0, 1e-6) << instructionSet();
    });
}
