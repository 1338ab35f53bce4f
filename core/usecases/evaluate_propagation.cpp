#include "core/usecases/evaluate_propagation.h"

#include "core/measure/baselines.h"
#include "core/usecases/evaluate_scores.h"
#include "core/usecases/segment_volume.h"

#include <algorithm>
#include <map>

namespace tandem {
namespace {

using MaskBySlice = std::map<std::int64_t, SliceMask>;
const Progress silent = [](double, std::string_view) {};

// One structure of one image: its true masks, and the question about it.
struct Structure {
    int label = 0;
    MaskBySlice truth; ///< of the slices that have it
    std::int64_t middle = 0;
    SliceBox box; ///< on the middle slice
};

Structure structureOf(const LabelMap& map, int label, const PropagationTest& test) {
    Structure s{label, {}, 0, {}};
    for (std::int64_t n = 0; n < sliceCount(map.grid(), test.plane); ++n)
        if (SliceMask truth = sliceMask(map, {test.plane, n}, LabelId{static_cast<std::uint16_t>(label)});
            !truth.empty())
            s.truth.emplace(n, std::move(truth));
    const auto middle = std::next(s.truth.begin(), static_cast<std::ptrdiff_t>(s.truth.size() / 2));
    s.middle = middle->first;
    s.box = *protocolBox(middle->second, test.protocol);
    return s;
}

EvaluateRow scored(EvaluateRow row, std::string method, const Structure& s, const MaskBySlice& masks,
                   const Geometry& grid, Plane plane) {
    StackScore score(grid, true, plane);
    const SliceMask none(s.truth.begin()->second.width, s.truth.begin()->second.height);
    for (const auto& [index, truth] : s.truth)
        if (!masks.contains(index))
            score.add({plane, index}, truth, none);
    for (const auto& [index, mask] : masks) {
        const auto truth = s.truth.find(index);
        score.add({plane, index}, truth == s.truth.end() ? none : truth->second, mask);
    }
    row.method = std::move(method);
    row.slices = static_cast<std::int64_t>(masks.size());
    row.dsc = score.dsc();
    row.nsd = score.nsd();
    return row;
}

class PropagationEvaluation {
public:
    PropagationEvaluation(const std::vector<EvaluationModel>& models, const PropagationTest& test,
                          std::stop_token stop)
        : models_(models), test_(test), stop_(std::move(stop)) {}

    Result<void> add(const EvaluationItem& item, const Progress& progress) {
        const auto image = item.load();
        if (!image) {
            report_.skipped.push_back(image.error().sentence);
            return {};
        }
        if (sliceCount(image->truth.grid(), test_.plane) < 2) {
            report_.skipped.push_back(item.caseName +
                                      " has one slice only; there is nothing to propagate to.");
            return {};
        }
        const std::vector<LabelId> labels = chosenLabels(image->truth);
        for (std::size_t n = 0; n < labels.size(); ++n) {
            const int label = labels[n].value;
            const auto name = image->names.find(label);
            EvaluateRow row;
            row.caseName = item.caseName;
            row.modality = item.modality;
            row.source = item.source;
            row.label = label;
            if (name != image->names.end())
                row.name = name->second;
            row.protocol = test_.protocol;
            progress(static_cast<double>(n) / static_cast<double>(labels.size()),
                     item.caseName + ", " + row.name);
            if (auto done = addStructure(row, *image); !done)
                return done;
        }
        return {};
    }

    Result<EvaluateReport> finish() {
        if (report_.rows.empty())
            return Error{ErrorCode::FormatInvalid,
                         "Nothing was left to propagate" +
                             (report_.skipped.empty() ? std::string(".")
                                                      : "; the first problem: " + report_.skipped.front())};
        report_.means = meansOf(report_.rows);
        return std::move(report_);
    }

private:
    std::vector<LabelId> chosenLabels(const LabelMap& truth) const {
        const std::vector<LabelId> all = truth.present();
        const auto wanted = test_.structures > 0 ? static_cast<std::size_t>(test_.structures) : all.size();
        if (wanted >= all.size())
            return all;
        std::vector<LabelId> some;
        for (std::size_t n = 0; n < wanted; ++n)
            some.push_back(all[(2 * n + 1) * all.size() / (2 * wanted)]);
        return some;
    }

    Result<void> addStructure(const EvaluateRow& row, const EvaluationImage& image) {
        const Geometry& grid = image.truth.grid();
        const Structure s = structureOf(image.truth, row.label, test_);
        for (const EvaluationModel& model : models_) {
            const auto propagated = propagatedMasks(s, image, model);
            if (!propagated)
                return propagated.error();
            report_.rows.push_back(
                scored(row, std::string(propagatedMethod) + model.name, s, *propagated, grid, test_.plane));
            const auto every = everySliceMasks(s, image, model);
            if (!every)
                return every.error();
            report_.rows.push_back(
                scored(row, std::string(everySliceMethod) + model.name, s, *every, grid, test_.plane));
        }
        const auto ellipses = repeatedEllipse(s, image);
        if (!ellipses)
            return ellipses.error();
        report_.rows.push_back(
            scored(row, std::string(repeatedEllipseMethod), s, *ellipses, grid, test_.plane));
        return {};
    }

    Result<MaskBySlice> propagatedMasks(const Structure& s, const EvaluationImage& image,
                                        const EvaluationModel& model) const {
        PropagateRequest request{
            image.volume, image.imageHash, defaultWindow(*image.volume), {}, test_.propagate};
        request.seeds.push_back({{test_.plane, s.middle}, LabelId{1}, {s.box, {}}, std::nullopt});
        const auto done = propagate(request, *model.segmenter, silent, stop_);
        if (!done && done.error().code == ErrorCode::InvalidArgument)
            return MaskBySlice{}; // the model found nothing in the box
        if (!done)
            return done.error();
        const SliceMask& size = s.truth.begin()->second;
        MaskBySlice masks;
        for (const PropagatedSlice& slice : done->slices)
            masks.emplace(slice.slice.index, maskOf(slice.mask, size.width, size.height));
        return masks;
    }

    Result<MaskBySlice> everySliceMasks(const Structure& s, const EvaluationImage& image,
                                        const EvaluationModel& model) const {
        MaskBySlice masks;
        for (const auto& [index, truth] : s.truth) {
            const SegmentRequest request{image.volume,
                                         image.imageHash,
                                         {test_.plane, index},
                                         defaultWindow(*image.volume),
                                         {{protocolBox(truth, test_.protocol), {}}}};
            const auto answer = segmentSlice(request, *model.segmenter, silent, stop_);
            if (!answer)
                return answer.error();
            masks.emplace(index, answer->front().mask());
        }
        return masks;
    }

    Result<MaskBySlice> repeatedEllipse(const Structure& s, const EvaluationImage& image) const {
        const auto slice = extractSlice(*image.volume, {test_.plane, s.middle});
        if (!slice)
            return slice.error();
        const SliceMask ellipse = ellipseMask(*slice, s.box);
        MaskBySlice masks;
        for (std::int64_t n = s.truth.begin()->first; n <= s.truth.rbegin()->first; ++n)
            masks.emplace(n, ellipse);
        return masks;
    }

    const std::vector<EvaluationModel>& models_;
    const PropagationTest& test_;
    std::stop_token stop_;
    EvaluateReport report_;
};

} // namespace

Result<EvaluateReport> evaluatePropagation(const std::vector<EvaluationItem>& items,
                                           const std::vector<EvaluationModel>& models,
                                           const PropagationTest& test, const Progress& progress,
                                           std::stop_token stop) {
    PropagationEvaluation evaluation(models, test, stop);
    for (std::size_t n = 0; n < items.size(); ++n) {
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "The evaluation was stopped."};
        const auto within = [&](double share, std::string_view what) {
            progress((static_cast<double>(n) + share) / static_cast<double>(items.size()),
                     "Propagating " + std::string(what));
        };
        if (auto done = evaluation.add(items[n], within); !done)
            return done.error();
    }
    progress(1, "Done");
    return evaluation.finish();
}

} // namespace tandem
