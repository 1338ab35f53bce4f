#include "core/usecases/propagate.h"

#include "core/measure/components.h"
#include "core/measure/grey_crop.h"
#include "core/usecases/segment_volume.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace tandem {
namespace {

constexpr float certain = 1e3F; // value of a pixel that a person settled

std::string nameOf(SliceKey key) {
    return std::string(planeName(key.plane)) + " slice " + std::to_string(key.index);
}

// An object on a slice where it is known.
struct KeySlice {
    std::int64_t index = 0;
    SliceMask mask;
    SliceBox box;
    Appearance appearance;
    double predictedIou = 0; ///< 0 for a mask that a person settled
};

// A step that was made: the mask, and how it compares.
struct Step {
    SlicePatch mask;
    StepFigures figures;
};

// Carries one label through the volume.
class LabelWalk {
public:
    LabelWalk(const PropagateRequest& request, LabelId label, Segmenter& segmenter, std::stop_token stop,
              std::function<void(std::int64_t)> onSlice)
        : request_(request), options_(request.options), plane_(request.seeds.front().slice.plane),
          label_(label), segmenter_(segmenter), stop_(std::move(stop)), onSlice_(std::move(onSlice)) {
        const Geometry& g = request.volume->geometry();
        size_ = sliceSize(g, plane_);
        spacing_ = sliceSpacing(g, plane_);
        const double step = g.spacing()[static_cast<std::size_t>(sliceAxes(g, plane_).slice)];
        unit_ = 0.5 * step + 0.25 * (spacing_[0] + spacing_[1]);
    }

    Result<void> run(Propagation& out) {
        if (auto known = settleSeeds(out); !known)
            return known;
        for (std::size_t n = 0; n + 1 < keys_.size(); ++n)
            if (auto done = fillBetween(keys_[n], keys_[n + 1], out); !done)
                return done;
        if (auto done = walkOutward(keys_.front(), -1, out); !done)
            return done;
        return walkOutward(keys_.back(), 1, out);
    }

private:
    Result<void> settleSeeds(Propagation& out) {
        std::map<std::int64_t, std::vector<const PropagationSeed*>> bySlice;
        for (const PropagationSeed& seed : request_.seeds)
            if (seed.label == label_)
                bySlice[seed.slice.index].push_back(&seed);
        for (const auto& [index, seeds] : bySlice) {
            auto patch = settleSlice(index, seeds);
            if (!patch)
                return patch.error();
            const auto grey = greyOf(index);
            if (!grey)
                return grey.error();
            SliceMask mask = maskOf(*patch, size_[0], size_[1]);
            const SliceBox box = *boundingBox(mask);
            Appearance appearance(*grey, mask, windowOf(surroundings(box)));
            const StepFigures figures = figuresOf(*patch, patch->area(), seedIou_, *grey, appearance);
            out.slices.push_back({{plane_, index}, label_, std::move(*patch), figures, true});
            keys_.push_back({index, std::move(mask), box, appearance, seedIou_});
            onSlice_(index);
        }
        return {};
    }

    // All that is known of the label on one slice, as one patch.
    Result<SlicePatch> settleSlice(std::int64_t index, const std::vector<const PropagationSeed*>& seeds) {
        SegmentRequest ask{request_.volume, request_.imageHash, {plane_, index}, request_.window, {}};
        SlicePatch all{{0, 0, size_[0], size_[1]},
                       std::vector<float>(static_cast<std::size_t>(size_[0] * size_[1]), -1.0F)};
        seedIou_ = 0;
        for (const PropagationSeed* seed : seeds)
            if (seed->mask)
                for (std::size_t i = 0; i < all.values.size(); ++i)
                    all.values[i] = seed->mask->inside[i] ? certain : all.values[i];
            else
                ask.objects.push_back(seed->prompts);
        if (!ask.objects.empty()) {
            const auto answers = segmentSlice(
                ask, segmenter_, [](double, std::string_view) {}, stop_);
            if (!answers)
                return answers.error();
            for (const Proposal& p : *answers) {
                seedIou_ = std::max(seedIou_, p.predictedIou);
                for (std::size_t i = 0; i < all.values.size(); ++i)
                    all.values[i] = std::max(all.values[i], p.logits[i]);
            }
        }
        const auto box = boundingBox(all);
        if (!box)
            return Error{ErrorCode::InvalidArgument,
                         "Nothing was found on " + nameOf({plane_, index}) +
                             ", so there is nothing to propagate; move or enlarge the box."};
        return cut(all, windowOf(*box));
    }

    static SlicePatch cut(const SlicePatch& all, const PixelWindow& w) {
        SlicePatch patch{w, {}};
        patch.values.reserve(static_cast<std::size_t>(w.pixels()));
        for (std::int64_t y = w.y0; y < w.y0 + w.height; ++y)
            for (std::int64_t x = w.x0; x < w.x0 + w.width; ++x)
                patch.values.push_back(all.at(x, y));
        return patch;
    }

    Result<SliceImage> greyOf(std::int64_t index) const {
        auto slice = extractSlice(*request_.volume, {plane_, index});
        if (!slice)
            return slice.error();
        return luminance(*slice);
    }

    // What lies about a box: half its longer side on every side.
    SliceBox surroundings(const SliceBox& b) const {
        const double longer = std::max(b.x1 - b.x0, b.y1 - b.y0) + 1;
        return grownBox(b, std::max(3.0, 0.5 * longer), size_[0], size_[1]);
    }

    PixelWindow reachAround(const SliceBox& b) const {
        const double pixel = std::min(spacing_[0], spacing_[1]);
        return windowOf(grownBox(b, std::ceil(options_.reach * unit_ / pixel) + 1, size_[0], size_[1]));
    }

    SlicePatch inUnits(SlicePatch d) const {
        for (float& v : d.values)
            v = static_cast<float>(static_cast<double>(v) / unit_);
        return d;
    }

    SliceBox withMargin(const SliceBox& b) const {
        const double longer = std::max(b.x1 - b.x0, b.y1 - b.y0) + 1;
        return grownBox(b, options_.marginPx + options_.marginShare * longer, size_[0], size_[1]);
    }

    // Where the outline expected is deepest.
    static PointPrompt coreOf(const SlicePatch& expected) {
        const auto deepest = std::max_element(expected.values.begin(), expected.values.end());
        const std::int64_t at = deepest - expected.values.begin();
        return {{{static_cast<double>(expected.window.x0 + at % expected.window.width),
                  static_cast<double>(expected.window.y0 + at / expected.window.width)}},
                true};
    }

    // What is expected on a slice.
    struct Expectation {
        SliceBox box;
        SlicePatch outline;               ///< signed distance in steps
        std::optional<SlicePatch> anchor; ///< of the key slice
        std::int64_t areaBefore = 0;
        std::int64_t mostArea = std::numeric_limits<std::int64_t>::max();
    };

    Result<Step> ask(std::int64_t index, const Expectation& expected, const Appearance& appearance) {
        const auto grey = greyOf(index);
        if (!grey)
            return grey.error();
        Step step;
        SliceBox box = expected.box;
        for (int round = 0; round < options_.rounds; ++round) {
            const auto answer = answerFor(index, box, expected.outline);
            if (!answer)
                return answer.error();
            step.mask = combine(*answer, expected.outline, expected.anchor ? &*expected.anchor : nullptr,
                                *grey, appearance, options_.weights);
            dropTongues(step.mask, options_.tongueWidth * depthOf(expected.outline) * unit_,
                        options_.leastPart, spacing_);
            step.figures = figuresOf(step.mask, expected.areaBefore, answer->predictedIou, *grey, appearance);
            limitArea(step.mask, expected.mostArea);
            const auto found = boundingBox(step.mask);
            if (!found)
                break;
            box = *found;
        }
        onSlice_(index);
        return step;
    }

    Result<Proposal> answerFor(std::int64_t index, const SliceBox& box, const SlicePatch& outline) {
        SegmentRequest question{
            request_.volume, request_.imageHash, {plane_, index}, request_.window, {{withMargin(box), {}}}};
        if (options_.corePoint)
            question.objects.front().points.push_back(coreOf(outline));
        question.habit = exactBoxes();
        auto answers = segmentSlice(
            question, segmenter_, [](double, std::string_view) {}, stop_);
        if (!answers)
            return answers.error();
        return std::move(answers->front());
    }

    Result<void> fillBetween(const KeySlice& a, const KeySlice& b, Propagation& out) {
        std::int64_t area = areaOf(a.mask);
        for (std::int64_t index = a.index + 1; index < b.index; ++index) {
            const double t = static_cast<double>(index - a.index) / static_cast<double>(b.index - a.index);
            Expectation expected;
            expected.box = boxBetween(a.box, b.box, t);
            expected.outline = inUnits(shapeBetween(a.mask, b.mask, t, reachAround(expected.box), spacing_));
            expected.areaBefore = area;
            auto step = ask(index, expected, t < 0.5 ? a.appearance : b.appearance);
            if (!step)
                return step.error();
            if (step->mask.area() == 0)
                continue;
            area = step->mask.area();
            out.slices.push_back({{plane_, index}, label_, std::move(step->mask), step->figures, false});
        }
        return {};
    }

    // What is expected beside a slice: its own outline, held by that of the key slice the less the farther
    // away.
    Expectation besides(const SliceMask& mask, const SliceBox& box, const KeySlice& key,
                        std::int64_t steps) const {
        Expectation expected;
        expected.box = box;
        expected.outline = inUnits(signedDistance(mask, reachAround(box), spacing_));
        expected.anchor = inUnits(signedDistance(key.mask, expected.outline.window, spacing_));
        for (float& v : expected.anchor->values)
            v /= std::sqrt(static_cast<float>(steps));
        expected.areaBefore = areaOf(mask);
        const double most = std::min(options_.mostKeyArea * static_cast<double>(areaOf(key.mask)),
                                     options_.mostStepArea * static_cast<double>(expected.areaBefore) + 1);
        expected.mostArea = static_cast<std::int64_t>(most);
        return expected;
    }

    Result<void> walkOutward(const KeySlice& key, std::int64_t direction, Propagation& out) {
        const std::int64_t count = sliceCount(request_.volume->geometry(), plane_);
        const std::int64_t most = options_.mostSlices > 0 ? options_.mostSlices : count;
        SliceMask mask = key.mask;
        SliceBox box = key.box;
        double usualIou = key.predictedIou;
        StopReason reason = StopReason::End;
        std::int64_t index = key.index + direction;
        for (; index >= 0 && index < count && std::abs(index - key.index) <= most; index += direction) {
            auto step = ask(index, besides(mask, box, key, std::abs(index - key.index)), key.appearance);
            if (!step)
                return step.error();
            if (usualIou <= 0) // a person's mask: what the network thinks of the slice beside it
                usualIou = step->figures.predictedIou;
            reason = brokenRule(step->figures, options_.stop, usualIou);
            if (reason != StopReason::None)
                break;
            reason = StopReason::End;
            mask = maskOf(step->mask, size_[0], size_[1]);
            box = *boundingBox(step->mask);
            out.slices.push_back({{plane_, index}, label_, std::move(step->mask), step->figures, false});
        }
        out.ends.push_back({{plane_, index - direction}, label_, reason});
        return {};
    }

    static std::int64_t areaOf(const SliceMask& mask) {
        return std::count_if(mask.inside.begin(), mask.inside.end(), [](std::uint8_t v) { return v != 0; });
    }

    const PropagateRequest& request_;
    const PropagateOptions& options_;
    Plane plane_;
    LabelId label_;
    Segmenter& segmenter_;
    std::stop_token stop_;
    std::function<void(std::int64_t)> onSlice_;
    std::array<std::int64_t, 2> size_{};
    std::array<double, 2> spacing_{};
    double unit_ = 1; ///< mm that an outline usually moves from one slice to the next
    float seedIou_ = 0;
    std::vector<KeySlice> keys_;
};

Result<void> checkSeeds(const PropagateRequest& r) {
    if (r.seeds.empty())
        return Error{ErrorCode::InvalidArgument,
                     "There is nothing to propagate: no mask, box or point is given."};
    const Geometry& g = r.volume->geometry();
    const Plane plane = r.seeds.front().slice.plane;
    const auto size = sliceSize(g, plane);
    for (const PropagationSeed& seed : r.seeds) {
        if (seed.slice.plane != plane)
            return Error{ErrorCode::InvalidArgument,
                         "Propagation goes along one plane; these prompts lie on two."};
        if (seed.label.value == 0)
            return Error{ErrorCode::InvalidArgument, "Label 0 is the background and cannot be propagated."};
        if (seed.mask && (seed.mask->width != size[0] || seed.mask->height != size[1]))
            return Error{ErrorCode::InvalidArgument,
                         "The mask on " + nameOf(seed.slice) + " has another size."};
        if (auto valid = checkPrompt(g, {seed.slice, seed.label, seed.mask ? Prompts{} : seed.prompts});
            !valid)
            return valid;
    }
    return {};
}

} // namespace

Result<Propagation> propagate(const PropagateRequest& request, Segmenter& segmenter, const Progress& progress,
                              std::stop_token stop) {
    if (auto valid = checkSeeds(request); !valid)
        return valid.error();
    std::vector<LabelId> labels;
    for (const PropagationSeed& seed : request.seeds)
        labels.push_back(seed.label);
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    const Plane plane = request.seeds.front().slice.plane;
    const std::int64_t count = sliceCount(request.volume->geometry(), plane);
    Propagation out;
    for (std::size_t n = 0; n < labels.size(); ++n) {
        std::int64_t asked = 0;
        const auto onSlice = [&](std::int64_t index) {
            const double share = static_cast<double>(++asked) / static_cast<double>(count);
            progress((static_cast<double>(n) + std::min(share, 1.0)) / static_cast<double>(labels.size()),
                     "Propagating to " + nameOf({plane, index}));
        };
        LabelWalk walk(request, labels[n], segmenter, stop, onSlice);
        if (auto done = walk.run(out); !done)
            return done.error();
    }
    std::sort(out.slices.begin(), out.slices.end(), [](const PropagatedSlice& a, const PropagatedSlice& b) {
        return std::pair(a.label, a.slice.index) < std::pair(b.label, b.slice.index);
    });
    progress(1, "Done");
    return out;
}

std::vector<PropagationSeed> seedsFromLabel(const LabelMap& map, Plane plane, LabelId label) {
    std::vector<PropagationSeed> seeds;
    for (std::int64_t index = 0; index < sliceCount(map.grid(), plane); ++index) {
        SliceMask mask = sliceMask(map, {plane, index}, label);
        if (!mask.empty())
            seeds.push_back({{plane, index}, label, {}, std::move(mask)});
    }
    return seeds;
}

LabelMap labelsOf(const Propagation& p, const Geometry& g) {
    std::vector<float> best(static_cast<std::size_t>(g.voxelCount()));
    std::vector<std::uint16_t> labels(best.size());
    for (const PropagatedSlice& s : p.slices) {
        const PixelWindow& w = s.mask.window;
        for (std::int64_t y = w.y0; y < w.y0 + w.height; ++y)
            for (std::int64_t x = w.x0; x < w.x0 + w.width; ++x) {
                const auto at = static_cast<std::size_t>(g.offsetOf(voxelAt(g, s.slice, x, y)));
                if (const float v = s.mask.at(x, y); v > best[at]) {
                    best[at] = v;
                    labels[at] = s.label.value;
                }
            }
    }
    return std::move(*LabelMap::make(g, std::move(labels)));
}

Edit editFromPropagation(const LabelMap& map, const Propagation& p, LabelId label,
                         const LockedLabels& locked) {
    Edit edit{EditSource::Propagation, label, "Propagation", {}};
    if (locked.contains(label))
        return edit;
    const Geometry& g = map.grid();
    std::vector<std::uint64_t> starts;
    for (const PropagatedSlice& s : p.slices) {
        if (s.label != label)
            continue;
        const PixelWindow& w = s.mask.window;
        for (std::int64_t y = w.y0; y < w.y0 + w.height; ++y)
            for (std::int64_t x = w.x0; x < w.x0 + w.width; ++x)
                if (const VoxelIndex v = voxelAt(g, s.slice, x, y);
                    s.mask.at(x, y) > 0 && map.at(v).value == 0)
                    starts.push_back(static_cast<std::uint64_t>(g.offsetOf(v)));
    }
    std::sort(starts.begin(), starts.end());
    for (const std::uint64_t at : starts) {
        if (!edit.runs.empty() && edit.runs.back().start + edit.runs.back().length == at)
            ++edit.runs.back().length;
        else
            edit.runs.push_back({at, 1, 0, label.value});
    }
    return edit;
}

} // namespace tandem
