// The kernels with bfloat16 factors against double precision loops over the same rounded factors: what is
// left is the rounding of float32 sums. Where the processor has no such instructions there is nothing to
// test.
#include "inference/kernels/amx.h"
#include "inference/kernels/attention.h"
#include "inference/kernels/attention_weights.h"
#include "inference/kernels/bfloat16.h"
#include "inference/kernels/gemm.h"
#include "tests/inference/kernels_support.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

using namespace tandem::kernels;
using namespace tandem::kernels::test;

namespace {

// To nearest with 8 significant bits, ties to even.
float rounded(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
    std::memcpy(&x, &bits, sizeof bits);
    return x;
}

Padded rounded(Padded m, std::size_t rows, std::size_t columns) {
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
            m.at(r, c) = rounded(m.at(r, c));
    return m;
}

// Rows of bfloat16 whose surroundings are NaN, like Padded.
class HalfPadded {
public:
    HalfPadded(std::size_t rows, std::size_t columns)
        : rows_(rows), columns_(columns), data_((rows + 2) * stride(), poison) {}
    explicit HalfPadded(const Padded& m, std::size_t rows, std::size_t columns) : HalfPadded(rows, columns) {
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c) {
                const float x = rounded(m.at(r, c));
                std::uint32_t bits;
                std::memcpy(&bits, &x, sizeof bits);
                view().row(r)[c] = static_cast<std::uint16_t>(bits >> 16);
            }
    }
    HalfMatrix view() { return {data_.data() + stride(), rows_, columns_, stride()}; }
    float at(std::size_t r, std::size_t c) const {
        const std::uint32_t bits = std::uint32_t{data_[(r + 1) * stride() + c]} << 16;
        float x;
        std::memcpy(&x, &bits, sizeof x);
        return x;
    }
    bool strangersUntouched() const {
        for (std::size_t i = 0; i < data_.size(); ++i) {
            const std::size_t row = i / stride(), column = i % stride();
            const bool inside = row > 0 && row <= rows_ && column < columns_;
            if (!inside && data_[i] != poison)
                return false;
        }
        return true;
    }

private:
    static constexpr std::uint16_t poison = 0x7fc1;
    std::size_t stride() const { return columns_ + 2 + columns_ % 2; }
    std::size_t rows_, columns_;
    std::vector<std::uint16_t> data_;
};

// Self attention in the kind of bfloat16 that the processor (or inEveryKind) chooses.
struct Attended {
    Padded result;
    bool strangersUntouched = true;
};
Attended attend(Workers& workers, AttentionShape shape, const Padded& qkv, const float* bias,
                const std::vector<float>* rows, const std::vector<float>* columns) {
    const std::size_t inner = shape.heads * shape.headDim, tokens = shape.height * shape.width;
    shape.tiles = canAttendInTiles(shape.headDim, shape.numbers);
    RelativePositions packed;
    if (rows)
        packed = packRelative(rows->data(), columns->data(), shape);
    const RelativePositions* relative = rows ? &packed : nullptr;
    FloatBuffer scratch;
    Attended out{Padded(tokens, inner)};
    if (!shape.tiles) {
        selfAttention(workers, shape, qkv.view(), bias, relative, out.result.view(), scratch);
        out.strangersUntouched = out.result.strangersUntouched();
        return out;
    }
    HalfPadded in(qkv, tokens, 3 * inner), half(tokens, inner);
    selfAttention(workers, shape, in.view(), bias, relative, half.view(), scratch);
    out.strangersUntouched = half.strangersUntouched();
    for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t i = 0; i < inner; ++i)
            out.result.at(t, i) = half.at(t, i);
    return out;
}

} // namespace

#define NEEDS_BFLOAT16()                                                                                     \
    if (!hasBfloat16())                                                                                      \
    GTEST_SKIP() << "this processor has no bfloat16 instructions"

// The tests below skip where hasBfloat16() says no: it must not say so where the system sees the
// instructions.
TEST(Bfloat16, HasBfloat16_AgreesWithWhatTheSystemSees) {
    std::ifstream system("/proc/cpuinfo");
    std::string line;
    while (std::getline(system, line) && !line.starts_with("flags")) {
    }
    if (line.empty())
        GTEST_SKIP() << "this system does not list the processor's instructions";
    std::istringstream words(line);
    const std::set<std::string> flags(std::istream_iterator<std::string>(words), {});
    const bool listed = flags.contains("avx512_bf16") && flags.contains("avx512bw") &&
                        flags.contains("avx512dq") && flags.contains("avx512vl");
    EXPECT_EQ(hasBfloat16(), listed);
    EXPECT_TRUE(!hasAmx() || (flags.contains("amx_bf16") && flags.contains("amx_tile")));
}

TEST(Bfloat16, ToBfloat16_AnyLength_RoundsToNearestEvenAndPadsWithZero) {
    NEEDS_BFLOAT16();
    for (std::size_t n : {1u, 2u, 15u, 16u, 17u, 31u, 32u, 33u, 100u}) {
        auto x = randomVector(n, 1);
        x[0] = 1.00390625f; // half way between 1 and 1.0078125: to even
        std::vector<std::uint32_t> words((n + 1) / 2 + 1, 0xdeadbeefu);
        toBfloat16(x.data(), n, words.data());
        EXPECT_EQ(words.back(), 0xdeadbeefu);
        for (std::size_t i = 0; i < (n + 1) / 2 * 2; ++i) {
            const std::uint32_t bits = (i % 2 ? words[i / 2] >> 16 : words[i / 2] & 0xffffu) << 16;
            float value;
            std::memcpy(&value, &bits, sizeof value);
            EXPECT_EQ(value, i < n ? rounded(x[i]) : 0.f) << n << " " << i;
        }
    }
}

TEST(Bfloat16, Linear_SizesAroundTilesAndBlocks_MatchesDoubleLoops) {
    NEEDS_BFLOAT16();
    inEveryKind([] {
        Workers workers(2);
        struct Case {
            std::size_t rows, outputs, inputs;
        };
        for (const auto& [rows, outputs, inputs] :
             {Case{1, 1, 1}, Case{5, 31, 2}, Case{13, 32, 3}, Case{14, 33, 16}, Case{15, 65, 37},
              Case{131, 40, 385}, Case{31, 33, 1601}, Case{29, 70, 3075}, Case{16, 32, 32}, Case{17, 64, 64},
              Case{32, 96, 769}, Case{33, 31, 33}, Case{300, 65, 1200}, Case{1024, 800, 512}}) {
            const Padded left = Padded::random(rows, inputs, 1);
            const auto weight = randomVector(outputs * inputs, 2, 0.5f), bias = randomVector(outputs, 3);
            const Padded residual = Padded::random(rows, outputs, 6);
            Padded result(rows, outputs, 5);
            const PackedWeights packed = packWeights(weight.data(), outputs, inputs, 0, Numbers::Bfloat16);
            linear(workers, left.view(), packed, {bias.data(), Activation::Gelu, residual.view()},
                   result.view());
            EXPECT_TRUE(result.strangersUntouched());
            Worst worst;
            for (std::size_t r = 0; r < rows; ++r)
                for (std::size_t o = 0; o < outputs; ++o) {
                    double sum = bias[o], size = std::abs(sum);
                    for (std::size_t k = 0; k < inputs; ++k) {
                        const double term = double(rounded(left.at(r, k))) * rounded(weight[o * inputs + k]);
                        sum += term;
                        size += std::abs(term);
                    }
                    const double bound =
                        1.2e-7 * std::sqrt(double(inputs)) * size + 1e-6 * std::max(1.0, std::abs(sum));
                    worst.add((result.at(r, o) - exactGelu(sum) - residual.at(r, o)) / bound);
                }
            EXPECT_LE(worst.value, 1.0) << rows << "x" << outputs << "x" << inputs;
        }
    });
}

TEST(Bfloat16, Linear_NormWhileReading_MatchesDoubleLoops) {
    NEEDS_BFLOAT16();
    inEveryKind([] {
        Workers workers(2);
        const std::size_t rows = 40, outputs = 33, inputs = 100;
        const Padded left = Padded::random(rows, inputs, 1, 3);
        const auto weight = randomVector(outputs * inputs, 2), gain = randomVector(inputs, 4),
                   shift = randomVector(inputs, 5);
        const RowNorm norm{gain.data(), shift.data(), 1e-6f};
        Padded normed(rows, inputs), expected(rows, outputs), result(rows, outputs);
        layerNorm(workers, left.view(), norm, normed.view());
        const PackedWeights packed = packWeights(weight.data(), outputs, inputs, 0, Numbers::Bfloat16);
        linear(workers, normed.view(), packed, {}, expected.view());
        linear(workers, left.view(), packed, {}, result.view(), &norm);
        Worst worst;
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < outputs; ++o)
                worst.add(result.at(r, o) - expected.at(r, o));
        EXPECT_LE(worst.value, 1e-5);
    });
}

TEST(Bfloat16, Convolve_SeveralShapes_MatchesDoubleLoops) {
    NEEDS_BFLOAT16();
    inEveryKind([] {
        Workers workers(2);
        struct Case {
            Convolution shape;
            std::size_t outputs;
        };
        for (const auto& [s, outputs] :
             {Case{{7, 9, 6, 3, 1, 1}, 33}, Case{{8, 8, 16, 3, 2, 1}, 17}, Case{{3, 3, 1540, 3, 1, 1}, 3},
              Case{{5, 6, 8, 1, 1, 0}, 9}, Case{{6, 6, 48, 3, 1, 1}, 40}}) {
            const Padded image =
                rounded(Padded::random(s.height * s.width, s.channels, 1), s.height * s.width, s.channels);
            auto weight = randomVector(outputs * s.channels * s.kernel * s.kernel, 2, 0.3f);
            std::transform(weight.begin(), weight.end(), weight.begin(), [](float w) { return rounded(w); });
            const auto packed =
                packConvolution(weight.data(), outputs, s.channels, s.kernel, nullptr, Numbers::Bfloat16);
            ASSERT_TRUE(packed.numbers == Numbers::Bfloat16);
            Padded out(s.outHeight() * s.outWidth(), outputs);
            convolve(workers, s, image.view(), packed, {}, out.view());
            EXPECT_TRUE(out.strangersUntouched());
            Worst worst;
            for (std::size_t i = 0; i < s.outHeight() * s.outWidth(); ++i)
                for (std::size_t o = 0; o < outputs; ++o)
                    worst.add(out.at(i, o) - convolved(s, image, weight, i, o));
            EXPECT_LE(worst.value, s.channels > 100 ? 3e-4 : 2e-5) << s.channels;
        }
    });
}

TEST(Bfloat16, Convolve_OddChannels_StaysFloat32) {
    const auto weight = randomVector(5 * 3 * 9, 1);
    EXPECT_TRUE(packConvolution(weight.data(), 5, 3, 3, nullptr, Numbers::Bfloat16).numbers ==
                Numbers::Float32);
}

// Rounded inputs make float32's own attention the yardstick: what differs is the rounding of keys times the
// scale, of the softmax's weights (one part in 256 each, random signs) and of the tables.
TEST(Bfloat16, SelfAttention_WindowsAndGrid_StaysNearFloat32) {
    NEEDS_BFLOAT16();
    inEveryKind([] {
        Workers workers(2);
        struct Case {
            std::size_t height, width, window, heads, headDim;
            bool relative;
        };
        for (const Case& c :
             {Case{3, 3, 0, 1, 2, false}, Case{16, 16, 0, 2, 64, true}, Case{9, 7, 5, 2, 16, true},
              Case{28, 20, 14, 1, 64, true}, Case{40, 13, 0, 1, 80, false}, Case{13, 13, 0, 1, 48, true},
              Case{24, 17, 0, 2, 80, true}}) {
            const std::size_t inner = c.heads * c.headDim, tokens = c.height * c.width;
            const std::size_t wh = c.window ? c.window : c.height, ww = c.window ? c.window : c.width;
            const Padded qkv = rounded(Padded::random(tokens, 3 * inner, 1), tokens, 3 * inner);
            const auto bias = randomVector(3 * inner, 2);
            const auto rows = randomVector((2 * wh - 1) * c.headDim, 3, 0.3f),
                       columns = randomVector((2 * ww - 1) * c.headDim, 4, 0.3f);
            AttentionShape shape{c.height, c.width, c.window, c.heads, c.headDim};
            const auto run = [&](Numbers numbers) {
                shape.numbers = numbers;
                return attend(workers, shape, qkv, bias.data(), c.relative ? &rows : nullptr, &columns);
            };
            const auto [expected, untouched] = run(Numbers::Float32);
            const auto [result, halfUntouched] = run(Numbers::Bfloat16);
            EXPECT_TRUE(untouched && halfUntouched);
            Worst worst;
            double squares = 0, size = 0;
            for (std::size_t t = 0; t < tokens; ++t)
                for (std::size_t i = 0; i < inner; ++i) {
                    const double e = result.at(t, i) - expected.at(t, i);
                    worst.add(e);
                    squares += e * e;
                    size += double(expected.at(t, i)) * expected.at(t, i);
                }
            EXPECT_LE(worst.value, 0.06) << c.height;
            EXPECT_LE(std::sqrt(squares / size), 0.012) << c.height;
            EXPECT_GT(worst.value, 0.0); // it did compute with fewer bits
        }
    });
}

// Weights stand against the largest logit of the first keys; one far above them must not overflow.
TEST(Bfloat16, SelfAttention_LateKeyFarAboveTheOthers_TakesItAll) {
    NEEDS_BFLOAT16();
    inEveryKind([] {
        Workers workers(2);
        const std::size_t tokens = 300, headDim = 64, late = 290;
        for (const float gap : {50.f, 80.f, 200.f, 1000.f}) {
            Padded qkv = Padded::random(tokens, 3 * headDim, 1);
            for (std::size_t t = 0; t < tokens; ++t)
                for (std::size_t d = 0; d < headDim; ++d) {
                    qkv.at(t, d) = 1.f; // so that a key of c has the logit 8 c
                    qkv.at(t, headDim + d) = t == late ? gap / 8 : 0.01f * qkv.at(t, headDim + d);
                }
            const auto [result, untouched] = attend(workers, {1, tokens, 0, 1, headDim, Numbers::Bfloat16},
                                                    qkv, nullptr, nullptr, nullptr);
            EXPECT_TRUE(untouched);
            for (std::size_t t = 0; t < tokens; ++t)
                for (std::size_t d = 0; d < headDim; ++d)
                    ASSERT_NEAR(result.at(t, d), rounded(qkv.at(late, 2 * headDim + d)), 1e-6) << gap;
        }
    });
}

TEST(Bfloat16, WeightsFromProducts_TermsAndExtremes_MatchExp2) {
    NEEDS_BFLOAT16();
    for (const std::size_t keys : {1u, 2u, 7u, 64u, 127u}) {
        const std::size_t width = 5, first = 3, rows = (first + keys) / width + 1, q = kAttentionQueries;
        auto products = randomVector(keys * q, 1, 8.f);
        products[0] = 600.f;
        products[1] = -600.f;
        const auto byRow = randomVector(rows * q, 2, 4.f), byColumn = randomVector(width * q, 3, 4.f);
        for (const bool columns : {true, false}) {
            const LogitTerms terms{byRow.data(), columns ? byColumn.data() : nullptr, width, first, 0.5f};
            std::vector<float> expected(keys * q), highest(q, -1e30f), maximum = highest, sum(q, 2.f);
            for (std::size_t k = 0; k < keys; ++k)
                for (std::size_t i = 0; i < q; ++i) {
                    float& x = expected[k * q + i] = 0.5f * products[k * q + i];
                    x += columns ? byRow[(first + k) / width * q + i] + byColumn[(first + k) % width * q + i]
                                 : byRow[i];
                    highest[i] = std::max(highest[i], x);
                }
            raiseMaximum(products.data(), keys, terms, maximum.data());
            std::vector<float> words((keys + 1) / 2 * q);
            weightsFromProducts(products.data(), keys, terms, words.data(), sum.data());
            for (std::size_t i = 0; i < q; ++i) {
                EXPECT_NEAR(maximum[i], highest[i], 1e-4) << keys;
                double total = 2;
                for (std::size_t k = 0; k < keys; ++k) {
                    const std::uint32_t word = wordsOf(words.data())[k / 2 * q + i];
                    const std::uint32_t bits = (k % 2 ? word >> 16 : word & 0xffffu) << 16;
                    float weight;
                    std::memcpy(&weight, &bits, sizeof weight);
                    total += weight;
                    const double exact = std::exp2(double(expected[k * q + i]));
                    if (exact > 1e38)
                        EXPECT_TRUE(std::isinf(weight));
                    else
                        EXPECT_NEAR(weight, exact, exact * 0.0041 + 1e-38) << expected[k * q + i];
                }
                if (std::isinf(total))
                    EXPECT_TRUE(std::isinf(sum[i]));
                else
                    EXPECT_NEAR(sum[i], total, 1e-5 * total) << keys;
            }
        }
    }
}
