#include "core/usecases/propagate_review.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// A disc of a slice of 32 x 32 as a propagated slice.
PropagatedSlice disc(std::int64_t index, double x, double y, double radius, double iou = 0.9) {
    PropagatedSlice s;
    s.slice = {Plane::Axial, index};
    s.label = LabelId{2};
    s.figures.predictedIou = iou;
    s.mask.window = {0, 0, 32, 32};
    for (int j = 0; j < 32; ++j)
        for (int i = 0; i < 32; ++i)
            s.mask.values.push_back(std::hypot(i - x, j - y) <= radius ? 1.0F : -1.0F);
    return s;
}

Propagation rod(std::int64_t slices) {
    Propagation p;
    for (std::int64_t k = 0; k < slices; ++k)
        p.slices.push_back(disc(10 + k, 16, 16, 6));
    return p;
}

void expectOne(const Propagation& p, FindingKind kind, std::int64_t slice, const char* words) {
    const auto findings = reviewPropagation(p);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(static_cast<int>(findings[0].kind), static_cast<int>(kind));
    EXPECT_EQ(findings[0].slice, (SliceKey{Plane::Axial, slice}));
    EXPECT_EQ(findings[0].label.value, 2);
    EXPECT_NE(findings[0].sentence.find(words), std::string::npos);
}

TEST(PropagateReview, SmoothRod_NeedsNoLook) {
    EXPECT_TRUE(reviewPropagation(rod(12)).empty());
    EXPECT_TRUE(reviewPropagation({}).empty());
}

TEST(PropagateReview, MissingSlice) {
    Propagation p = rod(12);
    p.slices.erase(p.slices.begin() + 5);
    expectOne(p, FindingKind::Missing, 15, "Axial slice 15 has nothing");
}

TEST(PropagateReview, Jump_NamesBothSlicesAndFigures) {
    Propagation p;
    for (std::int64_t k = 0; k < 6; ++k)
        p.slices.push_back(disc(k, 12, 16, 6));
    for (std::int64_t k = 6; k < 12; ++k)
        p.slices.push_back(disc(k, 20, 16, 6));
    expectOne(p, FindingKind::Jump, 6, "between axial slices 5 and 6");
}

TEST(PropagateReview, Island_LiesWhereMostOfItIs) {
    Propagation p = rod(12);
    for (std::int64_t k : {4, 5, 6})
        for (int j = 2; j < (k == 5 ? 6 : 4); ++j)
            for (int i = 2; i < 5; ++i)
                p.slices[static_cast<std::size_t>(k)].mask.values[static_cast<std::size_t>(j * 32 + i)] = 1;
    expectOne(p, FindingKind::Island, 15, "An island of 24 voxels");
}

TEST(PropagateReview, Hole_IsOneOnlyIfClosedOnAllSides) {
    Propagation p = rod(12);
    const auto open = [&p](std::size_t slice) {
        for (int j = 15; j < 18; ++j)
            for (int i = 15; i < 18; ++i)
                p.slices[slice].mask.values[static_cast<std::size_t>(j * 32 + i)] = -1;
    };
    open(5);
    expectOne(p, FindingKind::Hole, 15, "A hole of 9 voxels");
    for (std::size_t k = 0; k < 12; ++k)
        open(k); // a tube now, open at both ends
    EXPECT_TRUE(reviewPropagation(p).empty());
}

TEST(PropagateReview, UnsureSlice_ButNotASeed) {
    Propagation p = rod(12);
    p.slices[7] = disc(17, 16, 16, 6, 0.3);
    expectOne(p, FindingKind::Unsure, 17, "predicted IoU 0.30, others 0.90");
    p.slices[7].seed = true;
    EXPECT_TRUE(reviewPropagation(p).empty());
}

TEST(PropagateReview, AnEndThatARuleMade_IsNamed) {
    Propagation p = rod(12);
    p.ends = {{{Plane::Axial, 10}, LabelId{2}, StopReason::Empty},
              {{Plane::Axial, 21}, LabelId{2}, StopReason::GreyDrifted}};
    expectOne(p, FindingKind::Stopped, 21,
              "Axial slice 21 is the last one: beyond it the grey values do not fit.");
}

TEST(PropagateStep, SignedDistance_IsThatOfAPlainSearch) {
    SliceMask mask(13, 11);
    for (std::int64_t y = 3; y < 8; ++y)
        for (std::int64_t x = 4; x < 10; ++x)
            mask.at(x, y) = !(x == 6 && y == 5);
    const std::array<double, 2> spacing{1.5, 0.75};
    const SlicePatch d = signedDistance(mask, {0, 0, 13, 11}, spacing);
    for (std::int64_t y = 0; y < 11; ++y)
        for (std::int64_t x = 0; x < 13; ++x) {
            double nearest = 1e9;
            for (std::int64_t v = 0; v < 11; ++v)
                for (std::int64_t u = 0; u < 13; ++u)
                    if ((mask.at(u, v) != 0) != (mask.at(x, y) != 0))
                        nearest = std::min(nearest, std::hypot(1.5 * static_cast<double>(u - x),
                                                               0.75 * static_cast<double>(v - y)));
            const double expected = (nearest - 0.25 * (1.5 + 0.75)) * (mask.at(x, y) ? 1 : -1);
            EXPECT_NEAR(static_cast<double>(d.at(x, y)), expected, 1e-5);
        }
}

TEST(PropagateStep, ShapeBetweenTwoDiscs_IsTheDiscBetween) {
    const auto maskOfDisc = [](double x, double radius) {
        return maskOf(disc(0, x, 16, radius).mask, 32, 32);
    };
    const SlicePatch between =
        shapeBetween(maskOfDisc(10, 4), maskOfDisc(20, 8), 0.5, {0, 0, 32, 32}, {1, 1});
    const SliceMask expected = maskOfDisc(15, 6);
    std::int64_t wrong = 0;
    for (std::int64_t y = 0; y < 32; ++y)
        for (std::int64_t x = 0; x < 32; ++x)
            wrong += (between.at(x, y) > 0) != (expected.at(x, y) != 0);
    EXPECT_LE(wrong, 8); // pixels of the rim, of 113
}

TEST(PropagateStep, DropTongues_CutsWhatHangsOnByAThinBridge) {
    SlicePatch p = disc(0, 12, 16, 7).mask;
    const auto fill = [&p](int x0, int x1, int y0, int y1) {
        for (int y = y0; y <= y1; ++y)
            for (int x = x0; x <= x1; ++x)
                p.values[static_cast<std::size_t>(y * 32 + x)] = 1;
    };
    const std::int64_t before = p.area();
    fill(19, 28, 15, 16); // a tongue of 2 px
    fill(24, 26, 24, 26); // an island of 9 px
    dropTongues(p, 2, 0.2, {1, 1});
    EXPECT_NEAR(static_cast<double>(p.area()), static_cast<double>(before), 12.0);
    EXPECT_LT(p.at(27, 15), 0.0F);
    EXPECT_LT(p.at(25, 25), 0.0F);
    EXPECT_GT(p.at(12, 16), 0.0F);

    SlicePatch thin{{0, 0, 32, 32}, std::vector<float>(32 * 32, -1.0F)};
    for (std::size_t x = 3; x < 29; ++x)
        thin.values[16 * 32 + x] = 1;
    dropTongues(thin, 2, 0.2, {1, 1});
    EXPECT_EQ(thin.area(), 26); // thin everywhere: stays whole
}

TEST(PropagateStep, LimitArea_KeepsTheSurest) {
    SlicePatch p{{0, 0, 5, 1}, {1, 5, 3, -2, 4}};
    limitArea(p, 4);
    EXPECT_EQ(p.values, (std::vector<float>{1, 5, 3, -2, 4}));
    limitArea(p, 2);
    EXPECT_EQ(p.area(), 2);
    EXPECT_GT(p.at(1, 0), 0.0F);
    EXPECT_GT(p.at(4, 0), 0.0F);
}

TEST(PropagateStep, Appearance_TellsObjectFromSurroundings) {
    SliceImage grey{20, 20, 1, {}};
    SliceMask mask(20, 20);
    for (std::int64_t y = 0; y < 20; ++y)
        for (std::int64_t x = 0; x < 20; ++x) {
            mask.at(x, y) = x >= 6 && x < 14 && y >= 6 && y < 14;
            grey.values.push_back(static_cast<float>((mask.at(x, y) ? 80 : 20) + (x * 7 + y * 3) % 5));
        }
    const Appearance a(grey, mask, {0, 0, 20, 20});
    EXPECT_GT(a.logRatio(82), 1.0F);
    EXPECT_LT(a.logRatio(22), -1.0F);
    EXPECT_NEAR(a.mean(), 82, 0.5);
    EXPECT_EQ(a.logRatio(std::nanf("")), 0.0F);
}

} // namespace
} // namespace tandem
