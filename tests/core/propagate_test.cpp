#include "core/measure/overlap.h"
#include "core/usecases/propagate_review.h"
#include "tests/core/threshold_segmenter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace tandem {
namespace {

using test::ThresholdSegmenter;

const Progress silent = [](double, std::string_view) {};
constexpr std::array<Plane, 3> planes{Plane::Axial, Plane::Coronal, Plane::Sagittal};

// A volume that is 100 where a function of array indices says so and 0 elsewhere, with a ripple of +-5.
std::shared_ptr<const Volume> givenVolume(const Geometry& g,
                                          const std::function<double(double, double, double)>& value) {
    std::vector<float> values;
    for (std::int64_t k = 0; k < g.size()[2]; ++k)
        for (std::int64_t j = 0; j < g.size()[1]; ++j)
            for (std::int64_t i = 0; i < g.size()[0]; ++i)
                values.push_back(static_cast<float>(
                    value(static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)) +
                    5 * std::sin(1.7 * static_cast<double>(i * 3 + j * 5 + k * 7))));
    return std::make_shared<const Volume>(Volume::make(g, std::move(values)).value());
}

double ball(double i, double j, double k) {
    return std::hypot(i - 20, std::hypot(j - 18, k - 16)) <= 9 ? 100 : 0;
}

const Geometry cube = Geometry::axisAligned({40, 36, 32}, {1, 1, 1});

PropagateRequest givenRequest(std::shared_ptr<const Volume> volume, std::vector<PropagationSeed> seeds) {
    return {std::move(volume), "hash", {50, 200}, std::move(seeds), {}};
}

double diceAgainst(const LabelMap& map, const Volume& volume) {
    std::vector<std::uint8_t> truth, found;
    const Size3 n = map.grid().size();
    for (std::int64_t k = 0; k < n[2]; ++k)
        for (std::int64_t j = 0; j < n[1]; ++j)
            for (std::int64_t i = 0; i < n[0]; ++i) {
                truth.push_back(volume.at({i, j, k}) > 50);
                found.push_back(map.at({i, j, k}).value != 0);
            }
    return dice(truth, found);
}

// The box of the ball on the slice through its middle.
PropagationSeed ballSeed(const Geometry& g, Plane plane) {
    const SliceAxes a = sliceAxes(g, plane);
    const std::array<double, 3> centre{20, 18, 16};
    const double x = centre[static_cast<std::size_t>(a.x)], y = centre[static_cast<std::size_t>(a.y)];
    const auto index = static_cast<std::int64_t>(centre[static_cast<std::size_t>(a.slice)]);
    return {{plane, index}, LabelId{3}, {SliceBox{x - 9, y - 9, x + 9, y + 9}, {}}, std::nullopt};
}

TEST(Propagate, BallFromItsMiddleSlice_IsFoundInBothDirectionsInEveryPlane) {
    const auto volume = givenVolume(cube, ball);
    for (Plane plane : planes) {
        ThresholdSegmenter segmenter(50);
        const auto done = propagate(givenRequest(volume, {ballSeed(cube, plane)}), segmenter, silent, {});
        ASSERT_TRUE(done.has_value());
        const LabelMap map = labelsOf(*done, cube);
        EXPECT_GT(diceAgainst(map, *volume), 0.95);
        EXPECT_EQ(map.present(), std::vector<LabelId>{LabelId{3}});
        const std::int64_t middle = ballSeed(cube, plane).slice.index;
        EXPECT_LE(done->slices.front().slice.index, middle - 8);
        EXPECT_GE(done->slices.back().slice.index, middle + 8);
        for (const PropagationEnd& end : done->ends)
            EXPECT_LE(std::abs(end.lastSlice.index - middle), 9); // it does not run on beyond the ball
        EXPECT_EQ(done->ends.size(), 2u);
    }
}

// The box of the seed was drawn by somebody unknown, those of the other slices lie around an outline.
TEST(Propagate, ItsOwnBoxes_AreReadAsTightOnes) {
    ThresholdSegmenter segmenter(50);
    const PropagationSeed seed = ballSeed(cube, Plane::Axial);
    ASSERT_TRUE(propagate(givenRequest(givenVolume(cube, ball), {seed}), segmenter, silent, {}).has_value());
    EXPECT_GT(segmenter.habits.size(), 10u);
    for (const auto& [index, habit] : segmenter.habits)
        EXPECT_TRUE(likelyReading(habit) ==
                    (index == seed.slice.index ? BoxReading::Unknown : BoxReading::Tight))
            << index;
}

TEST(Propagate, ObliqueGrid_GivesTheSameVoxels) {
    const double c = std::cos(0.3), s = std::sin(0.3);
    const Affine<Patient, Voxel> tilted{{{{c, -s, 0}, {s, c, 0}, {0, 0, -1}}}, {10, 20, -30}};
    const Geometry oblique = Geometry::make(cube.size(), tilted).value();
    for (Plane plane : planes) {
        ThresholdSegmenter one(50), other(50);
        const auto straight =
            propagate(givenRequest(givenVolume(cube, ball), {ballSeed(cube, plane)}), one, silent, {});
        const auto slanted = propagate(givenRequest(givenVolume(oblique, ball), {ballSeed(oblique, plane)}),
                                       other, silent, {});
        ASSERT_TRUE(straight.has_value() && slanted.has_value());
        EXPECT_EQ(labelsOf(*straight, cube).labels(), labelsOf(*slanted, oblique).labels());
    }
}

TEST(Propagate, ThickSlices_OutlinesMayMoveFarther) {
    const Geometry thick = Geometry::axisAligned({40, 36, 9}, {1, 1, 4});
    const auto volume = givenVolume(thick, [](double i, double j, double k) { return ball(i, j, 4 * k); });
    ThresholdSegmenter segmenter(50);
    PropagationSeed seed = ballSeed(cube, Plane::Axial);
    seed.slice.index = 4;
    const auto done = propagate(givenRequest(volume, {seed}), segmenter, silent, {});
    ASSERT_TRUE(done.has_value());
    EXPECT_GT(diceAgainst(labelsOf(*done, thick), *volume), 0.95);
}

TEST(Propagate, SeveralKeySlices_BoxesBetweenAreInterpolated) {
    // A cone: radius 4 on slice 4, 12 on slice 20, its axis moving along x.
    const auto volume = givenVolume(cube, [](double i, double j, double k) {
        return k >= 4 && k <= 20 && std::hypot(i - (10 + k), j - 18) <= 4 + (k - 4) / 2 ? 100 : 0;
    });
    ThresholdSegmenter segmenter(50);
    const auto seed = [](std::int64_t k, SliceBox box) {
        return PropagationSeed{{Plane::Axial, k}, LabelId{1}, {box, {}}, std::nullopt};
    };
    PropagateRequest request = givenRequest(volume, {seed(20, {18, 6, 39, 30}), seed(4, {10, 14, 18, 22})});
    request.options.marginPx = 0;
    const auto done = propagate(request, segmenter, silent, {});
    ASSERT_TRUE(done.has_value());
    EXPECT_GT(diceAgainst(labelsOf(*done, cube), *volume), 0.95);
    const SliceBox low = *boundingBox(maskOf(done->slices.front().mask, 40, 36));
    ASSERT_EQ(low, (SliceBox{10, 14, 18, 22}));
    for (const auto& [index, box] : segmenter.boxes)
        if (index > 4 && index < 20) {
            const SliceBox between = boxBetween(low, {18, 6, 39, 30}, static_cast<double>(index - 4) / 16.0);
            EXPECT_EQ(box, grownBox(between, 0, 40, 36)); // whole pixels, outward
        }
}

TEST(Propagate, AcceptedMask_StaysAsItIs) {
    const auto volume = givenVolume(cube, ball);
    SliceMask drawn(40, 36);
    for (std::int64_t y = 14; y <= 22; ++y)
        for (std::int64_t x = 16; x <= 24; ++x)
            drawn.at(x, y) = 1;
    ThresholdSegmenter segmenter(50);
    const auto done =
        propagate(givenRequest(volume, {{{Plane::Axial, 16}, LabelId{1}, {}, drawn}}), segmenter, silent, {});
    ASSERT_TRUE(done.has_value());
    for (const PropagatedSlice& s : done->slices)
        if (s.slice.index == 16) {
            EXPECT_TRUE(s.seed);
            EXPECT_EQ(maskOf(s.mask, 40, 36), drawn);
        }
    EXPECT_FALSE(segmenter.boxes.contains(16)); // not asked about
    EXPECT_TRUE(segmenter.boxes.contains(17));
}

TEST(Propagate, AnOutlineThatLeaks_IsHeldAndStops) {
    // A rod that opens into a slab after slice 20.
    const auto volume = givenVolume(cube, [](double i, double j, double k) {
        return k > 20 || std::hypot(i - 20, j - 18) <= 5 ? 100 : 0;
    });
    ThresholdSegmenter segmenter(50);
    const auto done = propagate(
        givenRequest(volume,
                     {{{Plane::Axial, 12}, LabelId{1}, {SliceBox{15, 13, 25, 23}, {}}, std::nullopt}}),
        segmenter, silent, {});
    ASSERT_TRUE(done.has_value());
    const std::int64_t rod = done->slices.front().mask.area();
    for (const PropagatedSlice& s : done->slices)
        EXPECT_LE(static_cast<double>(s.mask.area()), 1.15 * static_cast<double>(rod) + 2);
}

StopReason reasonAbove(const Propagation& p) {
    return p.ends.back().reason;
}

TEST(Propagate, StopRules_NameWhatTheyBroke) {
    // Grey values jump from 100 to 160 after slice 20; the threshold still finds them.
    const auto brighter = givenVolume(cube, [](double i, double j, double k) {
        return std::hypot(i - 20, j - 18) > 6 ? 0 : k > 20 ? 160 : 100;
    });
    const PropagationSeed seed{{Plane::Axial, 16}, LabelId{1}, {SliceBox{14, 12, 26, 24}, {}}, std::nullopt};
    PropagateRequest request = givenRequest(brighter, {seed});
    request.options.stop.mostDrift = 3;
    ThresholdSegmenter segmenter(50);
    const auto drifted = propagate(request, segmenter, silent, {});
    ASSERT_TRUE(drifted.has_value());
    EXPECT_EQ(reasonAbove(*drifted), StopReason::GreyDrifted);
    EXPECT_EQ(drifted->ends.back().lastSlice.index, 20);
    EXPECT_EQ(drifted->ends.front().reason, StopReason::End); // below nothing changes
    EXPECT_EQ(drifted->ends.front().lastSlice.index, 0);

    ThresholdSegmenter doubtful(50, [](std::int64_t index) { return index > 23 ? 0.3F : 0.9F; });
    request.options.stop.mostDrift = 1e9;
    const auto unsure = propagate(request, doubtful, silent, {});
    ASSERT_TRUE(unsure.has_value());
    EXPECT_EQ(reasonAbove(*unsure), StopReason::LowIou);
    EXPECT_EQ(unsure->ends.back().lastSlice.index, 23);

    request.options.mostSlices = 2;
    const auto limited = propagate(request, segmenter, silent, {});
    ASSERT_TRUE(limited.has_value());
    EXPECT_EQ(limited->slices.size(), 5u);
}

TEST(Propagate, StopRules_AreAskedInTheirOrder) {
    StopRules rules;
    rules.leastArea = 5;
    rules.leastIou = 0.5;
    rules.mostGrowth = 2;
    rules.leastShrinkage = 0.5;
    rules.leastSupport = 0;
    EXPECT_EQ(brokenRule({0.8, 1, 0, 1, 4}, rules, 1), StopReason::Empty);
    EXPECT_EQ(brokenRule({0.3, 1, 0, 1, 9}, rules, 1), StopReason::LowIou);
    EXPECT_EQ(brokenRule({0.3, 1, 0, 1, 9}, rules, 0.5), StopReason::None); // half of what the key slice had
    EXPECT_EQ(brokenRule({0.8, 2.5, 0, 1, 9}, rules, 1), StopReason::AreaGrew);
    EXPECT_EQ(brokenRule({0.8, 0.4, 0, 1, 9}, rules, 1), StopReason::AreaShrank);
    EXPECT_EQ(brokenRule({0.8, 1, 0, -1, 9}, rules, 1), StopReason::GreyDrifted);
}

TEST(Propagate, TwoLabels_ShareTheVoxelsByTheLargerValue) {
    const auto volume = givenVolume(cube, [](double i, double j, double) {
        return std::hypot(i - 12, j - 18) <= 5 || std::hypot(i - 28, j - 18) <= 5 ? 100 : 0;
    });
    ThresholdSegmenter segmenter(50);
    const auto done = propagate(
        givenRequest(volume,
                     {{{Plane::Axial, 16}, LabelId{1}, {SliceBox{7, 13, 17, 23}, {}}, std::nullopt},
                      {{Plane::Axial, 10}, LabelId{9}, {SliceBox{23, 13, 33, 23}, {}}, std::nullopt}}),
        segmenter, silent, {});
    ASSERT_TRUE(done.has_value());
    const LabelMap map = labelsOf(*done, cube);
    EXPECT_GT(diceAgainst(map, *volume), 0.95);
    EXPECT_EQ(map.at({12, 18, 30}).value, 1);
    EXPECT_EQ(map.at({28, 18, 30}).value, 9);
}

TEST(Propagate, SeedsThatMakeNoSense_AreSentences) {
    const auto volume = givenVolume(cube, ball);
    ThresholdSegmenter segmenter(50);
    const auto ask = [&](std::vector<PropagationSeed> seeds) {
        const auto done = propagate(givenRequest(volume, std::move(seeds)), segmenter, silent, {});
        return done.has_value() ? ErrorCode::Internal : done.error().code;
    };
    const PropagationSeed good = ballSeed(cube, Plane::Axial);
    PropagationSeed bad = good;
    EXPECT_EQ(ask({}), ErrorCode::InvalidArgument);
    bad.slice.index = 32;
    EXPECT_EQ(ask({bad}), ErrorCode::InvalidArgument);
    EXPECT_EQ(ask({good, ballSeed(cube, Plane::Coronal)}), ErrorCode::InvalidArgument);
    bad = good;
    bad.label = LabelId{0};
    EXPECT_EQ(ask({bad}), ErrorCode::InvalidArgument);
    bad = good;
    bad.mask = SliceMask(3, 3);
    EXPECT_EQ(ask({bad}), ErrorCode::InvalidArgument);
    bad = good;
    bad.prompts.box = SliceBox{0, 0, 2, 2}; // nothing there
    EXPECT_EQ(ask({bad}), ErrorCode::InvalidArgument);
}

TEST(Propagate, Stopped_IsCancelled) {
    ThresholdSegmenter segmenter(50);
    std::stop_source stop;
    segmenter.onRequest = [&](std::int64_t index) {
        if (index == 19)
            stop.request_stop();
    };
    const auto done = propagate(givenRequest(givenVolume(cube, ball), {ballSeed(cube, Plane::Axial)}),
                                segmenter, silent, stop.get_token());
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, ErrorCode::Cancelled);
}

TEST(Propagate, Edit_WritesWhereNothingIsLabelledYetAndCanBeTakenBack) {
    const auto volume = givenVolume(cube, ball);
    for (Plane plane : planes) {
        ThresholdSegmenter segmenter(50);
        const auto done = propagate(givenRequest(volume, {ballSeed(cube, plane)}), segmenter, silent, {});
        ASSERT_TRUE(done.has_value());
        std::vector<std::uint16_t> before(static_cast<std::size_t>(cube.voxelCount()));
        for (std::int64_t k = 0; k < 32; ++k)
            for (std::int64_t j = 0; j < 36; ++j)
                before[static_cast<std::size_t>(cube.offsetOf({20, j, k}))] = 7; // a wall through the ball
        LabelMap map = LabelMap::make(cube, before).value();
        const LabelMap wanted = labelsOf(*done, cube);
        const Edit edit = editFromPropagation(map, *done, LabelId{3}, {});
        EXPECT_EQ(edit.source, EditSource::Propagation);
        ASSERT_TRUE(applyEdit(map, edit).has_value());
        for (std::size_t v = 0; v < before.size(); ++v)
            EXPECT_EQ(map.labels()[v], before[v] ? 7 : wanted.labels()[v]);
        ASSERT_TRUE(applyEdit(map, inverse(edit)).has_value());
        EXPECT_EQ(map.labels(), before);
        EXPECT_TRUE(editFromPropagation(map, *done, LabelId{3}, {LabelId{3}}).empty());
        EXPECT_TRUE(editFromPropagation(map, *done, LabelId{4}, {}).empty());
    }
}

TEST(Propagate, SeedsFromLabel_AreTheSlicesThatHaveIt) {
    std::vector<std::uint16_t> labels(static_cast<std::size_t>(cube.voxelCount()));
    labels[static_cast<std::size_t>(cube.offsetOf({5, 6, 7}))] = 2;
    labels[static_cast<std::size_t>(cube.offsetOf({5, 8, 7}))] = 2;
    labels[static_cast<std::size_t>(cube.offsetOf({5, 9, 7}))] = 1;
    const LabelMap map = LabelMap::make(cube, labels).value();
    const auto seeds = seedsFromLabel(map, Plane::Coronal, LabelId{2});
    ASSERT_EQ(seeds.size(), 2u);
    EXPECT_EQ(seeds[0].slice, (SliceKey{Plane::Coronal, 6}));
    EXPECT_EQ(seeds[1].mask->at(5, 7), 1);
    EXPECT_EQ(std::count(seeds[1].mask->inside.begin(), seeds[1].mask->inside.end(), 1), 1);
}

} // namespace
} // namespace tandem
