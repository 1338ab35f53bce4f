#include "core/measure/baselines.h"
#include "inference/predict/focus.h"
#include "inference/predict/focus_box.h"
#include "tests/inference/predict/focus_scene.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

using test::boxOnly;
using test::Scene;

TEST(FocusCrop, IsTwiceTheLongerSideAroundTheBox) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    ASSERT_TRUE(crop.has_value());
    EXPECT_EQ(crop->side, 2.0 * 29);
    EXPECT_EQ(crop->centreX, 44.0);
    EXPECT_EQ(crop->centreY, 30.0);
}

TEST(FocusCrop, BoxIsMappedByItsOuterEdges) {
    const Scene s;
    const auto crop =
        makeFocusCrop(s.image, boxOnly({10, 20, 19, 29}), 256); // 10 px: crop of 20, 12.8 input px each
    ASSERT_TRUE(crop.has_value());
    const SliceBox b = crop->modelBox();
    EXPECT_NEAR(b.x0, 64, 1e-9); // the left edge of pixel 10 is a quarter into the crop
    EXPECT_NEAR(b.x1, 191, 1e-9);
    EXPECT_NEAR(b.y0, 64, 1e-9);
    EXPECT_NEAR(b.y1, 191, 1e-9);
    const Point<ModelPx> middle = crop->modelFromSlice({{14.5, 24.5}});
    EXPECT_NEAR(middle[0], 127.5, 1e-9);
    EXPECT_NEAR(middle[1], 127.5, 1e-9);
}

TEST(FocusCrop, GridAndPointsAgree) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const CropGrid g = crop->grid(256);
    for (int i : {0, 17, 255}) {
        const Point<ModelPx> p = crop->modelFromSlice({{g.centreX(i), g.centreY(i)}});
        EXPECT_NEAR(p[0], i, 1e-9);
        EXPECT_NEAR(p[1], i, 1e-9);
    }
}

TEST(FocusCrop, GrowsToHoldEveryClick) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    p.points.push_back({{{2, 58}}, false});
    const auto crop = makeFocusCrop(s.image, p, 256);
    ASSERT_TRUE(crop.has_value());
    const Point<ModelPx> at = crop->modelFromSlice({{2, 58}});
    EXPECT_GT(at[0], 0.0);
    EXPECT_LT(at[1], 255.0);
}

TEST(FocusCrop, GrowsToHoldEveryScribble) {
    const Scene s;
    Prompts p = boxOnly(s.box);
    p.points.push_back({{{44, 30}}, false, {{{2, 58}}, {{44, 40}}}});
    const auto crop = makeFocusCrop(s.image, p, 256);
    ASSERT_TRUE(crop.has_value());
    const Point<ModelPx> at = crop->modelFromSlice({{2, 58}});
    EXPECT_GT(at[0], 0.0);
    EXPECT_LT(at[1], 255.0);
}

TEST(FocusCrop, SenselessPrompts_AreRefused) {
    const Scene s;
    EXPECT_FALSE(makeFocusCrop(s.image, {}, 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, boxOnly({9, 9, 3, 12}), 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, boxOnly({0, 0, std::nan(""), 5}), 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, {std::nullopt, {{{{5, 5}}, false}}}, 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, {std::nullopt, {{{{INFINITY, 5}}, true}}}, 256).has_value());
    EXPECT_FALSE(makeFocusCrop(s.image, {std::nullopt, {{{{5, 5}}, true, {{{NAN, 5}}}}}}, 256).has_value());
}

TEST(EstimateBox, PointOnAnEvenObject_FindsItsBox) {
    const Scene s;
    const auto box = estimateBox(s.image, {{{{44, 30}}, true}});
    ASSERT_TRUE(box.has_value());
    EXPECT_NEAR(box->x0, 30, 5);
    EXPECT_NEAR(box->x1, 58, 5);
    EXPECT_NEAR(box->y0, 21, 4);
    EXPECT_NEAR(box->y1, 39, 4);
}

TEST(EstimateBox, Scribble_IsHeldWhole_AndLooksAroundItsMiddle) {
    const Scene s;
    const auto box = estimateBox(s.image, {{{{18, 30}}, true, {{{70, 30}}}}}); // begins and ends beside it
    ASSERT_TRUE(box.has_value());
    EXPECT_EQ(box->x0, 18);
    EXPECT_EQ(box->x1, 70);
    EXPECT_NEAR(box->y0, 21, 4);
    EXPECT_NEAR(box->y1, 39, 4);
}

// Noise between a faint object that fills most of the slice and its ground: too large for a click to find.
TEST(EstimateBox, Scribble_FindsALargeFaintObject) {
    SliceImage image{120, 100, 1, std::vector<float>(120 * 100)};
    std::uint32_t random = 7;
    for (std::int64_t y = 0; y < 100; ++y)
        for (std::int64_t x = 0; x < 120; ++x) {
            random = random * 1664525 + 1013904223;
            const double inside = std::hypot((x - 60) / 44.0, (y - 50) / 36.0) <= 1 ? 25 : 0;
            image.values[static_cast<std::size_t>(y * 120 + x)] =
                static_cast<float>(inside + static_cast<double>(random >> 24) / 12 + (y < 4 ? 200 : 0));
        }
    const auto box = estimateBox(image, {{{{40, 40}}, true, {{{60, 60}}, {{75, 45}}}}});
    ASSERT_TRUE(box.has_value());
    const double margin = 0.1 * 88 + 3;
    EXPECT_NEAR(box->x0, 16 - margin / 2, margin);
    EXPECT_NEAR(box->x1, 104 + margin / 2, margin);
    EXPECT_NEAR(box->y0, 14 - margin / 2, margin);
    EXPECT_NEAR(box->y1, 86 + margin / 2, margin);
}

TEST(FocusInput, ChannelsAreGreyBoxAndWalker) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 64);
    const std::vector<float> in = focusInput(s.image, *crop);
    ASSERT_EQ(in.size(), std::size_t{3 * 64 * 64});
    const auto at = [&](std::size_t channel, std::size_t x, std::size_t y) {
        return in[(channel * 64 + y) * 64 + x];
    };
    EXPECT_GT(at(0, 32, 32), 0.5F);
    EXPECT_LT(at(0, 32, 4), -0.5F);
    EXPECT_NEAR(at(1, 32, 32), 1.0F, 0.02F);
    EXPECT_EQ(at(1, 2, 2), -1.0F);
    EXPECT_GT(at(2, 32, 32), 0.9F);
    EXPECT_LT(at(2, 17, 23), 0.0F); // a corner of the box: dark ground
    EXPECT_EQ(at(2, 2, 2), -1.0F);
}

TEST(FocusInput, PictureCue_TellsHowLargeTheBoxIsInThePicture) {
    const Scene s; // 80 px wide
    FocusSettings settings;
    settings.pictureCue = true;
    const auto outside = [&](const SliceBox& box, const FocusSettings& f) {
        return focusInput(s.image, *makeFocusCrop(s.image, boxOnly(box), 64, f))[64 * 64];
    };
    EXPECT_EQ(outside({30, 21, 69, 39}, {}), -1.0F);
    EXPECT_NEAR(outside({30, 21, 69, 39}, settings), -0.8F, 1e-6F); // half of it
    EXPECT_NEAR(outside({30, 21, 34, 40}, settings), -0.6F, 1e-6F); // a quarter
    EXPECT_NEAR(outside({0, 0, 79, 59}, settings), -1.0F, 1e-6F);
    EXPECT_NEAR(outside({30, 21, 30, 21}, settings), 0.0F, 1e-6F); // one pixel
}

TEST(FocusInput, GainAndShiftOfTheImage_ChangeNothing) {
    const Scene s;
    SliceImage other = s.image;
    for (float& v : other.values)
        v = 3 * v - 500;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 64);
    const auto a = focusInput(s.image, *crop), b = focusInput(other, *crop);
    for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_NEAR(a[i], b[i], 2e-3);
}

TEST(FocusInput, OutsideTheSlice_IsMinusOne) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly({0, 0, 9, 9}), 64);
    EXPECT_EQ(focusInput(s.image, *crop)[0], -1.0F);
}

TEST(PriorMask, IsHighOnTheObjectAndLowAround) {
    const Scene s;
    const auto crop = makeFocusCrop(s.image, boxOnly(s.box), 256);
    const std::vector<float> prior = priorMask(s.image, *crop, 64);
    EXPECT_GT(prior[32 * 64 + 32], 3.0F);
    EXPECT_LT(prior[4 * 64 + 32], -3.0F);
    EXPECT_LE(*std::max_element(prior.begin(), prior.end()), 6.0F);
}

} // namespace
} // namespace tandem
