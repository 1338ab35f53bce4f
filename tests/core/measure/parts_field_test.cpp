#include "core/measure/overlap.h"
#include "core/measure/parts_answer.h"
#include "tests/support/parts_picture.h"

#include <gtest/gtest.h>

#include <functional>

namespace tandem {
namespace {

using test::PartsPicture;

constexpr std::int64_t n = PartsPicture::side; // as many pixels as the grid has cells
const SliceBox whole{0, 0, n - 1, n - 1};

SliceMask maskOf(const PartsField& field) {
    SliceMask mask(field.grid.width, field.grid.height);
    for (std::size_t i = 0; i < field.logits.size(); ++i)
        mask.inside[i] = field.logits[i] > 0;
    return mask;
}

SliceImage painted(const std::function<double(double x, double y)>& grey) {
    SliceImage s{n, n, 1, {}};
    for (std::int64_t y = 0; y < n; ++y)
        for (std::int64_t x = 0; x < n; ++x)
            s.values.push_back(static_cast<float>(grey(static_cast<double>(x), static_cast<double>(y))));
    return s;
}

// Truth: tests/core/measure/parts_field_reference.py.
TEST(FindParts, GivesTheReferencesLogits) {
    const auto field = findParts(PartsPicture().image, whole);
    ASSERT_TRUE(field.has_value());
    struct Cell {
        std::size_t x, y;
        float logit;
    };
    for (const Cell& c : std::initializer_list<Cell>{
             {14, 17, 4.5623F},
             {60, 80, 1.5575F},
             {140, 50, -0.3679F},
             {120, 150, 0.5390F},
             {33, 101, 2.3101F},
             {200, 230, -0.2323F},
             {0, 0, -1.2071F},
         })
        EXPECT_NEAR(field->logits[c.y * n + c.x], c.logit, 2e-3) << c.x << ", " << c.y;
}

TEST(FindParts, FindsWhatIsRarer_DarkOrBright_GreyOrInColour) {
    const PartsPicture dark;
    const auto ofDark = findParts(dark.image, whole);
    ASSERT_TRUE(ofDark.has_value());
    EXPECT_GT(dice(maskOf(*ofDark), dark.truth), 0.8);
    SliceImage bright = dark.image, colour{n, n, 3, {}};
    for (float& v : bright.values)
        v = 200 - v;
    for (const float v : dark.image.values)
        colour.values.insert(colour.values.end(), {150, v, 120}); // seen in green alone
    for (const SliceImage& image : {bright, colour}) {
        const auto field = findParts(image, whole);
        ASSERT_TRUE(field.has_value());
        EXPECT_GT(dice(maskOf(*field), dark.truth), 0.8);
    }
}

// Truth: the drawn spots, of which the first lies at (14, 17) and the second at (31.6, 13.6) or so.
TEST(AnswerParts, AClickIsAboutThePartItPointsAt) {
    const auto field = findParts(PartsPicture().image, whole);
    ASSERT_TRUE(field.has_value());
    const auto in = [](const std::vector<float>& logits, std::size_t x, std::size_t y) {
        return logits[y * n + x] > 0;
    };
    const std::vector<float> plain = answerParts(*field, {}, n, n);
    ASSERT_TRUE(in(plain, 14, 17) && in(plain, 12, 15));
    const PointPrompt out{{{14, 17}}, false}, back{{{14, 17}}, true}, ground{{{24, 24}}, true};
    const std::vector<float> without = answerParts(*field, std::vector{out}, n, n);
    EXPECT_FALSE(in(without, 14, 17) || in(without, 12, 15));
    const std::vector<float> again = answerParts(*field, std::vector{out, back}, n, n);
    EXPECT_TRUE(in(again, 14, 17)); // the later one wins
    const std::vector<float> more = answerParts(*field, std::vector{ground}, n, n);
    EXPECT_TRUE(in(more, 24, 24) && in(more, 14, 17));
    for (const std::vector<float>* changed : {&without, &more}) // all that is far away stays
        for (std::size_t y = 60; y < n; ++y)
            for (std::size_t x = 0; x < n; ++x)
                ASSERT_EQ(in(*changed, x, y), in(plain, x, y)) << x << ", " << y;
    EXPECT_EQ(answerParts({{10, 20, 1, 1, 4, 4}, std::vector<float>(16, 3)}, {}, 30, 30).front(),
              -10); // outside
}

TEST(FindParts, FindsNothingInABoxThatLeavesMuchOfThePictureOut) {
    EXPECT_TRUE(findParts(PartsPicture().image, {10, 10, 245, 245}).has_value());
    EXPECT_FALSE(findParts(PartsPicture().image, {40, 40, 215, 215}).has_value());
}

TEST(FindParts, FindsNothingWhereThereIsOneObject_OrNoise_OrTooLittle) {
    const PartsPicture spots;
    const auto hash = [](double x, double y) {
        const double v = std::sin(12.9898 * x + 78.233 * y) * 43758.5453;
        return v - std::floor(v);
    };
    const auto at = [&](double x, double y) {
        return static_cast<double>(spots.image.values[static_cast<std::size_t>(y * n + x)]);
    };
    EXPECT_FALSE(findParts(
        painted([](double x, double y) { return std::hypot(x - 120, y - 130) < 90 ? 60 : 20; }), whole));
    EXPECT_FALSE(findParts(painted(hash), whole));
    SliceImage small{64, 64, 1, {}}; // whose grain is as large as small parts would be
    for (int i = 0; i < 64 * 64; ++i) {
        const double x = i % 64, y = i / 64; // NOLINT(bugprone-integer-division)
        small.values.push_back(
            static_cast<float>(hash(x, y) + hash(x + 1, y) + hash(x, y + 1) + hash(x + 1, y + 1)));
    }
    EXPECT_FALSE(findParts(small, {0, 0, 63, 63}));
    EXPECT_FALSE(findParts(painted([](double, double) { return 7; }), whole));
    EXPECT_FALSE(
        findParts(painted([&](double x, double y) { return x < 128 && y < 160 ? at(x, y) : 100; }), whole));
    EXPECT_FALSE(findParts(painted([](double x, double y) { // a net is one piece
                               return std::fmod(x, 20) < 7 || std::fmod(y, 20) < 7 ? 60 : 100;
                           }),
                           whole));
}

} // namespace
} // namespace tandem
