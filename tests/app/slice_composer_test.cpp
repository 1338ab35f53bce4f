#include "app/gui/document/slice_composer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <random>

namespace tandem {
namespace {

using Pixels = std::vector<std::uint32_t>;

struct Scene {
    ScreenSlice<float> grey{0, 0, 1, {}};
    ScreenSlice<std::uint16_t> labels{0, 0, 1, {}};
    std::vector<std::uint32_t> colours = std::vector<std::uint32_t>(65536, 0u);
    SlicePicture picture;

    Scene(std::int64_t w, std::int64_t h) {
        grey = {w, h, 1, std::vector<float>(static_cast<std::size_t>(w * h))};
        labels = {w, h, 1, std::vector<std::uint16_t>(static_cast<std::size_t>(w * h))};
        picture.grey = &grey;
        picture.labels = &labels;
        picture.labelColours = colours.data();
        picture.u0 = picture.v0 = -0.5;
    }
    Pixels draw(int width, int height) {
        Pixels out(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
        composeSlice(picture, out.data(), width, height);
        return out;
    }
};

// Linear interpolation at a point with the edge values going on outside; the definition, in doubles.
double interpolated(const ScreenSlice<float>& s, double u, double v) {
    const auto at = [&](double a, double b) {
        const auto i = static_cast<std::int64_t>(std::clamp(a, 0.0, static_cast<double>(s.width - 1)));
        const auto j = static_cast<std::int64_t>(std::clamp(b, 0.0, static_cast<double>(s.height - 1)));
        return static_cast<double>(s.row(j)[i]);
    };
    const double a = std::floor(u), b = std::floor(v), f = u - a, g = v - b;
    return (at(a, b) * (1 - f) + at(a + 1, b) * f) * (1 - g) +
           (at(a, b + 1) * (1 - f) + at(a + 1, b + 1) * f) * g;
}

TEST(SliceComposer, InvertedWindow_ShowsTheLowestValueWhite) {
    Scene s(3, 1);
    s.grey.values = {-160, 40, 240};
    s.picture.u0 = s.picture.v0 = -0.5;
    s.picture.voxelsPerPixelU = s.picture.voxelsPerPixelV = 1;
    s.picture.window = {40, 400, true};
    const Pixels out = s.draw(3, 1);
    EXPECT_EQ(out[0] & 0xff, 255U);
    EXPECT_NEAR(static_cast<double>(out[1] & 0xff), 127.5, 1);
    EXPECT_EQ(out[2] & 0xff, 0U);
}

TEST(SliceComposer, Grey_IsTheWindowedInterpolationOfTheVoxels) {
    Scene s(13, 9);
    std::mt19937 random(5);
    std::uniform_real_distribution<float> hu(-200, 300);
    for (float& v : s.grey.values)
        v = hu(random);
    s.picture.window = {40, 400};
    s.picture.u0 = -1.3;
    s.picture.v0 = 0.7;
    s.picture.voxelsPerPixelU = 0.21;
    s.picture.voxelsPerPixelV = 0.13;
    const Pixels out = s.draw(80, 70);
    int inside = 0;
    for (int y = 0; y < 70; ++y)
        for (int x = 0; x < 80; ++x) {
            const double u = -1.3 + (x + 0.5) * 0.21, v = 0.7 + (y + 0.5) * 0.13;
            const std::uint32_t got = out[static_cast<std::size_t>(y * 80 + x)];
            if (u < -0.5 || u >= 12.5 || v < -0.5 || v >= 8.5) {
                EXPECT_EQ(got, s.picture.background);
                continue;
            }
            ++inside;
            const double expected = std::clamp((interpolated(s.grey, u, v) + 160) * 255 / 400, 0.0, 255.0);
            EXPECT_NEAR(static_cast<double>(got & 0xff), expected, 1.0);
            EXPECT_EQ((got >> 16) & 0xff, got & 0xff);
        }
    EXPECT_GT(inside, 3000);
}

TEST(SliceComposer, SmallerPicture_AveragesTheVoxelsOfAPixel) {
    Scene s(64, 64);
    for (std::int64_t v = 0; v < 64; ++v)
        for (std::int64_t u = 0; u < 64; ++u)
            s.grey.values[static_cast<std::size_t>(v * 64 + u)] = (u + v) % 2 ? 255.0F : 0.0F;
    s.picture.window = {127.5, 255};
    s.picture.voxelsPerPixelU = s.picture.voxelsPerPixelV = 4;
    for (std::uint32_t p : s.draw(16, 16))
        EXPECT_NEAR(static_cast<double>(p & 0xff), 127.5, 1.0);
}

TEST(SliceComposer, Masks_CoverTheirVoxelsPixelsAndNoOther) {
    Scene s(12, 10);
    std::mt19937 random(9);
    for (std::uint16_t& l : s.labels.values)
        l = static_cast<std::uint16_t>(random() % 4); // 3 is hidden
    s.colours[1] = 0xffff0000;
    s.colours[2] = 0xff0000ff;
    s.picture.window = {1000, 10}; // black
    s.picture.fillOpacity = 1;
    s.picture.voxelsPerPixelU = s.picture.voxelsPerPixelV = 1.0 / 7;
    const Pixels out = s.draw(84, 70);
    for (int y = 0; y < 70; ++y)
        for (int x = 0; x < 84; ++x) {
            const std::uint16_t label = s.labels.values[static_cast<std::size_t>((y / 7) * 12 + x / 7)];
            const std::uint32_t expected = label == 1 || label == 2 ? s.colours[label] : 0xff000000;
            EXPECT_EQ(out[static_cast<std::size_t>(y * 84 + x)], expected) << x << "," << y;
        }
}

TEST(SliceComposer, Outline_IsOpaqueAtTheEdgeAndTheInsideIsNot) {
    Scene s(10, 10);
    for (std::int64_t v = 3; v < 7; ++v)
        for (std::int64_t u = 3; u < 7; ++u)
            s.labels.values[static_cast<std::size_t>(v * 10 + u)] = 1;
    s.colours[1] = 0xff00ff00;
    s.picture.window = {1000, 10};
    s.picture.voxelsPerPixelU = s.picture.voxelsPerPixelV = 0.1;
    const Pixels out = s.draw(100, 100);
    EXPECT_EQ(out[50 * 100 + 30], 0xff00ff00);
    EXPECT_EQ(out[50 * 100 + 69], 0xff00ff00);
    EXPECT_EQ(out[50 * 100 + 29], 0xff000000);
    EXPECT_EQ(out[50 * 100 + 70], 0xff000000);
    const std::uint32_t middle = out[50 * 100 + 50];
    EXPECT_NEAR((middle >> 8) & 0xff, 0.35 * 255, 2);
}

TEST(SliceComposer, ValuesThatAreNotFinite_AreBlackNotUndefined) {
    Scene s(3, 3);
    for (float& v : s.grey.values)
        v = NAN;
    s.grey.values[4] = INFINITY;
    s.picture.window = {0, 1};
    s.picture.voxelsPerPixelU = s.picture.voxelsPerPixelV = 0.5;
    EXPECT_EQ(s.draw(6, 6).front(), 0xff000000);
}

TEST(ScreenTurn, PutsEveryVoxelWhereUAndVSay) {
    for (int bits = 0; bits < 8; ++bits) {
        ScreenOrientation o;
        o.transpose = bits & 1;
        o.flipHorizontal = bits & 2;
        o.flipVertical = bits & 4;
        const ScreenTurn turn(o, 5, 3);
        std::vector<std::uint16_t> values(15);
        for (std::size_t n = 0; n < 15; ++n)
            values[n] = static_cast<std::uint16_t>(n);
        const auto turned = turn.turned(values);
        EXPECT_EQ(turned.width, o.transpose ? 3 : 5);
        for (std::int64_t y = 0; y < 3; ++y)
            for (std::int64_t x = 0; x < 5; ++x)
                EXPECT_EQ(turned.row(turn.v(x, y))[turn.u(x, y)], y * 5 + x);
    }
}

TEST(SliceComposer, Frame512To900_StaysWithinAFrame) {
    Scene s(512, 512);
    for (std::size_t n = 0; n < s.grey.values.size(); ++n) {
        s.grey.values[n] = static_cast<float>(n % 997);
        s.labels.values[n] = static_cast<std::uint16_t>((n / 40) % 5 ? 0 : 1);
    }
    s.colours[1] = 0xffff0000;
    s.picture.window = {400, 800};
    s.picture.voxelsPerPixelU = s.picture.voxelsPerPixelV = 512.0 / 900;
    std::vector<double> ms;
    for (int n = 0; n < 25; ++n) {
        const std::clock_t start = std::clock();
        (void)s.draw(900, 900);
        ms.push_back(1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    }
    std::nth_element(ms.begin(), ms.begin() + 12, ms.end());
    std::printf("512x512 -> 900x900 with masks: median %.2f ms of processor time\n", ms[12]);
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(ms[12], 16.0);
#endif
}

} // namespace
} // namespace tandem
