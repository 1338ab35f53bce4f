#include "core/measure/components.h"
#include "inference/predict/focus_settings.h"
#include "inference/train/loader.h"
#include "inference/train/patch.h"
#include "inference/train/pattern.h"
#include "inference/train/repaint.h"
#include "inference/train/sample.h"
#include "inference/train/scene.h"
#include "inference/train/superpixels.h"
#include "inference/train/task_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <latch>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tandem {
namespace {

TEST(Random, SameSeedSameNumbers_StateGoesOn) {
    Random a(7), b(7), c(8);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(a.next(), b.next());
    EXPECT_NE(a.next(), c.next());
    Random d(a.state());
    EXPECT_EQ(a.next(), d.next());
}

TEST(Random, UniformAndNormal_HaveTheirMoments) {
    Random r(3);
    double sum = 0, squares = 0, normal = 0, normalSquares = 0;
    constexpr int n = 40000;
    for (int i = 0; i < n; ++i) {
        const double u = r.uniform(), z = r.normal();
        sum += u;
        squares += u * u;
        normal += z;
        normalSquares += z * z;
    }
    EXPECT_NEAR(sum / n, 0.5, 0.01);
    EXPECT_NEAR(squares / n, 1.0 / 3, 0.01);
    EXPECT_NEAR(normal / n, 0, 0.02);
    EXPECT_NEAR(normalSquares / n, 1, 0.03);
}

TEST(Scene, SameSeed_SameTask_MaskOfSensibleSize) {
    for (std::uint64_t seed : {1, 2, 3, 4, 5}) {
        Random a(seed), b(seed);
        const TrainingTask t = makeScene(a), u = makeScene(b);
        EXPECT_EQ(t.image.values, u.image.values);
        EXPECT_EQ(t.mask, u.mask);
        const auto area = std::count(t.mask.inside.begin(), t.mask.inside.end(), 1);
        EXPECT_GE(area, 30);
        EXPECT_LE(area * 3, t.mask.width * t.mask.height);
        EXPECT_TRUE(std::all_of(t.image.values.begin(), t.image.values.end(),
                                [](float v) { return std::isfinite(v); }));
    }
}

// Three flat stripes of different grey.
SliceImage stripes() {
    SliceImage s{30, 20, 1, std::vector<float>(600)};
    for (std::size_t i = 0; i < 600; ++i)
        s.values[i] = i % 30 < 10 ? 0.1F : i % 30 < 20 ? 0.5F : 0.9F;
    return s;
}

TEST(GraphRegions, FlatStripes_AreThreeRegions) {
    const auto region = graphRegions(stripes(), 50, 20);
    EXPECT_EQ(std::set<std::int32_t>(region.begin(), region.end()).size(), std::size_t{3});
    for (std::size_t i = 0; i < region.size(); ++i)
        EXPECT_EQ(region[i], region[i % 30]);
}

TEST(GraphRegions, RegionsBelowTheSmallest_AreMerged) {
    SliceImage s = stripes();
    s.values[35] = 1; // one odd pixel
    const auto region = graphRegions(s, 50, 20);
    EXPECT_EQ(std::set<std::int32_t>(region.begin(), region.end()).size(), std::size_t{3});
    for (const SliceImage& image : {s})
        for (std::int64_t v :
             connectedComponents(std::vector<std::uint8_t>(600, 1), {image.width, image.height, 1}).voxels)
            EXPECT_TRUE(v == 0 || v >= 20);
}

TEST(RegionTask, IsOneRegionOfAWindow) {
    Random r(5);
    const TrainingTask scene = makeScene(r);
    int made = 0;
    for (int i = 0; i < 10; ++i)
        if (const auto task = makeRegionTask(scene.image, r)) {
            ++made;
            EXPECT_EQ(task->mask.width, task->image.width);
            EXPECT_GE(std::count(task->mask.inside.begin(), task->mask.inside.end(), 1), 30);
        }
    EXPECT_GE(made, 5);
}

TEST(BoxHabit, Tight_StaysWithinAPixel) {
    Random r(1);
    const SliceBox tight{20, 30, 59, 49};
    for (int i = 0; i < 50; ++i) {
        const SliceBox b = BoxHabit{BoxHabit::Kind::Tight, 0}.draw(tight, 2.0, 500, r);
        EXPECT_LE(std::abs(b.x0 - tight.x0), 1.6 + 1e-9);
        EXPECT_LE(std::abs(b.y1 - tight.y1), 1.6 + 1e-9);
    }
}

TEST(BoxHabit, Hand_MovesEveryEdgeOutByAShareOfThePicture) {
    Random r(1);
    const SliceBox b = BoxHabit{BoxHabit::Kind::Hand, 0.03}.draw({100, 100, 199, 149}, 1, 500, r);
    for (double out : {100 - b.x0, 100 - b.y0, b.x1 - 199, b.y1 - 149}) {
        EXPECT_GE(out, 15 * 0.85 - 1e-9);
        EXPECT_LE(out, 15 * 1.15 + 1e-9);
    }
}

TEST(MakeSample, PictureCue_IsThatOfThePictureAndNotOfThePatch) {
    Recipe recipe;
    recipe.tightShare = 1;
    recipe.handShare = 0;
    recipe.focus.pictureCue = true;
    Random r(12);
    TrainingTask task{{100, 100, 1, std::vector<float>(10000)}, SliceMask(100, 100), 0, "test"};
    for (std::int64_t y = 35; y < 65; ++y)
        for (std::int64_t x = 35; x < 65; ++x)
            task.mask.at(x, y) =
                std::hypot(static_cast<double>(x) - 49.5, static_cast<double>(y) - 49.5) < 15;
    for (double side : {60.0, 120.0, 480.0}) { // of the picture; the object is 30 px long
        task.imageSide = side;
        const auto s = makeSample(task, recipe, {64, 32}, r);
        ASSERT_TRUE(s.has_value());
        EXPECT_NEAR(s->input[64 * 64], -1 + std::log2(side / 30) / 5, 0.08); // stretched by up to a fifth
    }
}

TEST(MakeSample, ForARefiner_HoldsItsViewAndATargetOnItsCells) {
    Recipe recipe;
    Random r(11);
    std::optional<TrainingSample> s;
    while (!s)
        s = makeSample(makeScene(r), recipe, {64, 32, 48, 1.3}, r);
    EXPECT_EQ(s->view.cells, 48);
    for (const auto& map : {s->view.grey, s->view.box, s->view.inBox, s->fineTarget})
        EXPECT_EQ(map.size(), std::size_t{48 * 48});
    double fine = 0, coarse = 0; // the same object covers the same share of the crop
    for (float v : s->fineTarget)
        fine += static_cast<double>(v) / (48 * 48);
    for (float v : s->target)
        coarse += static_cast<double>(v) / (32 * 32);
    EXPECT_NEAR(s->refinerShare, 1.3 / recipe.focus.cropScale, 1e-9);
    EXPECT_NEAR(fine * s->refinerShare * s->refinerShare, coarse, 0.02);
    EXPECT_TRUE(makeSample(makeScene(r), recipe, {64, 32}, r).value_or(TrainingSample{}).fineTarget.empty());
}

// How many connected parts a mask has, and which share of it the largest is.
std::pair<std::size_t, double> partsOf(const SliceMask& mask) {
    const Components c = connectedComponents(mask.inside, {mask.width, mask.height, 1}, true);
    double all = 0, largest = 0;
    for (std::size_t n = 1; n < c.voxels.size(); ++n) {
        all += static_cast<double>(c.voxels[n]);
        largest = std::max(largest, static_cast<double>(c.voxels[n]));
    }
    return {c.voxels.size() - 1, largest / all};
}

TEST(PatternScene, IsOfThinOrManyParts_OnLessThanHalfOfThePicture) {
    Random r(3);
    int many = 0;
    for (int n = 0; n < 30; ++n) {
        const TrainingTask task = makePatternScene(r);
        const auto area =
            static_cast<double>(std::count(task.mask.inside.begin(), task.mask.inside.end(), 1));
        EXPECT_GT(area, 0.03 * static_cast<double>(task.mask.inside.size()));
        EXPECT_LT(area, 0.45 * static_cast<double>(task.mask.inside.size()));
        EXPECT_EQ(task.image.width, task.mask.width);
        many += partsOf(task.mask).first >= 4;
    }
    EXPECT_GE(many, 8); // the others are trees and nets
    EXPECT_LE(many, 26);
}

TEST(PatternTask, FindsTheSpotsOfAPicture_AndNothingOnOneGrey) {
    SliceImage spots{120, 120, 1, std::vector<float>(120 * 120)};
    SliceMask truth(120, 120);
    for (std::int64_t y = 0; y < 120; ++y)
        for (std::int64_t x = 0; x < 120; ++x) {
            truth.at(x, y) =
                std::hypot(static_cast<double>(x % 20) - 10, static_cast<double>(y % 20) - 10) < 5;
            spots.values[static_cast<std::size_t>(y * 120 + x)] = truth.at(x, y) ? 1.0F : 0.0F;
        }
    Random r(8);
    int found = 0, bright = 0;
    for (int n = 0; n < 40; ++n)
        if (const auto task = makePatternTask(spots, r)) {
            ++found;
            EXPECT_GE(partsOf(task->mask).first, std::size_t{4});
            double in = 0, all = 0;
            for (std::size_t i = 0; i < task->mask.inside.size(); ++i)
                if (task->mask.inside[i]) {
                    in += static_cast<double>(task->image.values[i]);
                    all += 1;
                }
            bright += in / all > 0.6;
        }
    EXPECT_GE(found, 10);
    EXPECT_GE(bright, 5); // what stands out is brighter or darker, whichever was drawn
    const SliceImage plain{120, 120, 1, std::vector<float>(120 * 120, 3.0F)};
    for (int n = 0; n < 10; ++n)
        EXPECT_FALSE(makePatternTask(plain, r).has_value());
}

TEST(MakeSample, TargetLiesInTheBoxAndFillsIt) {
    Recipe recipe;
    recipe.tightShare = 1;
    recipe.handShare = 0;
    Random r(11);
    int made = 0;
    for (int n = 0; n < 8; ++n) {
        const auto s = makeSample(makeScene(r), recipe, {64, 32}, r);
        if (!s)
            continue;
        ++made;
        EXPECT_EQ(s->input.size(), std::size_t{3 * 64 * 64});
        double inside = 0, all = 0;
        for (int y = 0; y < 32; ++y)
            for (int x = 0; x < 32; ++x) {
                const float t = s->target[static_cast<std::size_t>(y * 32 + x)];
                const double mx = (x + 0.5) * 2 - 0.5, my = (y + 0.5) * 2 - 0.5;
                all += t;
                if (mx > s->box.x0 - 3 && mx < s->box.x1 + 3 && my > s->box.y0 - 3 && my < s->box.y1 + 3)
                    inside += t;
            }
        EXPECT_GT(all, 4.0);
        EXPECT_GE(inside, 0.99 * all);
    }
    EXPECT_GE(made, 6);
}

TEST(RenderPatch, ObjectKeepsItsShare) {
    Random r(4);
    TrainingTask task{{100, 100, 1, std::vector<float>(10000)}, SliceMask(100, 100), 100, "test"};
    for (std::int64_t y = 40; y < 60; ++y)
        for (std::int64_t x = 30; x < 70; ++x)
            task.mask.at(x, y) = 1;
    for (int n = 0; n < 10; ++n) {
        const Patch p = renderPatch(task, 208, 1.05, 0, r);
        const double area = static_cast<double>(std::count(p.mask.inside.begin(), p.mask.inside.end(), 1));
        EXPECT_NEAR(area / (800 * p.pixel * p.pixel), 1.0, 0.06); // turned, mirrored and stretched, area kept
    }
}

TEST(RenderPatch, Bent_ImageAndMaskStayTogether) {
    Random r(5);
    TrainingTask task{{100, 100, 1, std::vector<float>(10000)}, SliceMask(100, 100), 100, "test"};
    for (std::int64_t y = 35; y < 65; ++y)
        for (std::int64_t x = 35; x < 65; ++x) {
            task.mask.at(x, y) = 1;
            task.image.values[static_cast<std::size_t>(y * 100 + x)] = 1;
        }
    double leastFill = 1;
    for (int n = 0; n < 10; ++n) {
        const Patch p = renderPatch(task, 208, 1.05, 1, r);
        std::int64_t apart = 0;
        for (std::size_t i = 0; i < p.mask.inside.size(); ++i)
            apart += (p.image.values[i] > 0.5F) != (p.mask.inside[i] != 0);
        EXPECT_EQ(apart, 0);
        const auto box = tightBox(p.mask);
        ASSERT_TRUE(box.has_value());
        const double area = static_cast<double>(std::count(p.mask.inside.begin(), p.mask.inside.end(), 1));
        leastFill = std::min(leastFill, area / ((box->x1 - box->x0 + 1) * (box->y1 - box->y0 + 1)));
    }
    EXPECT_LT(leastFill, 0.95); // no longer squares, however they are turned
}

// Mean grey of an image where a mask is `in`.
double meanWhere(const SliceImage& image, const SliceMask& mask, bool in) {
    double sum = 0, pixels = 0;
    for (std::size_t i = 0; i < mask.inside.size(); ++i)
        if ((mask.inside[i] != 0) == in) {
            sum += image.values[i];
            pixels += 1;
        }
    return sum / pixels;
}

TEST(Repaint, ObjectDiffersFromItsSurroundings_InEitherDirection) {
    int brighter = 0, apart = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Random r(seed);
        SliceImage image{64, 64, 1, std::vector<float>(4096, 0.5F)}; // nothing to be seen before
        SliceMask object(64, 64);
        for (std::int64_t y = 20; y < 44; ++y)
            for (std::int64_t x = 20; x < 44; ++x)
                object.at(x, y) = 1;
        repaint(image, object, r);
        const double difference = meanWhere(image, object, true) - meanWhere(image, object, false);
        brighter += difference > 0;
        apart += std::abs(difference) > 0.04;
        EXPECT_TRUE(
            std::all_of(image.values.begin(), image.values.end(), [](float v) { return std::isfinite(v); }));
    }
    EXPECT_GE(apart, 27);
    EXPECT_GE(brighter, 6);
    EXPECT_LE(brighter, 24);
}

// A batch that tells the random numbers it was made from.
using Batch = std::vector<double>;
Batch telling(Random& r) {
    return {r.uniform()};
}

TEST(Loader, ABatchDependsOnItsSeedAndStepAlone) {
    train::Loader<Batch> whole(telling, 5, 0), later(telling, 5, 3), other(telling, 6, 3);
    Batch seen;
    for (int n = 0; n < 6; ++n)
        seen.push_back(whole.next()->front());
    EXPECT_EQ(std::set<double>(seen.begin(), seen.end()).size(), 6U);
    EXPECT_EQ(later.next()->front(), seen[3]);
    EXPECT_EQ(later.next()->front(), seen[4]);
    EXPECT_NE(other.next()->front(), seen[3]);
}

TEST(Loader, SeveralThreads_TheSameBatchesInTheSameOrder) {
    constexpr int threads = 4;
    std::latch together(threads);
    std::atomic<int> begun = 0;
    const auto slow = [&](Random& r) {
        if (begun++ < threads) { // none of the first ends before all have begun
            together.count_down();
            for (int n = 0; n < 2000 && !together.try_wait(); ++n)
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        std::this_thread::sleep_for(
            std::chrono::microseconds(r.integer(0, 3000))); // they overtake each other
        return telling(r);
    };
    train::Loader<Batch> many(slow, 5, 2, threads);
    for (int n = 0; n < 40; ++n) {
        Random of = randomOfStep(5, 2 + n, 0);
        (void)of.integer(0, 3000); // what `slow` takes first
        EXPECT_EQ(many.next()->front(), of.uniform()) << n;
    }
    EXPECT_TRUE(together.try_wait());
}

TEST(Loader, ErrorsAndExceptionsReachTheirStep_AndItEndsWhileBatchesWait) {
    int made = 0;
    train::Loader<Batch> loader(
        [&](Random& r) -> Result<Batch> {
            switch (++made) {
            case 2:
                return Error{ErrorCode::FormatInvalid, "A damaged pack."};
            case 3:
                throw std::runtime_error("out of luck");
            default:
                return telling(r);
            }
        },
        1, 0);
    EXPECT_TRUE(loader.next().has_value());
    const auto second = loader.next();
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().sentence, "A damaged pack.");
    std::string thrown;
    try {
        (void)loader.next();
    } catch (const std::runtime_error& e) {
        thrown = e.what();
    }
    EXPECT_EQ(thrown, "out of luck");
    EXPECT_TRUE(loader.next().has_value());
} // the loader holds batches that nobody takes

TEST(CorrectiveClick, StandsInTheLargestError) {
    std::vector<float> logits(32 * 32, -1), target(32 * 32, 0);
    for (int y = 4; y < 14; ++y)
        for (int x = 6; x < 16; ++x)
            target[static_cast<std::size_t>(y * 32 + x)] = 1; // missed
    logits[20 * 32 + 20] = 1;                                 // one cell too many
    const auto click = correctiveClick(logits, target, 32, nullptr);
    ASSERT_TRUE(click.has_value());
    EXPECT_TRUE(click->foreground);
    EXPECT_NEAR(static_cast<double>(click->x), 10.5, 1.0);
    EXPECT_NEAR(static_cast<double>(click->y), 8.5, 1.0);
    Random r(2);
    for (int n = 0; n < 20; ++n) {
        const auto any = correctiveClick(logits, target, 32, &r);
        EXPECT_EQ(target[static_cast<std::size_t>(any->y * 32 + any->x)], 1.0F);
    }
    EXPECT_FALSE(
        correctiveClick(std::vector<float>{-1, 1, -1, -1}, std::vector<float>{0, 1, 0, 0}, 2, nullptr)
            .has_value());
}

TEST(Recipe, UnknownOrSenselessKeys_AreNamed) {
    const auto misspelt = recipeFromJson(*parseJson(R"({"learningrate": 0.1})"));
    ASSERT_FALSE(misspelt.has_value());
    EXPECT_TRUE(misspelt.error().sentence.find("learningrate") != std::string::npos);
    EXPECT_FALSE(recipeFromJson(*parseJson(R"({"batch": -3})")).has_value());
    EXPECT_FALSE(recipeFromJson(*parseJson(R"({"tightShare": 0.9, "handShare": 0.5})")).has_value());
    const auto good = recipeFromJson(*parseJson(R"({"batch": 4, "learningRate": 0.01})"));
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(good->batch, 4);
}

TEST(Recipe, FocusSettings_ComeBackFromJson) {
    FocusSettings s;
    s.logitOffset = 0.7;
    s.networkClicks = false;
    s.pictureCue = true;
    s.hand = {0.03, -4.5, -1.9, 2.1, 4};
    JsonValue config;
    config.set("focus", focusToJson(s));
    const FocusSettings back = predict::focusSettingsFrom(config);
    EXPECT_EQ(back.logitOffset, 0.7);
    EXPECT_FALSE(back.networkClicks);
    EXPECT_TRUE(back.pictureCue);
    EXPECT_EQ(back.hand.share, 0.03);
    EXPECT_EQ(back.hand.bias, -4.5);
    EXPECT_EQ(back.hand.ownIou, -1.9);
    EXPECT_EQ(back.hand.innerIou, 2.1);
    EXPECT_EQ(back.hand.lengthLeft, 4);
    EXPECT_EQ(back.cropScale, s.cropScale);
}

TEST(TaskSource, ScenesNeedNoPack_AMissingPackIsASentence) {
    Recipe recipe;
    recipe.sceneShare = 1;
    recipe.regionShare = 0;
    Random r(1);
    const auto source = TaskSource::open({}, recipe);
    ASSERT_TRUE(source.has_value());
    EXPECT_TRUE(source->draw(r).has_value());
    recipe.sceneShare = 0.5;
    EXPECT_FALSE(TaskSource::open({}, recipe).has_value());
    EXPECT_FALSE(TaskSource::open({"/nowhere"}, recipe).has_value());
}

} // namespace
} // namespace tandem
