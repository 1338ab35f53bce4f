#include "core/tools/point_prompt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

namespace tandem {
namespace {

PointPrompt scribble(std::initializer_list<Point<SlicePx>> points, bool foreground = true) {
    std::vector<Point<SlicePx>> all(points);
    return {all.front(), foreground, {all.begin() + 1, all.end()}};
}

double distanceToLine(double x, double y, const Point<SlicePx>& a, const Point<SlicePx>& b) {
    const double dx = b[0] - a[0], dy = b[1] - a[1], length2 = dx * dx + dy * dy;
    const double t = length2 > 0 ? std::clamp(((x - a[0]) * dx + (y - a[1]) * dy) / length2, 0.0, 1.0) : 0.0;
    return std::hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}

double distanceToStroke(const SlicePixel& p, const PointPrompt& stroke) {
    double best = std::numeric_limits<double>::infinity();
    const auto v = verticesOf(stroke);
    for (std::size_t n = 0; n + 1 < v.size(); ++n)
        best = std::min(best,
                        distanceToLine(static_cast<double>(p.x), static_cast<double>(p.y), v[n], v[n + 1]));
    return best;
}

PointPrompt randomStroke(std::mt19937& random, double low, double high) {
    std::uniform_real_distribution<double> place(low, high);
    PointPrompt s{{{place(random), place(random)}}, true};
    for (int n = 0; n < 4; ++n)
        s.along.push_back({{place(random), place(random)}});
    return s;
}

TEST(PointPrompt, Click_CoversThePixelItStandsOn) {
    EXPECT_EQ(pixelsUnder({{{3.4, 6.6}}, true}, 10, 10), (std::vector<SlicePixel>{{3, 7}}));
    EXPECT_TRUE(pixelsUnder({{{10, 6}}, true}, 10, 10).empty());
    EXPECT_TRUE(pixelsUnder({{{NAN, 6}}, true}, 10, 10).empty());
}

TEST(PointPrompt, Scribble_IsAnUnbrokenLineAlongItsPoints) {
    std::mt19937 random(5);
    for (int trial = 0; trial < 200; ++trial) {
        const PointPrompt s = randomStroke(random, 0, 39);
        const std::vector<SlicePixel> pixels = pixelsUnder(s, 40, 40);
        for (std::size_t n = 1; n < pixels.size(); ++n)
            EXPECT_EQ(1, std::max(std::abs(pixels[n].x - pixels[n - 1].x),
                                  std::abs(pixels[n].y - pixels[n - 1].y)));
        const std::set<SlicePixel> set(pixels.begin(), pixels.end());
        for (const Point<SlicePx>& v : verticesOf(s))
            EXPECT_TRUE(set.contains({std::llround(v[0]), std::llround(v[1])}));
        for (const SlicePixel& p : pixels) // ends are rounded, then the line: half a pixel's diagonal each
            EXPECT_LE(distanceToStroke(p, s), std::sqrt(0.5) + 0.5);
    }
}

TEST(PointPrompt, Scribble_OutsideTheSliceIsLeftOut_AndTheRestIsAsItWouldBe) {
    std::mt19937 random(6);
    std::size_t inside = 0;
    for (int trial = 0; trial < 300; ++trial) {
        const PointPrompt s = randomStroke(random, -70, 90);
        std::vector<SlicePixel> expected;
        PointPrompt moved = s; // the same stroke on a slice that holds all of it
        for (Point<SlicePx>* v :
             {&moved.at, &moved.along[0], &moved.along[1], &moved.along[2], &moved.along[3]})
            *v = {{std::round((*v)[0]) + 100, std::round((*v)[1]) + 100}};
        for (const SlicePixel& p : pixelsUnder(moved, 200, 200))
            if (p.x >= 100 && p.x < 124 && p.y >= 100 && p.y < 117)
                expected.push_back({p.x - 100, p.y - 100});
        inside += expected.size();
        EXPECT_EQ(pixelsUnder(s, 24, 17), expected);
    }
    EXPECT_GT(inside, 1000u);
}

TEST(PointPrompt, Scribble_WithAbsurdPlaces_IsNothingToWaitFor) {
    constexpr double big = std::numeric_limits<double>::max(), inf = std::numeric_limits<double>::infinity();
    const auto pixels =
        pixelsUnder(scribble({{{-big, 5}}, {{big, 5}}, {{NAN, 2}}, {{3, inf}}, {{big, 5}}}), 8, 8);
    EXPECT_EQ(pixels.size(), 8u);
    EXPECT_TRUE(std::all_of(pixels.begin(), pixels.end(), [](const SlicePixel& p) { return p.y == 5; }));
}

TEST(PointPrompt, WhereScribblesCross_TheLaterOneDecides) {
    const std::vector<PointPrompt> prompts{
        scribble({{{0, 4}}, {{8, 4}}}, true), scribble({{{4, 0}}, {{4, 8}}}, false), {{{4, 8}}, true}};
    const std::vector<std::uint8_t> decided = decidedPixels(prompts, 9, 9);
    for (std::size_t y = 0; y < 9; ++y)
        for (std::size_t x = 0; x < 9; ++x)
            EXPECT_EQ(int{decided[y * 9 + x]}, x == 4 && y == 8 ? 1
                                               : x == 4         ? 2
                                               : y == 4         ? 1
                                                                : 0)
                << x << " " << y;
}

TEST(PointPrompt, PointsAlong_AreEvenlySpread) {
    const PointPrompt s = scribble({{{0, 0}}, {{10, 0}}, {{10, 0}}, {{10, 20}}});
    EXPECT_EQ(lengthOf(s), 30);
    EXPECT_EQ(pointsAlong(s, 3), (std::vector<Point<SlicePx>>{{{5, 0}}, {{10, 5}}, {{10, 15}}}));
    EXPECT_EQ(pointsAlong({{{7, 8}}, true}, 3), (std::vector<Point<SlicePx>>{{{7, 8}}}));
    EXPECT_EQ(pointsAlong(scribble({{{7, 8}}, {{7, 8}}}), 3), (std::vector<Point<SlicePx>>{{{7, 8}}}));
}

} // namespace
} // namespace tandem
