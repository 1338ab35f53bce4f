#include "inference/kernels/attention.h"
#include "inference/kernels/deformable.h"
#include "tests/inference/kernels_support.h"

#include <gtest/gtest.h>

using namespace tandem::kernels;
using namespace tandem::kernels::test;

namespace {

// One query of section 2.4 of the specification in double precision.
struct PlainAttention {
    AttentionShape s;
    const Padded& qkv;
    const std::vector<float>&bias, &rows, &columns;
    bool relative;

    double key(long y, long x, std::size_t part, std::size_t head, std::size_t d) const {
        const std::size_t column = (part * s.heads + head) * s.headDim + d;
        const bool inside = y < long(s.height) && x < long(s.width);
        return inside ? qkv.at(std::size_t(y) * s.width + std::size_t(x), column) : bias[column];
    }
    std::vector<double> at(long y, long x, std::size_t head) const {
        const long h = long(s.windowHeight()), w = long(s.windowWidth()), top = y / h * h, left = x / w * w;
        const std::size_t n = s.headDim;
        std::vector<double> sum(n, 0.0);
        double total = 0;
        for (long j = 0; j < h; ++j)
            for (long i = 0; i < w; ++i) {
                double logit = 0;
                for (std::size_t d = 0; d < n; ++d) {
                    const double q = key(y, x, 0, head, d);
                    logit += q * key(top + j, left + i, 1, head, d) / std::sqrt(double(n));
                    if (relative)
                        logit += q * (double(rows[std::size_t(y - top - j + h - 1) * n + d]) +
                                      columns[std::size_t(x - left - i + w - 1) * n + d]);
                }
                const double weight = std::exp(logit);
                total += weight;
                for (std::size_t d = 0; d < n; ++d)
                    sum[d] += weight * key(top + j, left + i, 2, head, d);
            }
        for (double& v : sum)
            v /= total;
        return sum;
    }
};

void checkSelfAttention(Workers& workers, const AttentionShape& s, bool relative) {
    const std::size_t inner = s.heads * s.headDim, h = s.windowHeight(), w = s.windowWidth();
    const Padded qkv = Padded::random(s.height * s.width, 3 * inner, 1);
    const auto bias = randomVector(3 * inner, 2);
    const auto rows = randomVector((2 * h - 1) * s.headDim, 3, 0.3f);
    const auto columns = randomVector((2 * w - 1) * s.headDim, 4, 0.3f);
    const RelativePositions packed = packRelative(rows.data(), columns.data(), s);
    Padded result(s.height * s.width, inner, 1);
    FloatBuffer scratch;
    selfAttention(workers, s, qkv.view(), bias.data(), relative ? &packed : nullptr, result.view(), scratch);
    EXPECT_TRUE(result.strangersUntouched());
    const PlainAttention plain{s, qkv, bias, rows, columns, relative};
    Worst worst;
    for (std::size_t y = 0; y < s.height; ++y)
        for (std::size_t x = 0; x < s.width; ++x)
            for (std::size_t head = 0; head < s.heads; ++head) {
                const auto expected = plain.at(long(y), long(x), head);
                for (std::size_t d = 0; d < s.headDim; ++d)
                    worst.add(result.at(y * s.width + x, head * s.headDim + d) - expected[d]);
            }
    EXPECT_LE(worst.value, 1e-5) << instructionSet() << " " << s.height << "x" << s.width << " window "
                                 << s.window << " dim " << s.headDim << " relative " << relative;
}

} // namespace

TEST(Attention, GlobalAndWindowed_GridsThatDoNotFit_MatchesDoubleLoops) {
    const AttentionShape shapes[] = {{8, 8, 3, 4, 8},   {12, 12, 5, 3, 24},  {9, 13, 0, 2, 64},
                                     {5, 4, 14, 1, 7},  {20, 17, 14, 2, 16}, {1, 1, 0, 1, 4},
                                     {16, 16, 0, 1, 33}};
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const AttentionShape& s : shapes)
            for (bool relative : {false, true})
                checkSelfAttention(workers, s, relative);
    });
}

TEST(Attention, LogitsOfHundreds_StayFinite) {
    Workers workers(1);
    forEachInstructionSet([&] {
        Padded qkv = Padded::random(150, 3 * 8, 1, 30); // logits up to several thousand
        Padded result(150, 8);
        FloatBuffer scratch;
        selfAttention(workers, {10, 15, 0, 1, 8}, std::as_const(qkv).view(), nullptr, nullptr, result.view(),
                      scratch);
        for (std::size_t r = 0; r < 150; ++r)
            for (std::size_t c = 0; c < 8; ++c)
                EXPECT_LE(std::abs(result.at(r, c)), 150.f); // a mean of values; false for NaN
    });
}

TEST(Attention, Cross_AnyCounts_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (auto [queries, keys] :
             {std::pair<std::size_t, std::size_t>{7, 300}, {300, 7}, {1, 1}, {33, 113}}) {
            const std::size_t heads = 2, n = 12;
            const Padded q = Padded::random(queries, heads * n, 1), k = Padded::random(keys, heads * n, 2),
                         v = Padded::random(keys, heads * n, 3);
            Padded result(queries, heads * n);
            FloatBuffer scratch;
            attention(workers, heads, n, q.view(), k.view(), v.view(), result.view(), scratch);
            EXPECT_TRUE(result.strangersUntouched());
            Worst worst;
            for (std::size_t i = 0; i < queries; ++i)
                for (std::size_t h = 0; h < heads; ++h) {
                    std::vector<double> sum(n, 0.0);
                    double total = 0;
                    for (std::size_t j = 0; j < keys; ++j) {
                        double logit = 0;
                        for (std::size_t d = 0; d < n; ++d)
                            logit += double(q.at(i, h * n + d)) * k.at(j, h * n + d);
                        const double weight = std::exp(logit / std::sqrt(double(n)));
                        total += weight;
                        for (std::size_t d = 0; d < n; ++d)
                            sum[d] += weight * v.at(j, h * n + d);
                    }
                    for (std::size_t d = 0; d < n; ++d)
                        worst.add(result.at(i, h * n + d) - sum[d] / total);
                }
            EXPECT_LE(worst.value, 5e-6) << queries << " " << keys;
        }
    });
}

TEST(Deformable, MapsOfUnequalSizeAndPointsOutside_MatchesDoubleLoops) {
    const std::vector<MapSize> maps = {{5, 7}, {3, 2}, {1, 1}};
    const std::size_t heads = 3, points = 4, queries = 70, pixels = 35 + 6 + 1;
    Workers workers(2);
    forEachInstructionSet([&] {
        for (std::size_t n : {1u, 7u, 8u, 17u, 64u, 66u}) {
            const Padded values = Padded::random(pixels, heads * n, 1);
            const Padded references = Padded::random(queries, 2, 2); // many outside 0..1
            const Padded offsets = Padded::random(queries, heads * maps.size() * points * 2, 3, 2);
            const Padded logits = Padded::random(queries, heads * maps.size() * points, 4, 2);
            Padded result(queries, heads * n);
            deformableAttention(workers, heads, points, maps, values.view(), references.view(),
                                offsets.view(), logits.view(), result.view());
            EXPECT_TRUE(result.strangersUntouched());
            Worst worst;
            for (std::size_t q = 0; q < queries; ++q)
                for (std::size_t h = 0; h < heads; ++h) {
                    std::vector<double> sum(n, 0.0);
                    double total = 0;
                    std::size_t start = 0, sample = h * maps.size() * points;
                    for (const MapSize& map : maps) {
                        for (std::size_t p = 0; p < points; ++p, ++sample) {
                            const double weight = std::exp(double(logits.at(q, sample)));
                            const double x =
                                double(map.width) * references.at(q, 0) + offsets.at(q, 2 * sample) - 0.5;
                            const double y = double(map.height) * references.at(q, 1) +
                                             offsets.at(q, 2 * sample + 1) - 0.5;
                            total += weight;
                            for (long py = 0; py < long(map.height); ++py)
                                for (long px = 0; px < long(map.width); ++px) {
                                    const double tent = std::max(0.0, 1 - std::abs(x - double(px))) *
                                                        std::max(0.0, 1 - std::abs(y - double(py)));
                                    for (std::size_t c = 0; c < n && tent > 0; ++c)
                                        sum[c] +=
                                            weight * tent *
                                            values.at(start + std::size_t(py) * map.width + std::size_t(px),
                                                      h * n + c);
                                }
                        }
                        start += map.pixels();
                    }
                    for (std::size_t c = 0; c < n; ++c)
                        worst.add(result.at(q, h * n + c) - sum[c] / total);
                }
            EXPECT_LE(worst.value, 1e-5) << n;
        }
    });
}

namespace {

// A deformable attention of two maps whose inputs lie one behind the other in a vector, to be differentiated
// by small steps.
struct PlainDeformable {
    std::vector<MapSize> maps = {{5, 4}, {2, 3}};
    std::size_t heads = 2, points = 2, queries = 6, channels = 5;
    std::size_t pixels() const { return 26; }
    std::size_t samples() const { return heads * maps.size() * points; }

    // sum of result * g
    double dot(const Padded& values, const Padded& references, const Padded& offsets, const Padded& logits,
               const Padded& g) const {
        double sum = 0;
        for (std::size_t q = 0; q < queries; ++q)
            for (std::size_t h = 0; h < heads; ++h) {
                double total = 0, weighted = 0;
                std::size_t start = 0, sample = h * maps.size() * points;
                for (const MapSize& map : maps) {
                    for (std::size_t p = 0; p < points; ++p, ++sample) {
                        const double weight = std::exp(double(logits.at(q, sample)));
                        total += weight;
                        weighted += weight * along(values, map, start, h,
                                                   double(map.width) * references.at(q, 0) +
                                                       offsets.at(q, 2 * sample) - 0.5,
                                                   double(map.height) * references.at(q, 1) +
                                                       offsets.at(q, 2 * sample + 1) - 0.5,
                                                   g, q);
                    }
                    start += map.pixels();
                }
                sum += weighted / total;
            }
        return sum;
    }

private:
    double along(const Padded& values, const MapSize& map, std::size_t start, std::size_t h, double x,
                 double y, const Padded& g, std::size_t q) const {
        double sum = 0;
        for (std::size_t py = 0; py < map.height; ++py)
            for (std::size_t px = 0; px < map.width; ++px) {
                const double tent =
                    std::max(0.0, 1 - std::abs(x - double(px))) * std::max(0.0, 1 - std::abs(y - double(py)));
                for (std::size_t c = 0; c < channels; ++c)
                    sum += tent * values.at(start + py * map.width + px, h * channels + c) *
                           g.at(q, h * channels + c);
            }
        return sum;
    }
};

} // namespace

TEST(Deformable, Gradients_MatchDifferencesOfDoubleLoops) {
    const PlainDeformable plain;
    Padded values = Padded::random(plain.pixels(), plain.heads * plain.channels, 1);
    const Padded references = Padded::random(plain.queries, 2, 2, 0.5f); // many outside 0..1
    Padded offsets = Padded::random(plain.queries, plain.samples() * 2, 3, 2);
    Padded logits = Padded::random(plain.queries, plain.samples(), 4, 2);
    const Padded g = Padded::random(plain.queries, plain.heads * plain.channels, 5);
    Workers workers(2);
    forEachInstructionSet([&] {
        Padded byValue(plain.pixels(), plain.heads * plain.channels);
        Padded byOffset(plain.queries, plain.samples() * 2), byLogit(plain.queries, plain.samples());
        for (std::size_t r = 0; r < plain.pixels(); ++r)
            for (std::size_t c = 0; c < plain.heads * plain.channels; ++c)
                byValue.at(r, c) = 1; // is added to
        deformableAttentionGradients(workers, plain.heads, plain.points, plain.maps,
                                     std::as_const(values).view(), references.view(),
                                     std::as_const(offsets).view(), std::as_const(logits).view(), g.view(),
                                     {byValue.view(), byOffset.view(), byLogit.view()});
        EXPECT_TRUE(byValue.strangersUntouched() && byOffset.strangersUntouched() &&
                    byLogit.strangersUntouched());
        const auto check = [&](Padded& input, const Padded& found, std::size_t rows, std::size_t columns,
                               float before, const char* name) {
            Worst worst;
            for (std::size_t r = 0; r < rows; ++r)
                for (std::size_t c = 0; c < columns; ++c) {
                    const float x = input.at(r, c), step = 1.f / 256;
                    input.at(r, c) = x + step;
                    const double above = plain.dot(values, references, offsets, logits, g),
                                 high = input.at(r, c);
                    input.at(r, c) = x - step;
                    const double below = plain.dot(values, references, offsets, logits, g),
                                 low = input.at(r, c);
                    input.at(r, c) = x;
                    worst.add(found.at(r, c) - before - (above - below) / (high - low));
                }
            EXPECT_LE(worst.value, 1e-4) << name << " " << instructionSet();
        };
        check(values, byValue, plain.pixels(), plain.heads * plain.channels, 1, "values");
        check(offsets, byOffset, plain.queries, plain.samples() * 2, 0, "offsets");
        check(logits, byLogit, plain.queries, plain.samples(), 0, "logits");
    });
}
