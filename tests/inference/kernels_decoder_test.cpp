// The decoder's kernels against plain loops in double precision.
#include "inference/kernels/elementwise.h"
#include "inference/kernels/mask_head.h"
#include "inference/kernels/two_way.h"
#include "tests/inference/kernels_support.h"

#include <gtest/gtest.h>

using namespace tandem::kernels;
using namespace tandem::kernels::test;

namespace {

double logit(const Padded& rows, const Padded& code, std::size_t r, const Padded& queries, std::size_t q,
             std::size_t columns) {
    double sum = 0;
    for (std::size_t c = 0; c < columns; ++c)
        sum += (double(rows.at(r, c)) + code.at(r, c)) * queries.at(q, c);
    return sum;
}

std::vector<double> softmax(std::vector<double> x) {
    double top = x[0], sum = 0;
    for (double v : x)
        top = std::max(top, v);
    for (double& v : x)
        sum += v = std::exp(v - top);
    for (double& v : x)
        v /= sum;
    return x;
}

void normalise(std::vector<double>& x, const std::vector<float>& gain, const std::vector<float>& bias,
               double eps) {
    double mean = 0, var = 0;
    for (double v : x)
        mean += v / double(x.size());
    for (double v : x)
        var += (v - mean) * (v - mean) / double(x.size());
    for (std::size_t c = 0; c < x.size(); ++c)
        x[c] = (x[c] - mean) / std::sqrt(var + eps) * gain[c] + bias[c];
}

struct Case {
    std::size_t rows, columns, tokens, heads;
};
constexpr Case kCases[] = {{1, 1, 1, 1},   {5, 3, 2, 1},    {113, 33, 3, 5},  {225, 16, 7, 8},
                           {230, 8, 5, 3}, {500, 32, 9, 4}, {300, 70, 40, 2}, {64, 64, 2, 8}};

} // namespace

TEST(TwoWay, PoolRows_SizesAroundTilesAndChunks_MatchesDoubleLoops) {
    Workers workers(2);
    FloatBuffer scratch;
    forEachInstructionSet([&] {
        for (const Case& c : kCases) {
            const std::size_t count = c.tokens * c.heads;
            const Padded rows = Padded::random(c.rows, c.columns, 1),
                         code = Padded::random(c.rows, c.columns, 2),
                         queries = Padded::random(count, c.columns, 3, 0.7f);
            Padded result(count, c.columns);
            poolRows(workers, rows.view(), code.view(), queries.view(), result.view(), scratch);
            EXPECT_TRUE(result.strangersUntouched());
            Worst worst;
            for (std::size_t q = 0; q < count; ++q) {
                std::vector<double> weights(c.rows);
                for (std::size_t r = 0; r < c.rows; ++r)
                    weights[r] = logit(rows, code, r, queries, q, c.columns);
                weights = softmax(weights);
                for (std::size_t x = 0; x < c.columns; ++x) {
                    double mean = 0;
                    for (std::size_t r = 0; r < c.rows; ++r)
                        mean += weights[r] * rows.at(r, x);
                    worst.add(result.at(q, x) - mean);
                }
            }
            // a logit of 30 that is a float32 sum of 70 terms is off by 6e-6, its exponential by that share
            EXPECT_LE(worst.value, 3e-5) << instructionSet() << " " << c.rows << "x" << c.columns;
        }
    });
}

TEST(TwoWay, PoolRows_LogitsFarApart_KeepsItsFooting) {
    Workers workers(2);
    FloatBuffer scratch;
    Padded rows = Padded::random(400, 4, 1), code(400, 4), queries(1, 4), result(1, 4);
    for (std::size_t r = 0; r < 400; ++r)
        for (std::size_t c = 0; c < 4; ++c)
            code.at(r, c) = c == 0 && r == 317 ? 90.f : -90.f; // one row wins in the second chunk
    for (std::size_t c = 0; c < 4; ++c)
        queries.at(0, c) = c == 0 ? 10.f : 0.f;
    poolRows(workers, rows.view(), code.view(), queries.view(), result.view(), scratch);
    for (std::size_t c = 0; c < 4; ++c)
        EXPECT_LE(std::abs(result.at(0, c) - rows.at(317, c)), 1e-6);
}

TEST(TwoWay, SpreadTokens_SizesAroundTilesAndBlocks_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const Case& c : kCases) {
            const std::size_t count = c.tokens * c.heads;
            Padded rows = Padded::random(c.rows, c.columns, 1);
            const Padded before = rows, code = Padded::random(c.rows, c.columns, 2),
                         queries = Padded::random(count, c.columns, 3, 0.7f),
                         values = Padded::random(count, c.columns, 4);
            const auto offset = randomVector(count, 5, 3), bias = randomVector(c.columns, 6),
                       gain = randomVector(c.columns, 7), shift = randomVector(c.columns, 8);
            const TokenSide side{c.heads,       queries.view(), offset.data(),
                                 values.view(), bias.data(),    {gain.data(), shift.data(), 1e-3f}};
            spreadTokens(workers, rows.view(), code.view(), side, rows.view()); // in place
            EXPECT_TRUE(rows.strangersUntouched());
            Worst worst;
            for (std::size_t r = 0; r < c.rows; ++r) {
                std::vector<double> sum(c.columns);
                for (std::size_t x = 0; x < c.columns; ++x)
                    sum[x] = double(before.at(r, x)) + bias[x];
                for (std::size_t h = 0; h < c.heads; ++h) {
                    std::vector<double> weights(c.tokens);
                    for (std::size_t t = 0; t < c.tokens; ++t)
                        weights[t] = offset[t * c.heads + h] +
                                     logit(before, code, r, queries, t * c.heads + h, c.columns);
                    weights = softmax(weights);
                    for (std::size_t t = 0; t < c.tokens; ++t)
                        for (std::size_t x = 0; x < c.columns; ++x)
                            sum[x] += weights[t] * values.at(t * c.heads + h, x);
                }
                normalise(sum, gain, shift, 1e-3);
                for (std::size_t x = 0; x < c.columns; ++x)
                    worst.add(rows.at(r, x) - sum[x]);
            }
            EXPECT_LE(worst.value, 4e-5) << instructionSet() << " " << c.rows << "x" << c.columns;
        }
    });
}

TEST(MaskHead, UpscaleMasks_SizesAroundTiles_MatchesDoubleLoops) {
    struct Shape {
        std::size_t height, width, inputs, between, channels, masks;
    };
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const Shape& s : {Shape{1, 1, 4, 1, 1, 1}, Shape{3, 5, 7, 3, 2, 2}, Shape{6, 5, 32, 8, 4, 1},
                               Shape{9, 7, 33, 17, 9, 3}, Shape{4, 8, 128, 32, 16, 4}}) {
            const std::size_t pixels = s.height * s.width;
            const Padded image = Padded::random(pixels, s.inputs, 1),
                         hypers = Padded::random(s.masks, s.channels, 2);
            const auto w1 = randomVector(4 * s.between * s.inputs, 3, 0.5f),
                       w2 = randomVector(4 * s.channels * s.between, 4, 0.5f),
                       b1 = randomVector(4 * s.between, 5), b2 = randomVector(4 * s.channels, 6),
                       gain = randomVector(s.between, 7), shift = randomVector(s.between, 8);
            MaskHead head;
            head.first = packWeights(w1.data(), 4 * s.between, s.inputs, s.inputs);
            head.second = packWeights(w2.data(), 4 * s.channels, s.between, s.between);
            head.firstBias = b1.data();
            head.secondBias = b2.data();
            head.norm = {gain.data(), shift.data(), 1e-3f};
            std::vector<float> masks(s.masks * 16 * pixels, -7777.f);
            upscaleMasks(workers, head, s.width, image.view(), hypers.view(), masks.data());
            Worst worst;
            for (std::size_t p = 0; p < pixels; ++p)
                for (std::size_t t = 0; t < 4; ++t) {
                    std::vector<double> middle(s.between);
                    for (std::size_t o = 0; o < s.between; ++o) {
                        middle[o] = b1[t * s.between + o];
                        for (std::size_t i = 0; i < s.inputs; ++i)
                            middle[o] += double(image.at(p, i)) * w1[(t * s.between + o) * s.inputs + i];
                    }
                    normalise(middle, gain, shift, 1e-3);
                    for (std::size_t u = 0; u < 4; ++u)
                        for (std::size_t m = 0; m < s.masks; ++m) {
                            double sum = 0;
                            for (std::size_t o = 0; o < s.channels; ++o) {
                                double x = b2[u * s.channels + o];
                                for (std::size_t i = 0; i < s.between; ++i)
                                    x += exactGelu(middle[i]) * w2[(u * s.channels + o) * s.between + i];
                                sum += exactGelu(x) * hypers.at(m, o);
                            }
                            const std::size_t y = p / s.width * 4 + t / 2 * 2 + u / 2,
                                              x = p % s.width * 4 + t % 2 * 2 + u % 2;
                            worst.add(masks[(m * 4 * s.height + y) * 4 * s.width + x] - sum);
                        }
                }
            EXPECT_LE(worst.value, 2e-4) << instructionSet() << " " << s.inputs;
        }
    });
}

TEST(Elementwise, PlanesToRowsAndBack_AnySize_MovesEveryValue) {
    Workers workers(2);
    for (std::size_t rows : {1u, 15u, 16u, 17u, 130u})
        for (std::size_t columns : {1u, 3u, 16u, 33u}) {
            const auto planes = randomVector(rows * columns, 1);
            Padded m(rows, columns);
            planesToRows(workers, planes.data(), m.view());
            EXPECT_TRUE(m.strangersUntouched());
            for (std::size_t r = 0; r < rows; ++r)
                for (std::size_t c = 0; c < columns; ++c)
                    EXPECT_EQ(m.at(r, c), planes[c * rows + r]);
            std::vector<float> back(planes.size());
            rowsToPlanes(workers, m.view(), back.data());
            EXPECT_TRUE(back == planes);
        }
}
