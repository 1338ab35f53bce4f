#include "inference/kernels/elementwise.h"
#include "tests/inference/kernels_support.h"

#include <gtest/gtest.h>

using namespace tandem::kernels;
using namespace tandem::kernels::test;

namespace {
const std::size_t kWidths[] = {1, 3, 7, 8, 9, 15, 16, 17, 33, 64};
double sigmoidOf(double x) {
    return 1 / (1 + std::exp(-x));
}
} // namespace

TEST(Elementwise, Gelu_WholeRange_StaysWithinBound) {
    Workers workers(1);
    forEachInstructionSet([&] {
        const std::size_t n = 200001;
        Padded m(1, n);
        for (std::size_t i = 0; i < n; ++i)
            m.at(0, i) = static_cast<float>((static_cast<double>(i) - 100000.0) * 2e-4);
        const Padded before = m;
        gelu(workers, m.view());
        EXPECT_TRUE(m.strangersUntouched());
        Worst worst;
        for (std::size_t i = 0; i < n; ++i) {
            const double x = before.at(0, i);
            worst.add((m.at(0, i) - exactGelu(x)) / std::max(1.0, std::abs(x)));
        }
        EXPECT_LE(worst.value, 3e-7) << instructionSet();
    });
}

TEST(Elementwise, Gelu_LargeValues_AreIdentityAndZero) {
    Workers workers(1);
    forEachInstructionSet([&] {
        Padded m(1, 4);
        m.at(0, 0) = 1e30f;
        m.at(0, 1) = -1e30f;
        m.at(0, 2) = 20;
        m.at(0, 3) = -20;
        gelu(workers, m.view());
        EXPECT_EQ(m.at(0, 0), 1e30f);
        EXPECT_NEAR(m.at(0, 1), 0, 1e-30);
        EXPECT_EQ(m.at(0, 2), 20.f);
        EXPECT_NEAR(m.at(0, 3), 0, 1e-30);
    });
}

TEST(Elementwise, Silu_AnyWidth_StaysWithinBound) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (std::size_t n : kWidths) {
            Padded m = Padded::random(40, n, 1, 20);
            const Padded before = m;
            silu(workers, m.view());
            EXPECT_TRUE(m.strangersUntouched());
            Worst worst;
            for (std::size_t r = 0; r < 40; ++r)
                for (std::size_t c = 0; c < n; ++c) {
                    const double x = before.at(r, c);
                    worst.add((m.at(r, c) - x * sigmoidOf(x)) / std::max(1.0, std::abs(x)));
                }
            EXPECT_LE(worst.value, 4e-7) << n;
        }
    });
}

TEST(Elementwise, Depthwise_MapsAndWidths_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (std::size_t n : kWidths)
            for (auto [h, w] : {std::pair<long, long>{1, 1}, {1, 5}, {4, 1}, {6, 5}}) {
                const Padded in = Padded::random(std::size_t(h * w), n, 1);
                const auto weight = randomVector(n * 9, 2), bias = randomVector(n, 3);
                const FloatBuffer packed = packDepthwise(weight.data(), n);
                Padded out(std::size_t(h * w), n, 1);
                depthwise3x3(workers, std::size_t(h), std::size_t(w), in.view(), packed.data(), bias.data(),
                             Activation::Gelu, out.view());
                EXPECT_TRUE(out.strangersUntouched());
                Worst worst;
                for (long y = 0; y < h; ++y)
                    for (long x = 0; x < w; ++x)
                        for (std::size_t c = 0; c < n; ++c) {
                            double sum = bias[c];
                            for (long t = 0; t < 9; ++t) {
                                const long sy = y + t / 3 - 1, sx = x + t % 3 - 1;
                                if (sy >= 0 && sx >= 0 && sy < h && sx < w)
                                    sum += double(weight[c * 9 + std::size_t(t)]) *
                                           in.at(std::size_t(sy * w + sx), c);
                            }
                            worst.add(out.at(std::size_t(y * w + x), c) - exactGelu(sum));
                        }
                EXPECT_LE(worst.value, 5e-6) << n;
            }
    });
}

TEST(Elementwise, ColumnMeansAndScale_MatchDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (std::size_t n : kWidths) {
            Padded m = Padded::random(77, n, 1);
            const Padded before = m;
            std::vector<float> means(n);
            columnMeans(m.view(), means.data());
            scaleColumns(workers, m.view(), means.data());
            EXPECT_TRUE(m.strangersUntouched());
            for (std::size_t c = 0; c < n; ++c) {
                double sum = 0;
                for (std::size_t r = 0; r < 77; ++r)
                    sum += before.at(r, c);
                EXPECT_NEAR(means[c], sum / 77, 1e-7);
                for (std::size_t r = 0; r < 77; ++r)
                    EXPECT_NEAR(m.at(r, c), before.at(r, c) * means[c], 1e-7);
            }
        }
    });
}

TEST(Elementwise, GateMix_MatricesColumnsAndRows_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (std::size_t n : {3u, 16u, 35u})
            for (bool broadcast : {false, true}) {
                const Padded a = Padded::random(9, broadcast ? 1 : n, 1, 3);
                const Padded b = Padded::random(broadcast ? 1 : 9, n, 2, 3);
                const Padded first = Padded::random(9, n, 3), second = Padded::random(9, n, 4);
                Padded out(9, n);
                gateMix(workers, a.view(), b.view(), first.view(), second.view(), out.view());
                EXPECT_TRUE(out.strangersUntouched());
                Worst worst;
                for (std::size_t r = 0; r < 9; ++r)
                    for (std::size_t c = 0; c < n; ++c) {
                        const double m =
                            sigmoidOf(double(a.at(r, broadcast ? 0 : c)) + b.at(broadcast ? 0 : r, c));
                        worst.add(out.at(r, c) - (m * first.at(r, c) + (1 - m) * second.at(r, c)));
                    }
                EXPECT_LE(worst.value, 3e-6);
            }
    });
}

TEST(Elementwise, SoftmaxMix_SeveralBranches_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (std::size_t n : kWidths) {
            std::vector<Padded> scores, features;
            std::vector<ConstMatrix> scoreViews, featureViews;
            for (unsigned i = 0; i < 5; ++i) {
                scores.push_back(Padded::random(33, n, i, 8));
                features.push_back(Padded::random(33, n, 10 + i));
            }
            for (std::size_t i = 0; i < 5; ++i) {
                scoreViews.push_back(std::as_const(scores[i]).view());
                featureViews.push_back(std::as_const(features[i]).view());
            }
            Padded out(33, n);
            softmaxMix(workers, scoreViews, featureViews, out.view());
            EXPECT_TRUE(out.strangersUntouched());
            Worst worst;
            for (std::size_t r = 0; r < 33; ++r)
                for (std::size_t c = 0; c < n; ++c) {
                    double sum = 0, mixed = 0;
                    for (std::size_t i = 0; i < 5; ++i) {
                        sum += std::exp(double(scores[i].at(r, c)));
                        mixed += std::exp(double(scores[i].at(r, c))) * features[i].at(r, c);
                    }
                    worst.add(out.at(r, c) - mixed / sum);
                }
            EXPECT_LE(worst.value, 5e-6) << n;
        }
    });
}
