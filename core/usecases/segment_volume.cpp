#include "core/usecases/segment_volume.h"

#include "core/edit/edit.h"
#include "core/tools/slice_rect.h"
#include "core/usecases/slice_neighbours.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <tuple>
#include <utility>

namespace tandem {
namespace {

using SliceOrder = std::tuple<int, std::int64_t>; // plane, index

SliceOrder orderOf(const SliceKey& key) {
    return {static_cast<int>(key.plane), key.index};
}

// Writes the objects of one slice into the map: the largest logit wins, below 0 nothing is written.
Result<void> paint(LabelMap& map, const SliceAnswer& answer) {
    const std::vector<SlicePrompts>& objects = answer.objects;
    const std::vector<Proposal>& proposals = answer.proposals;
    const Proposal& first = proposals.front();
    std::vector<float> best(first.logits.size(), 0.0F);
    std::vector<std::uint16_t> winner(first.logits.size(), 0);
    for (std::size_t n = 0; n < objects.size(); ++n)
        for (std::size_t v = 0; v < best.size(); ++v)
            if (proposals[n].logits[v] > best[v]) {
                best[v] = proposals[n].logits[v];
                winner[v] = objects[n].label.value;
            }
    std::vector<std::uint16_t> labels(winner);
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    for (std::uint16_t label : labels) {
        if (label == 0)
            continue;
        SliceMask mask(first.width, first.height);
        for (std::size_t v = 0; v < winner.size(); ++v)
            mask.inside[v] = winner[v] == label;
        const Edit edit =
            editFromMask(map, objects.front().slice, mask, LabelId{label}, EditSource::Proposal, {});
        if (Result<void> done = applyEdit(map, edit); !done)
            return done;
    }
    return {};
}

// Paints the slices in their order, each once the next one is known: no more than two lie in memory.
class VolumePainter {
public:
    VolumePainter(LabelMap& map, bool neighboursAgree) : map_(map), agree_(neighboursAgree) {}

    Result<void> add(SliceAnswer next) {
        std::vector<BoxVote> votes;
        if (agree_)
            votes = votesOf(next);
        if (Result<void> painted = paintLatest(&votes); !painted)
            return painted;
        before_ = std::exchange(latestVotes_, std::move(votes));
        latest_ = std::move(next);
        return {};
    }
    Result<void> finish() { return paintLatest(nullptr); }

private:
    Result<void> paintLatest(const std::vector<BoxVote>* behind) {
        if (!latest_)
            return {};
        if (agree_)
            agreeWithNeighbours(*latest_, &before_, behind);
        return paint(map_, *latest_);
    }

    LabelMap& map_;
    bool agree_;
    std::optional<SliceAnswer> latest_;
    std::vector<BoxVote> before_, latestVotes_;
};

// Who drew the boxes, from a dozen of them, spread over all; some (of a voxel, say) cannot be read both ways.
Result<DrawingHabit> habitOfBoxes(const SegmentRequest& like, const std::vector<SlicePrompts>& prompts,
                                  Segmenter& segmenter, std::stop_token stop) {
    constexpr std::size_t most = 12;
    std::vector<const SlicePrompts*> boxes;
    for (const SlicePrompts& p : prompts)
        if (p.prompts.box && p.prompts.points.empty())
            boxes.push_back(&p);
    std::vector<double> evidence;
    const std::size_t count = std::min(most, boxes.size());
    for (std::size_t n = 0; count > 1 && n < count; ++n) {
        const SlicePrompts& asked = *boxes[n * boxes.size() / count];
        SegmentRequest request = like;
        request.slice = asked.slice;
        request.objects = {asked.prompts};
        const auto answer = segmentSlice(
            request, segmenter, [](double, std::string_view) {}, stop);
        if (!answer)
            return answer.error();
        if (const auto& told = answer->front().looseEvidence)
            evidence.push_back(*told);
    }
    return habitBehind(evidence);
}

} // namespace

Result<void> checkPrompt(const Geometry& g, const SlicePrompts& p) {
    const std::string where =
        std::string(planeName(p.slice.plane)) + " slice " + std::to_string(p.slice.index);
    if (p.slice.index < 0 || p.slice.index >= sliceCount(g, p.slice.plane))
        return Error{ErrorCode::InvalidArgument, "There is no " + where + "; the image has " +
                                                     std::to_string(sliceCount(g, p.slice.plane)) +
                                                     " (counted from 0)."};
    const auto size = sliceSize(g, p.slice.plane);
    const auto inside = [&size](double x, double y) {
        return x >= 0 && y >= 0 && x <= static_cast<double>(size[0] - 1) &&
               y <= static_cast<double>(size[1] - 1);
    };
    const std::string bounds =
        " (x 0.." + std::to_string(size[0] - 1) + ", y 0.." + std::to_string(size[1] - 1) + ").";
    if (p.prompts.box &&
        (!inside(p.prompts.box->x0, p.prompts.box->y0) || !inside(p.prompts.box->x1, p.prompts.box->y1)))
        return Error{ErrorCode::InvalidArgument, "A box on " + where + " lies outside the slice" + bounds};
    if (p.prompts.box && (p.prompts.box->x1 < p.prompts.box->x0 || p.prompts.box->y1 < p.prompts.box->y0))
        return Error{ErrorCode::InvalidArgument, "A box on " + where +
                                                     " has its corners the wrong way round; give x0,y0,x1,y1 "
                                                     "with the smaller indices first."};
    for (const PointPrompt& point : p.prompts.points)
        for (const Point<SlicePx>& at : verticesOf(point))
            if (!inside(at[0], at[1]))
                return Error{ErrorCode::InvalidArgument,
                             (point.isScribble() ? "A scribble on " : "A point on ") + where +
                                 " lies outside the slice" + bounds};
    return {};
}

std::vector<SlicePrompts> promptsFromMask(const LabelMap& map, Plane plane, std::optional<LabelId> only,
                                          double growPx) {
    const Geometry& g = map.grid();
    const auto size = sliceSize(g, plane);
    std::vector<SlicePrompts> out;
    for (std::int64_t index = 0; index < sliceCount(g, plane); ++index) {
        std::map<LabelId, SliceRect> extents;
        for (std::int64_t y = 0; y < size[1]; ++y)
            for (std::int64_t x = 0; x < size[0]; ++x)
                if (const LabelId label = map.at(voxelAt(g, {plane, index}, x, y));
                    label.value != 0 && (!only || label == *only))
                    extents[label].include(x, y);
        for (const auto& [label, e] : extents) {
            const SliceBox box{
                std::max(0.0, static_cast<double>(e.x0) - growPx),
                std::max(0.0, static_cast<double>(e.y0) - growPx),
                std::min(static_cast<double>(size[0] - 1), static_cast<double>(e.x1) + growPx),
                std::min(static_cast<double>(size[1] - 1), static_cast<double>(e.y1) + growPx)};
            out.push_back({{plane, index}, label, {box, {}}});
        }
    }
    return out;
}

std::optional<DrawingHabit> habitOfMask(const LabelMap& map, const std::vector<SlicePrompts>& prompts) {
    const auto isRectangle = [&](const SlicePrompts& p) {
        const SliceMask mask = sliceMask(map, p.slice, p.label);
        const SliceBox& b = *p.prompts.box;
        for (std::int64_t y = std::llround(b.y0); y <= std::llround(b.y1); ++y)
            for (std::int64_t x = std::llround(b.x0); x <= std::llround(b.x1); ++x)
                if (!mask.at(x, y))
                    return false;
        return true;
    };
    if (std::all_of(prompts.begin(), prompts.end(), isRectangle))
        return std::nullopt;
    return exactBoxes();
}

Result<std::vector<Proposal>> segmentSlice(const SegmentRequest& request, Segmenter& segmenter,
                                           const Progress& progress, std::stop_token stop) {
    std::promise<Result<std::vector<Proposal>>> promise;
    std::future<Result<std::vector<Proposal>>> answer = promise.get_future();
    segmenter.submit(request, stop, progress, [&promise](RequestId, Result<std::vector<Proposal>> r) {
        promise.set_value(std::move(r));
    });
    return answer.get();
}

Result<LabelMap> segmentVolume(const LoadedImage& image, const std::string& imageHash,
                               const std::vector<SlicePrompts>& prompts, Segmenter& segmenter,
                               const Progress& progress, std::stop_token stop,
                               const SegmentVolumeOptions& options) {
    const Geometry& g = image.volume->geometry();
    std::map<SliceOrder, std::vector<SlicePrompts>> slices;
    for (const SlicePrompts& p : prompts) {
        if (Result<void> valid = checkPrompt(g, p); !valid)
            return valid.error();
        slices[orderOf(p.slice)].push_back(p);
    }
    LabelMap map(g);
    SegmentRequest request{image.volume, imageHash, {}, defaultWindow(*image.volume), {}};
    const auto model = segmenter.model();
    const bool eachObjectAnew = model && model->preprocess == "focus";
    const auto habit = options.habit || !eachObjectAnew ? Result(options.habit.value_or(DrawingHabit{}))
                                                        : habitOfBoxes(request, prompts, segmenter, stop);
    if (!habit)
        return habit.error();
    request.habit = *habit;
    request.candidate = options.candidate;
    VolumePainter painter(map, eachObjectAnew && options.candidate == 0);
    std::size_t done = 0;
    for (auto& [order, objects] : slices) {
        progress(static_cast<double>(done) / static_cast<double>(slices.size()),
                 "Slice " + std::to_string(done + 1) + " of " + std::to_string(slices.size()));
        ++done;
        request.slice = objects.front().slice;
        request.objects.clear();
        for (const SlicePrompts& o : objects)
            request.objects.push_back(o.prompts);
        auto proposals = segmentSlice(
            request, segmenter, [](double, std::string_view) {}, stop);
        if (!proposals)
            return proposals.error();
        if (Result<void> painted = painter.add({std::move(objects), *std::move(proposals)}); !painted)
            return painted.error();
    }
    if (Result<void> painted = painter.finish(); !painted)
        return painted.error();
    progress(1, "Done");
    return map;
}

Result<ModelInfo> loadModelNow(Segmenter& segmenter, const std::filesystem::path& file) {
    std::promise<Result<ModelInfo>> promise;
    segmenter.loadModel(file, [&promise](Result<ModelInfo> r) { promise.set_value(std::move(r)); });
    return promise.get_future().get();
}

} // namespace tandem
