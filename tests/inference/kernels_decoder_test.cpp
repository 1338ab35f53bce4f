// The decoder's kernels against plain loops in double precision.
#include "inference/kernels/bfloat16.h"
#include "inference/kernels/elementwise.h"
#include "inference/kernels/mask_head.h"
#include "inference/kernels/two_way.h"
#include "tests/inference/kernels_support.h"

#include <gtest/gtest.h>

#include <utility>

using namespace tandem::kernels;
using namespace tandem::kernels::test;

namespace {

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

// A map of numbers.
struct Map {
    PixelCut cut;
    std::size_t rows;
    std::vector<float> values;
    Map(const PixelCut& c, std::size_t count, float fill = 0)
        : cut(c), rows(count), values(c.floats(count), fill) {}
    static Map random(const PixelCut& c, std::size_t count, unsigned seed, float scale = 1) {
        Map m(c, count);
        m.values = randomVector(m.values.size(), seed, scale);
        return m;
    }
    float& at(std::size_t r, std::size_t p) {
        return values[(p / cut.chunk * rows + r) * cut.stride + p % cut.chunk];
    }
    float at(std::size_t r, std::size_t p) const { return const_cast<Map*>(this)->at(r, p); }
};

// Planes of an image and its tiles.
struct Image {
    std::size_t channels, pixels;
    std::vector<float> planes;
    TiledImage tiles;
    Image(Workers& workers, const PixelCut& cut, std::size_t count, unsigned seed,
          Numbers numbers = Numbers::Float32)
        : channels(count), pixels(cut.pixels), planes(randomVector(count * cut.pixels, seed)) {
        tileImage(workers, cut, planes.data(), {}, channels, numbers, tiles);
    }
    double product(const Padded& rows, std::size_t r, std::size_t p) const {
        double sum = 0;
        for (std::size_t c = 0; c < channels; ++c)
            sum += double(rows.at(r, c)) * planes[c * pixels + p];
        return sum;
    }
};

// A prompt's image: random terms, the last of them 1, and positive scales.
struct PromptMaps {
    Map terms, scale;
    std::size_t used;
    PromptMaps(const PixelCut& cut, std::size_t count, std::size_t capacity, unsigned seed)
        : terms(Map::random(cut, capacity, seed, 0.3f)), scale(Map::random(cut, 1, seed + 1)), used(count) {
        for (std::size_t p = 0; p < cut.pixels; ++p)
            terms.at(used - 1, p) = 1;
        for (float& s : scale.values)
            s = 0.5f + std::abs(s);
    }
    PromptImage view() { return {terms.values.data(), scale.values.data(), used, terms.rows}; }
};

// An image, prompts of some tokens and the matrices of one pass.
struct Case {
    std::size_t pixels, channels, tokens, heads, n, layers;
};
constexpr Case kCases[] = {{1, 1, 1, 1, 1, 1},    {17, 5, 2, 1, 3, 2},    {64, 16, 7, 4, 2, 1},
                           {300, 9, 3, 5, 1, 2},  {1100, 33, 7, 8, 4, 2}, {513, 8, 16, 2, 5, 3},
                           {256, 32, 15, 4, 8, 1}};

// The logit of a pixel: head h of token t, whose row of the `tokens` is given.
double logit(const Case& c, const Image& image, const Padded& projections, const Map& position,
             const PromptMaps& maps, const Padded& tokens, const Padded& coefficients, std::size_t h,
             std::size_t t, std::size_t p) {
    double sum = 0;
    for (std::size_t j = h * c.n; j < (h + 1) * c.n; ++j)
        sum += tokens.at(t, j) *
               (double(maps.scale.at(0, p)) * image.product(projections, j, p) + position.at(j, p));
    for (std::size_t e = 0; e < maps.used; ++e)
        sum += double(coefficients.at(h * c.tokens + t, e)) * maps.terms.at(e, p);
    return sum;
}

ConstMatrix rowsOf(const Padded& m, std::size_t first, std::size_t count) {
    const ConstMatrix all = m.view();
    return {all.row(first), count, all.columns, all.stride};
}

// A row for each head and token: the token's share of the head times its rows, which begin at `first`.
Padded foldedInto(const Case& c, const Padded& tokens, const Padded& rows, std::size_t first) {
    Padded out(c.heads * c.tokens, c.channels);
    for (std::size_t i = 0; i < c.heads * c.tokens; ++i)
        for (std::size_t k = 0; k < c.channels; ++k) {
            double sum = 0;
            for (std::size_t v = i / c.tokens * c.n; v < (i / c.tokens + 1) * c.n; ++v)
                sum += double(tokens.at(i % c.tokens, v)) * rows.at(first + v, k);
            out.at(i, k) = float(sum);
        }
    return out;
}

} // namespace

TEST(PixelTiles, ProjectImage_AnySizeAndCode_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const std::size_t pixels : {1u, 31u, 64u, 1000u, 2100u})
            for (const std::size_t channels : {1u, 7u, 32u})
                for (const std::size_t codes : {std::size_t{0}, channels, channels * pixels}) {
                    const PixelCut cut = cutPixels(pixels);
                    const auto planes = randomVector(channels * pixels, 1), code = randomVector(codes, 2);
                    const Padded rows = Padded::random(17, channels, 3);
                    TiledImage image;
                    tileImage(workers, cut, planes.data(), code, channels, Numbers::Float32, image);
                    LeftPanels left;
                    packLeft(rows.view(), left);
                    Map map(cut, 17, -777.f);
                    projectImage(workers, cut, image, left, map.values.data());
                    Worst worst;
                    for (std::size_t p = 0; p < pixels; ++p)
                        for (std::size_t r = 0; r < 17; ++r) {
                            double sum = 0;
                            for (std::size_t c = 0; c < channels; ++c) {
                                const double add = codes == 0          ? 0.
                                                   : codes == channels ? code[c]
                                                                       : code[c * pixels + p];
                                sum += rows.at(r, c) * (planes[c * pixels + p] + add);
                            }
                            worst.add(map.at(r, p) - sum);
                        }
                    EXPECT_LE(worst.value, 2e-5) << instructionSet() << " " << pixels << "x" << channels;
                }
    });
}

TEST(PixelTiles, PackLeftTransposed_GivesThePanelsOfTheTranspose) {
    forEachInstructionSet([&] {
        for (const Numbers numbers : {Numbers::Float32, Numbers::Bfloat16}) {
            if (numbers == Numbers::Bfloat16 && !hasBfloat16())
                continue;
            const Padded m = Padded::random(19, 31, 1);
            Padded turned(31, 19);
            for (std::size_t r = 0; r < 19; ++r)
                for (std::size_t c = 0; c < 31; ++c)
                    turned.at(c, r) = m.at(r, c);
            inEveryKind([&] {
                LeftPanels a, b;
                packLeft(m.view(), a, numbers);
                packLeftTransposed(static_cast<const Padded&>(turned).view(), b, numbers);
                ASSERT_EQ(a.panels.size(), b.panels.size());
                EXPECT_EQ(std::memcmp(a.panels.data(), b.panels.data(), a.panels.size() * sizeof(float)), 0);
            });
        }
    });
}

TEST(PixelTiles, TileImage_ChainOfNorms_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const std::size_t pixels : {1u, 65u, 1025u}) {
            const std::size_t channels = 19;
            const PixelCut cut = cutPixels(pixels);
            const auto planes = randomVector(channels * pixels, 1), code = randomVector(channels, 2),
                       first = randomVector(channels, 3), second = randomVector(channels, 4);
            const std::vector<const float*> gains{first.data(), second.data()};
            Map squares(cut, 2);
            TiledImage image;
            tileImage(workers, cut, planes.data(), code, channels, Numbers::Float32, image,
                      {gains, squares.values.data()});
            Worst worst;
            for (std::size_t p = 0; p < pixels; ++p) {
                std::vector<double> x(channels);
                for (std::size_t c = 0; c < channels; ++c)
                    x[c] = planes[c * pixels + p] + code[c];
                for (std::size_t i = 0; i < 2; ++i) {
                    double mean = 0, square = 0;
                    for (const double v : x)
                        mean += v / double(channels);
                    for (std::size_t c = 0; c < channels; ++c) {
                        x[c] -= mean;
                        square += x[c] * x[c] / double(channels);
                        x[c] *= gains[i][c];
                    }
                    worst.add(squares.at(i, p) - square);
                }
            }
            EXPECT_LE(worst.value, 1e-5) << instructionSet() << " " << pixels;
        }
    });
}

TEST(PixelTiles, DotProducts_LengthsAroundTheVector_MatchDoubleLoops) {
    forEachInstructionSet([&] {
        for (const std::size_t n : {1u, 3u, 4u, 15u, 16u, 17u, 70u})
            for (const std::size_t rows : {1u, 5u, 8u}) {
                const Padded a = Padded::random(rows, n, 1), b = Padded::random(rows + 2, n, 2);
                Padded result(rows, rows + 2);
                dotProducts(a.view(), b.view(), result.view());
                EXPECT_TRUE(result.strangersUntouched());
                Worst worst;
                for (std::size_t i = 0; i < rows; ++i)
                    for (std::size_t j = 0; j < rows + 2; ++j) {
                        double sum = 0;
                        for (std::size_t k = 0; k < n; ++k)
                            sum += double(a.at(i, k)) * b.at(j, k);
                        worst.add(result.at(i, j) - sum);
                    }
                EXPECT_LE(worst.value, 2e-5) << instructionSet() << " " << n;
            }
    });
}

namespace {

// Two prompts on one image whose tokens attend to it.
struct PoolCase {
    Case c;
    PixelCut cut = cutPixels(c.pixels);
    std::size_t inner = c.heads * c.n, queries = c.heads * c.tokens, used = 3 * c.layers;
    Image image;
    Numbers numbers;
    Padded projections = Padded::random(2 * inner, c.channels, 2, 0.4f);
    Map position = Map::random(cut, inner, 3);
    std::vector<PromptMaps> maps;
    std::vector<Padded> tokens, coefficients, values, means;
    std::vector<PoolPrompt> prompts{2};

    PoolCase(Workers& workers, const Case& shape, Numbers n)
        : c(shape), image(workers, cut, c.channels, 1, n), numbers(n) {
        for (unsigned b = 0; b < 2; ++b) {
            maps.emplace_back(cut, used, used + 2, 10 + 2 * b);
            tokens.push_back(Padded::random(c.tokens, inner, 20 + b, 0.5f));
            coefficients.push_back(Padded::random(queries, used, 30 + b));
            values.emplace_back(queries, c.n);
            means.emplace_back(queries, used);
        }
        for (std::size_t b = 0; b < 2; ++b) {
            prompts[b].image = maps[b].view();
            packHeads(tokens[b].view(), c.heads, prompts[b].queries);
            packLeft(std::as_const(coefficients[b]).view(), prompts[b].coefficients, numbers);
            prompts[b].values = values[b].view();
            prompts[b].means = means[b].view();
        }
    }
    // Both prompts, or the second alone with its queries folded into the keys.
    void run(Workers& workers, bool folded) {
        const Padded rows = foldedInto(c, tokens[1], projections, 0);
        LeftPanels keyRows, valueRows;
        packLeft(folded ? rows.view() : rowsOf(projections, 0, inner), keyRows, numbers);
        packLeft(rowsOf(projections, inner, inner), valueRows, numbers);
        poolImage(workers, cut, {&image.tiles, &keyRows, folded, &valueRows, position.values.data()},
                  std::span(prompts).last(folded ? 1 : 2));
    }
    // Of prompt b, relative to the largest value.
    double error(std::size_t b) const {
        Worst worst, size;
        for (std::size_t i = 0; i < queries; ++i) {
            const std::size_t h = i / c.tokens;
            std::vector<double> w(c.pixels);
            for (std::size_t p = 0; p < c.pixels; ++p)
                w[p] = logit(c, image, projections, position, maps[b], tokens[b], coefficients[b], h,
                             i % c.tokens, p);
            w = softmax(w);
            for (std::size_t j = 0; j < c.n + used; ++j) {
                double sum = 0;
                for (std::size_t p = 0; p < c.pixels; ++p)
                    sum += w[p] * (j < c.n ? maps[b].scale.at(0, p) *
                                                 image.product(projections, inner + h * c.n + j, p)
                                           : maps[b].terms.at(j - c.n, p));
                worst.add((j < c.n ? values[b].at(i, j) : means[b].at(i, j - c.n)) - sum);
                size.add(sum);
            }
        }
        return values[b].strangersUntouched() && means[b].strangersUntouched() ? worst.value / size.value
                                                                               : INFINITY;
    }
};

} // namespace

TEST(TwoWay, PoolImage_SizesAroundTilesAndChunks_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const Case& c : kCases) {
            PoolCase world(workers, c, Numbers::Float32);
            world.run(workers, false);
            // a logit of 30 that is a float32 sum of 70 terms is off by 6e-6, its exponential by that share
            EXPECT_LE(world.error(0), 2e-5) << instructionSet() << " " << c.pixels << "x" << c.channels;
            EXPECT_LE(world.error(1), 2e-5) << instructionSet() << " " << c.pixels << "x" << c.channels;
            world.run(workers, true);
            EXPECT_LE(world.error(1), 2e-5) << instructionSet() << " folded " << c.pixels;
        }
    });
}

TEST(TwoWay, PoolImage_LogitsFarApart_KeepsItsFooting) {
    Workers workers(2);
    const PixelCut cut = cutPixels(1200);
    const Image image(workers, cut, 1, 1);
    const Padded projections = Padded::random(2, 1, 2), query = Padded::random(1, 1, 3);
    Map position(cut, 1);
    for (std::size_t p = 0; p < 1200; ++p)
        position.at(0, p) =
            (p == 817 ? 900.f : -900.f) / query.at(0, 0); // one pixel wins, not the first chunk
    LeftPanels keyRows, valueRows;
    packLeft(rowsOf(projections, 0, 1), keyRows);
    packLeft(rowsOf(projections, 1, 1), valueRows);
    PromptMaps maps(cut, 1, 1, 4);
    Padded coefficients = Padded::random(1, 1, 5), values(1, 1), means(1, 1);
    std::vector<PoolPrompt> prompts(1);
    prompts[0].image = maps.view();
    packHeads(query.view(), 1, prompts[0].queries);
    packLeft(static_cast<const Padded&>(coefficients).view(), prompts[0].coefficients);
    prompts[0].values = values.view();
    prompts[0].means = means.view();
    poolImage(workers, cut, {&image.tiles, &keyRows, false, &valueRows, position.values.data()}, prompts);
    EXPECT_LE(std::abs(values.at(0, 0) - maps.scale.at(0, 817) * image.product(projections, 1, 817)), 1e-6);
    EXPECT_LE(std::abs(means.at(0, 0) - 1), 1e-6);
}

namespace {

// A prompt in the last of c.layers layers whose tokens give to its image.
struct SpreadCase {
    Case c;
    PixelCut cut = cutPixels(c.pixels);
    std::size_t inner = c.heads * c.n, queries = c.heads * c.tokens;
    std::size_t count = c.layers * (queries + 1), used = count - queries;
    Image image;
    Numbers numbers;
    Padded projections = Padded::random(inner * (c.layers + 1) + c.layers, c.channels, 2, 0.4f);
    Padded keys = Padded::random(c.tokens, inner, 20), coefficients = Padded::random(queries, used, 30);
    Map position = Map::random(cut, inner, 3), squares = Map(cut, 3);
    std::vector<Padded> given; // by each layer: a row for each head and token
    Padded rows;               // what a term gives
    PromptMaps maps = PromptMaps(cut, used, count + 1, 10), before = maps;
    std::vector<HeadPanels> values;
    std::vector<SpreadPrompt> prompts{1};

    SpreadCase(Workers& workers, const Case& shape, Numbers n)
        : c(shape), image(workers, cut, c.channels, 1, n), numbers(n), rows(count, c.channels),
          values(c.layers) {
        for (std::size_t p = 0; p < c.pixels; ++p)
            for (std::size_t k = 0; k < c.channels; ++k)
                squares.at(1, p) += float(std::pow(image.planes[k * c.pixels + p], 2) / double(c.channels));
        for (std::size_t j = 0; j < c.layers; ++j) {
            const Padded tokens = Padded::random(c.tokens, inner, 40 + unsigned(j));
            packHeads(tokens.view(), c.heads, values[j]);
            given.push_back(foldedInto(c, tokens, projections, inner * (j + 1)));
        }
        for (std::size_t e = 0; e < count; ++e)
            for (std::size_t k = 0, j = e / (queries + 1), i = e % (queries + 1); k < c.channels; ++k)
                rows.at(e, k) =
                    i == 0 ? projections.at(inner * (c.layers + 1) + j, k) : given[j].at(i - 1, k);
        prompts[0].image = maps.view();
        packHeads(std::as_const(keys).view(), c.heads, prompts[0].keys);
        packLeft(std::as_const(coefficients).view(), prompts[0].coefficients, numbers);
        prompts[0].values = values;
        packLeft(gram().view(), prompts[0].gram, numbers);
    }
    // Numbers below the diagonal that would be noticed; a panel's own triangle is read.
    Padded gram() const {
        Padded out(count, count);
        for (std::size_t e = 0; e < count; ++e)
            for (std::size_t f = 0; f < count; ++f) {
                double sum = 0;
                for (std::size_t k = 0; k < c.channels; ++k)
                    sum += double(rows.at(e, k)) * rows.at(f, k) / double(c.channels);
                const std::size_t height = tileNumbers(numbers).panelRows(), panel = e / height * height;
                out.at(e, f) = f < panel ? 1e9f : f < e ? 0.f : float(f > e ? 2 * sum : sum);
            }
        return out;
    }
    void run(Workers& workers, bool folded) {
        Padded crossRows(c.layers * queries, c.channels);
        for (std::size_t i = 0; i < c.layers * queries; ++i)
            for (std::size_t k = 0; k < c.channels; ++k)
                crossRows.at(i, k) = given[i / queries].at(i % queries, k);
        const Padded keyRows = foldedInto(c, keys, projections, 0);
        LeftPanels left, crosses, constants;
        packLeft(folded ? keyRows.view() : rowsOf(projections, 0, inner), left, numbers);
        packLeft(folded ? std::as_const(crossRows).view() : rowsOf(projections, inner, c.layers * inner),
                 crosses, numbers);
        packLeft(rowsOf(projections, inner * (c.layers + 1), c.layers), constants, numbers);
        spreadTokens(workers, cut,
                     {&image.tiles, &left, &crosses, folded, &constants, position.values.data(),
                      squares.values.data(), 1, 3, c.channels, 1e-3f},
                     prompts);
    }
    // The terms of a pixel before the division, this layer's behind the others.
    std::vector<double> termsAt(std::size_t p) const {
        std::vector<double> terms(count), w(c.tokens);
        for (std::size_t e = 0; e < used; ++e)
            terms[e] = before.terms.at(e, p);
        for (std::size_t h = 0; h < c.heads; ++h) {
            for (std::size_t t = 0; t < c.tokens; ++t)
                w[t] = logit(c, image, projections, position, before, keys, coefficients, h, t, p);
            const std::vector<double> weights = softmax(w);
            std::copy(weights.begin(), weights.end(), &terms[used + h * c.tokens]);
        }
        return terms;
    }
    double error() const {
        Worst worst;
        for (std::size_t p = 0; p < c.pixels; ++p) {
            const std::vector<double> terms = termsAt(p);
            double variance = 1e-3;
            for (std::size_t k = 0; k < c.channels; ++k) {
                double x = double(before.scale.at(0, p)) * image.planes[k * c.pixels + p];
                for (std::size_t e = 0; e < count; ++e)
                    x += terms[e] * rows.at(e, k);
                variance += x * x / double(c.channels);
            }
            for (std::size_t e = 0; e < count; ++e)
                worst.add(maps.terms.at(e, p) * std::sqrt(variance) - terms[e]);
            worst.add(maps.terms.at(count, p) - 1);
            worst.add(maps.scale.at(0, p) * std::sqrt(variance) - before.scale.at(0, p));
        }
        return worst.value;
    }
};

} // namespace

TEST(TwoWay, SpreadTokens_EveryLayer_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const Case& c : kCases)
            for (const bool folded : {false, true}) {
                SpreadCase world(workers, c, Numbers::Float32);
                world.run(workers, folded);
                // the variance is a difference of larger sums: with one channel up to 300 times it
                EXPECT_LE(world.error(), c.channels < 9 ? 2e-3 : 5e-5)
                    << instructionSet() << " " << c.pixels << "x" << c.channels;
            }
    });
}

// Logits and variances of rounded factors: a logit of 20 is off by up to 0.05, its weight by that share.
TEST(TwoWay, BothWaysInBfloat16_StayNearDoubleLoops) {
    if (!hasBfloat16())
        GTEST_SKIP() << "this processor has no bfloat16 instructions";
    Workers workers(2);
    inEveryKind([&] {
        for (const Case& c : kCases) {
            if (c.channels < 16)
                continue; // sums of few numbers cancel
            for (const bool folded : {false, true}) {
                PoolCase pool(workers, c, Numbers::Bfloat16);
                pool.run(workers, folded);
                EXPECT_LE(pool.error(1), 0.1) << c.pixels;
                EXPECT_GT(pool.error(1), 1e-5) << c.pixels; // it did compute with fewer bits
                SpreadCase spread(workers, c, Numbers::Bfloat16);
                spread.run(workers, folded);
                EXPECT_LE(spread.error(), 0.1) << c.pixels;
                EXPECT_GT(spread.error(), 1e-5) << c.pixels;
            }
        }
    });
}

namespace {

struct HeadShape {
    std::size_t height, width, inputs, between, channels, masks;
};

// An upscaling with random weights, and a plain version of it.
struct Head {
    HeadShape s;
    Padded first, second;
    std::vector<float> gain, shift, bias;
    MaskHead packed;
    Head(const HeadShape& shape, Numbers numbers)
        : s(shape), first(Padded::random(4 * s.between, s.inputs, 3, 0.5f)),
          second(Padded::random(4 * s.channels, s.between, 4, 0.5f)), gain(randomVector(s.between, 7)),
          shift(randomVector(s.between, 8)), bias(randomVector(4 * s.channels, 6)) {
        packLeft(std::as_const(first).view(), packed.first, numbers);
        packLeft(std::as_const(second).view(), packed.second, numbers);
        packed.norm = {gain.data(), shift.data(), 1e-3f};
        packed.secondBias = bias.data();
    }
    // The logits of one pixel from the first product on, one for each sub-pixel.
    double logit(const std::vector<double>& middle, const Padded& hypers, std::size_t m, std::size_t outer,
                 std::size_t inner) const {
        const double* x = &middle[outer * s.between];
        double variance = 1e-3, sum = 0;
        for (std::size_t i = 0; i < s.between; ++i)
            variance += x[i] * x[i] / double(s.between);
        for (std::size_t o = 0; o < s.channels; ++o) {
            double y = bias[inner * s.channels + o];
            for (std::size_t i = 0; i < s.between; ++i)
                y += exactGelu(x[i] / std::sqrt(variance) * gain[i] + shift[i]) *
                     second.at(inner * s.channels + o, i);
            sum += exactGelu(y) * hypers.at(m, o);
        }
        return sum;
    }
};

// The largest error of upscaleMasks, relative to the largest logit.
double upscaleError(Workers& workers, const HeadShape& s, Numbers numbers) {
    const PixelCut cut = cutPixels(s.height * s.width);
    const Image image(workers, cut, s.inputs, 1, numbers);
    const Head head(s, numbers);
    PromptMaps maps(cut, 7, 9, 10);
    const Padded given = Padded::random(7, 4 * s.between, 12),
                 hypers = Padded::random(s.masks, s.channels, 2);
    std::vector<float> masks(s.masks * 16 * cut.pixels, -7777.f);
    std::vector<MaskPrompt> prompts(1);
    prompts[0].image = maps.view();
    packLeftTransposed(given.view(), prompts[0].terms, numbers);
    prompts[0].hypers = hypers.view();
    prompts[0].masks = masks.data();
    upscaleMasks(workers, cut, head.packed, image.tiles, s.width, prompts);
    Worst worst, size;
    for (std::size_t p = 0; p < cut.pixels; ++p) {
        std::vector<double> middle(4 * s.between);
        for (std::size_t o = 0; o < middle.size(); ++o) {
            middle[o] = maps.scale.at(0, p) * image.product(head.first, o, p);
            for (std::size_t e = 0; e < 7; ++e)
                middle[o] += double(given.at(e, o)) * maps.terms.at(e, p);
        }
        for (std::size_t t = 0; t < 16 * s.masks; ++t) {
            const std::size_t m = t / 16, outer = t / 4 % 4, inner = t % 4;
            const double expected = head.logit(middle, hypers, m, outer, inner);
            const std::size_t y = p / s.width * 4 + outer / 2 * 2 + inner / 2,
                              x = p % s.width * 4 + outer % 2 * 2 + inner % 2;
            worst.add(masks[(m * 4 * s.height + y) * 4 * s.width + x] - expected);
            size.add(expected);
        }
    }
    return worst.value / size.value;
}

constexpr HeadShape kHeadShapes[] = {{1, 1, 4, 1, 1, 1},   {3, 5, 7, 3, 2, 2},     {6, 5, 32, 8, 4, 1},
                                     {9, 7, 33, 17, 9, 3}, {4, 8, 128, 32, 16, 4}, {40, 33, 8, 4, 3, 1}};

} // namespace

TEST(MaskHead, UpscaleMasks_SizesAroundTiles_MatchesDoubleLoops) {
    Workers workers(2);
    forEachInstructionSet([&] {
        for (const HeadShape& s : kHeadShapes)
            EXPECT_LE(upscaleError(workers, s, Numbers::Float32), 1e-5)
                << instructionSet() << " " << s.inputs;
    });
}

// Every factor is off by up to a part in 512 and the errors of many add up at random; the quick GELU adds
// 1e-4.
TEST(MaskHead, UpscaleMasksInBfloat16_StaysNearDoubleLoops) {
    if (!hasBfloat16())
        GTEST_SKIP() << "this processor has no bfloat16 instructions";
    Workers workers(2);
    inEveryKind([&] {
        for (const HeadShape& s : kHeadShapes) {
            const double error = upscaleError(workers, s, Numbers::Bfloat16);
            EXPECT_LE(error, 0.03) << s.inputs;
            EXPECT_GT(error, 1e-5) << s.inputs; // it did compute with fewer bits
        }
    });
}

TEST(Elementwise, RowsToPlanes_AnySize_MovesEveryValue) {
    Workers workers(2);
    for (std::size_t rows : {1u, 15u, 16u, 17u, 130u})
        for (std::size_t columns : {1u, 3u, 16u, 33u}) {
            const auto planes = randomVector(rows * columns, 1);
            Padded m(rows, columns);
            for (std::size_t r = 0; r < rows; ++r)
                for (std::size_t c = 0; c < columns; ++c)
                    m.view().row(r)[c] = planes[c * rows + r];
            std::vector<float> moved(planes.size());
            rowsToPlanes(workers, m.view(), moved.data());
            EXPECT_TRUE(moved == planes);
        }
}
