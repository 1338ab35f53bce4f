#include "core/image/render.h"
#include "core/usecases/segment_volume.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

// Answers each box with its own voxels: logit 1 + number of the object inside, -1 outside.
class BoxFiller : public Segmenter {
public:
    void loadModel(std::filesystem::path, std::function<void(Result<ModelInfo>)> done) override {
        done(ModelInfo{});
    }
    std::optional<ModelInfo> model() const override {
        ModelInfo info;
        info.preprocess = preprocess;
        return info;
    }
    RequestId submit(SegmentRequest r, std::stop_token stop, Progress, Answer answer) override {
        ++requests;
        if (stop.stop_requested()) {
            answer({1}, Error{ErrorCode::Cancelled, "Cancelled."});
            return {1};
        }
        const auto size = sliceSize(r.volume->geometry(), r.slice.plane);
        std::vector<Proposal> out;
        for (std::size_t n = 0; n < r.objects.size(); ++n) {
            Proposal p{r.slice, size[0], size[1], {}, 1, "box", 0, 0};
            for (std::int64_t y = 0; y < size[1]; ++y)
                for (std::int64_t x = 0; x < size[0]; ++x) {
                    const SliceBox& b = *r.objects[n].box;
                    const auto fx = static_cast<double>(x), fy = static_cast<double>(y);
                    const bool in = fx >= b.x0 && fx <= b.x1 && fy >= b.y0 && fy <= b.y1;
                    const float inside = logit ? logit(r.slice, fx, fy) : 1.0F + static_cast<float>(n);
                    p.logits.push_back(in ? inside : -1.0F);
                }
            if (evidence)
                p.looseEvidence = evidence(*r.objects[n].box);
            out.push_back(std::move(p));
        }
        habits.push_back(r.habit);
        answer({1}, std::move(out));
        return {1};
    }
    void prefetch(SegmentRequest) override {}
    int requests = 0;
    std::vector<DrawingHabit> habits; ///< of the requests
    std::function<std::optional<double>(const SliceBox&)> evidence;
    std::string preprocess = "sam";
    std::function<float(SliceKey, double x, double y)> logit; ///< instead, in the box
};

LoadedImage emptyImage(Size3 size) {
    const Geometry g = Geometry::axisAligned(size, {1, 1, 2});
    auto values = std::vector<std::int16_t>(static_cast<std::size_t>(g.voxelCount()));
    return {std::make_shared<const Volume>(Volume::make(g, std::move(values)).value()), {}, {}, {}};
}

const Progress silent = [](double, std::string_view) {};

TEST(SegmentVolume, TightBoxesOfBlocks_GiveTheBlocksBackInEveryPlane) {
    const LoadedImage image = emptyImage({8, 7, 6});
    for (Plane plane : {Plane::Axial, Plane::Coronal, Plane::Sagittal}) {
        std::vector<std::uint16_t> truth(8 * 7 * 6);
        const Geometry& g = image.volume->geometry();
        for (std::int64_t k = 1; k < 4; ++k)
            for (std::int64_t j = 2; j < 5; ++j)
                for (std::int64_t i = 1; i < 7; ++i)
                    truth[static_cast<std::size_t>(g.offsetOf({i, j, k}))] = i < 4 ? 3 : 700;
        const LabelMap mask = LabelMap::make(g, truth).value();
        const auto prompts = promptsFromMask(mask, plane, std::nullopt, 0);
        BoxFiller segmenter;
        const auto result = segmentVolume(image, "hash", prompts, segmenter, silent, {}, {0, exactBoxes()});
        ASSERT_TRUE(result.has_value());
        EXPECT_EQ(result->labels(), truth);
        EXPECT_EQ(segmenter.requests, plane == Plane::Sagittal ? 6 : 3); // one a slice, not one an object
        for (const SlicePrompts& p : promptsFromMask(mask, plane, LabelId{700}, 0))
            EXPECT_EQ(p.label.value, 700);
    }
}

TEST(SegmentVolume, Grow_StaysInsideTheSlice) {
    std::vector<std::uint16_t> one(5 * 5);
    one[6] = 1; // (1, 1)
    const LabelMap mask = LabelMap::make(Geometry::axisAligned({5, 5, 1}, {1, 1, 1}), one).value();
    const auto prompts = promptsFromMask(mask, Plane::Axial, std::nullopt, 2);
    ASSERT_EQ(prompts.size(), 1u);
    EXPECT_EQ(*prompts[0].prompts.box, (SliceBox{0, 0, 3, 3}));
}

TEST(SegmentVolume, BoxesOfUnknownHand_AreReadInTheLightOfAllOfThem) {
    const LoadedImage image = emptyImage({8, 8, 20});
    std::vector<SlicePrompts> prompts;
    for (std::int64_t k = 0; k < 20; ++k)
        prompts.push_back({{Plane::Axial, k}, {1}, {SliceBox{1, 1, 2 + static_cast<double>(k % 5), 6}, {}}});
    const auto lastHabit = [&](double each, const SegmentVolumeOptions& options = {}) {
        BoxFiller segmenter;
        segmenter.preprocess = "focus";
        segmenter.evidence = [each](const SliceBox& b) -> std::optional<double> {
            if (b.x1 < 3) // too small to be read both ways, the first among them
                return std::nullopt;
            return b.x1 > 5 ? -2 * each : each;
        };
        EXPECT_TRUE(segmentVolume(image, "hash", prompts, segmenter, silent, {}, options).has_value());
        EXPECT_EQ(segmenter.requests, options.habit ? 20 : 12 + 20);
        EXPECT_EQ(segmenter.habits[0], options.habit.value_or(DrawingHabit{}));
        for (std::size_t n = segmenter.habits.size() - 20; n < segmenter.habits.size(); ++n)
            EXPECT_EQ(segmenter.habits[n], segmenter.habits.back());
        return likelyReading(segmenter.habits.back());
    };
    // A fifth or a quarter of the boxes say the opposite, twice as loudly.
    EXPECT_EQ(lastHabit(4), BoxReading::Loose);
    EXPECT_EQ(lastHabit(-4), BoxReading::Tight);
    EXPECT_EQ(lastHabit(0.1), BoxReading::Unknown);
    EXPECT_EQ(lastHabit(4, {0, exactBoxes()}), BoxReading::Tight);
}

TEST(SegmentVolume, BoxesOfAModelThatReadsThemInOneWay_AreAskedAboutOnce) {
    const LoadedImage image = emptyImage({8, 8, 3});
    std::vector<SlicePrompts> prompts;
    for (std::int64_t k = 0; k < 3; ++k)
        prompts.push_back({{Plane::Axial, k}, {1}, {SliceBox{1, 1, 4, 6}, {}}});
    BoxFiller segmenter;
    ASSERT_TRUE(segmentVolume(image, "hash", prompts, segmenter, silent, {}).has_value());
    EXPECT_EQ(segmenter.requests, 3);
    EXPECT_EQ(segmenter.habits.back(), DrawingHabit{});
}

TEST(SegmentVolume, BoxesOfAMask_AreExact_UnlessItHoldsRectangles) {
    std::vector<std::uint16_t> labels(6 * 6 * 2);
    for (std::size_t y = 1; y < 4; ++y)
        for (std::size_t x = 1; x < 5; ++x)
            labels[y * 6 + x] = labels[36 + y * 6 + x] = 1;
    const auto habitOf = [&] {
        const LabelMap mask = LabelMap::make(Geometry::axisAligned({6, 6, 2}, {1, 1, 1}), labels).value();
        return habitOfMask(mask, promptsFromMask(mask, Plane::Axial, std::nullopt, 0));
    };
    EXPECT_FALSE(habitOf().has_value()); // boxes that somebody drew as a mask
    labels[36 + 6 + 1] = 0;              // one corner of one object
    EXPECT_EQ(habitOf(), exactBoxes());
}

// Boxes of 12 x 12 voxels on the slices 0, 1, 2 and 4; what the network says there is given.
struct Neighbours {
    LoadedImage image = emptyImage({20, 20, 6});
    BoxFiller segmenter;
    std::vector<SlicePrompts> prompts;

    explicit Neighbours(std::array<float, 4> said) {
        segmenter.preprocess = "focus";
        segmenter.logit = [said](SliceKey s, double, double) {
            return said[s.index == 4 ? 3 : static_cast<std::size_t>(s.index)];
        };
        for (std::int64_t k : {0, 1, 2, 4})
            prompts.push_back({{Plane::Axial, k}, {1}, {SliceBox{4, 4, 15, 15}, {}}});
    }
    // Whether the middle of the box is in, on the slices 0, 1, 2 and 4.
    std::string middles(const SegmentVolumeOptions& options = {0, exactBoxes()}) {
        const auto r = segmentVolume(image, "hash", prompts, segmenter, silent, {}, options);
        EXPECT_TRUE(r.has_value());
        std::string text;
        for (std::int64_t k : {0, 1, 2, 4})
            text += r->at({9, 9, k}).value ? '+' : '-';
        return text;
    }
};

// Truth: 0.6 of a slice's own logit and 0.4 of the mean of its neighbours', by hand.
TEST(SegmentVolume, SlicesOfALabel_AgreeWithTheirNeighbours) {
    EXPECT_EQ(Neighbours({-1, 2, 2, -1}).middles(), "+++-");   // -0.6 + 0.8; the slice 4 has no neighbour
    EXPECT_EQ(Neighbours({-1, 1, 2, 2}).middles(), "-+++");    // -0.6 + 0.4
    EXPECT_EQ(Neighbours({4, -2, 2.4F, 1}).middles(), "++++"); // -1.2 + 0.4 * 3.2
    EXPECT_EQ(Neighbours({-3, 1, -1, 1}).middles(), "---+");   // 0.6 - 0.4 * 2
    EXPECT_EQ(Neighbours({-1, 90, 2, 2}).middles(), "++++");
    EXPECT_EQ(Neighbours({-90, 5, -90, 1}).middles(), "-+-+"); // no logit counts more than 6: 3 - 2.4
}

TEST(SegmentVolume, NeighboursHaveNoSay_OverClicksOtherLabelsOtherModelsAndOtherCandidates) {
    const std::array<float, 4> said{-1, 2, 2, -1};
    Neighbours clicked(said), labelled(said), sam(said), candidate(said), twice(said);
    clicked.prompts[0].prompts.points = {{{{5, 5}}, true}};
    EXPECT_EQ(clicked.middles(), "-++-");
    labelled.prompts[1].label = {2};
    EXPECT_EQ(labelled.middles(), "-++-");
    sam.segmenter.preprocess = "sam";
    EXPECT_EQ(sam.middles(), "-++-");
    EXPECT_EQ(candidate.middles({1, exactBoxes()}), "-++-");
    twice.prompts.push_back({{Plane::Axial, 1}, {1}, {SliceBox{0, 0, 3, 3}, {}}});
    EXPECT_EQ(twice.middles(), "-++-"); // which of the two boxes would it be?
}

TEST(SegmentVolume, NeighboursAreHeard_InTheFrameOfTheirBoxes) {
    Neighbours n({});
    n.prompts.resize(2);
    n.prompts[0].prompts.box = SliceBox{0, 0, 19, 19};
    n.prompts[1].prompts.box = SliceBox{6, 8, 13, 11};
    n.segmenter.logit = [](SliceKey s, double x, double) { // of the large box the left half
        return s.index == 1 ? -0.5F : x < 10 ? 4.F : -4.F;
    };
    const auto r = segmentVolume(n.image, "hash", n.prompts, n.segmenter, silent, {}, {0, exactBoxes()});
    ASSERT_TRUE(r.has_value());
    for (std::int64_t x = 4; x < 16; ++x)
        EXPECT_EQ(r->at({x, 9, 1}).value, x >= 6 && x < 10) << x;
}

TEST(SegmentVolume, OverlappingObjects_LargestLogitWins) {
    const LoadedImage image = emptyImage({6, 6, 1});
    const SliceKey slice{Plane::Axial, 0};
    BoxFiller segmenter;
    const auto result = segmentVolume(
        image, "hash", {{slice, {1}, {SliceBox{0, 0, 3, 3}, {}}}, {slice, {2}, {SliceBox{2, 2, 5, 5}, {}}}},
        segmenter, silent, {});
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->at({1, 1, 0}).value, 1);
    EXPECT_EQ(result->at({3, 3, 0}).value, 2);
}

TEST(SegmentVolume, PromptsOutsideTheImageOrReversed_AreSentences) {
    const LoadedImage image = emptyImage({6, 6, 2});
    BoxFiller segmenter;
    const auto ask = [&](SliceKey slice, SliceBox box) {
        return segmentVolume(image, "hash", {{slice, {1}, {box, {}}}}, segmenter, silent, {});
    };
    EXPECT_FALSE(ask({Plane::Axial, 2}, {0, 0, 1, 1}).has_value());
    EXPECT_FALSE(ask({Plane::Axial, 0}, {0, 0, 6, 1}).has_value());
    EXPECT_FALSE(ask({Plane::Axial, 0}, {3, 0, 1, 1}).has_value());
    EXPECT_EQ(segmenter.requests, 0);
}

TEST(SegmentVolume, ScribbleThatLeavesTheSlice_IsASentence) {
    const Geometry g = Geometry::axisAligned({6, 6, 2}, {1, 1, 1});
    const auto check = [&](Point<SlicePx> end) {
        return checkPrompt(g, {{Plane::Axial, 0}, {1}, {std::nullopt, {{{{1, 1}}, true, {{{5, 5}}, end}}}}});
    };
    EXPECT_TRUE(check({{5, 0}}).has_value());
    const auto outside = check({{6, 0}});
    ASSERT_FALSE(outside.has_value());
    EXPECT_NE(outside.error().sentence.find("scribble"), std::string::npos) << outside.error().sentence;
}

TEST(SegmentVolume, Stopped_IsCancelled) {
    const LoadedImage image = emptyImage({6, 6, 2});
    BoxFiller segmenter;
    std::stop_source stop;
    stop.request_stop();
    const auto result = segmentVolume(image, "hash", {{{Plane::Axial, 0}, {1}, {SliceBox{0, 0, 1, 1}, {}}}},
                                      segmenter, silent, stop.get_token());
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
}

TEST(Render, Axial_ShowsThePatientsRightOnTheLeft) {
    // A bright voxel at the patient's right front (low L, low P), array axes reversed.
    const Affine<Patient, Voxel> m{{{{-1, 0, 0}, {0, -1, 0}, {0, 0, 1}}}, {}};
    const Geometry g = Geometry::make({4, 4, 1}, m).value();
    std::vector<std::uint8_t> values(16);
    values[15] = 255; // i = j = 3: most right, most anterior
    std::vector<std::uint16_t> labels(16);
    labels[0] = 1; // left, posterior
    const auto picture = renderSlice(Volume::make(g, values).value(), LabelMap::make(g, labels).value(),
                                     {Plane::Axial, 0}, {127.5, 255}, 40);
    ASSERT_TRUE(picture.has_value());
    EXPECT_EQ(picture->width, 40);
    const auto pixel = [&](std::int64_t x, std::int64_t y) {
        return picture->rgb[static_cast<std::size_t>(3 * (y * 40 + x))];
    };
    EXPECT_GT(pixel(2, 2), 200);
    EXPECT_LT(pixel(37, 2), 10);
    EXPECT_GT(pixel(35, 35), 50); // the label's red
}

} // namespace
} // namespace tandem
