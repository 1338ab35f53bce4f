#include "core/usecases/evaluate.h"

#include "core/measure/baselines.h"
#include "core/measure/components.h"
#include "core/measure/overlap.h"
#include "core/measure/region_growing.h"
#include "core/measure/surface_dice.h"
#include "core/usecases/evaluate_scores.h"
#include "core/usecases/label_lean.h"
#include "core/usecases/propagate_step.h"
#include "core/usecases/segment_volume.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace tandem {
namespace {

// What is found of one structure on one slice.
struct SliceObject {
    SliceKey slice;
    SliceMask truth;
    SliceBox box;
};

SliceMask truthOf(const EvaluationImage& image, SliceKey key, const std::set<int>& labels) {
    const Geometry& g = image.truth.grid();
    const auto size = sliceSize(g, key.plane);
    SliceMask m(size[0], size[1]);
    for (std::int64_t y = 0; y < m.height; ++y)
        for (std::int64_t x = 0; x < m.width; ++x)
            m.at(x, y) = labels.contains(image.truth.at(voxelAt(g, key, x, y)).value);
    return m;
}

std::vector<SliceObject> objectsOf(const EvaluationImage& image, int label, const EvaluateOptions& options) {
    std::vector<SliceObject> all;
    for (std::int64_t n = 0; n < sliceCount(image.truth.grid(), Plane::Axial); ++n) {
        SliceObject o{{Plane::Axial, n}, truthOf(image, {Plane::Axial, n}, {label}), {}};
        if (const auto box = protocolBox(o.truth, options.protocol)) {
            o.box = *box;
            all.push_back(std::move(o));
        }
    }
    const auto wanted = options.slices > 0 ? static_cast<std::size_t>(options.slices) : all.size();
    if (wanted >= all.size())
        return all;
    std::vector<SliceObject> some;
    for (std::size_t n = 0; n < wanted; ++n)
        some.push_back(std::move(all[(2 * n + 1) * all.size() / (2 * wanted)]));
    return some;
}

// Masks of one structure, collected per method and number of clicks.
class StructureScores {
public:
    StructureScores(const Geometry& grid, bool everySlice) : grid_(grid), everySlice_(everySlice) {}

    void add(const std::string& method, int clicks, const SliceObject& o, const SliceMask& mask,
             std::optional<double> predictedIou = {}) {
        scores_.try_emplace({method, clicks}, grid_, everySlice_)
            .first->second.add(o.slice, o.truth, mask, predictedIou);
    }
    void rows(EvaluateRow row, std::vector<EvaluateRow>& out) const {
        for (const auto& [key, score] : scores_) {
            row.method = key.first;
            row.clicks = key.second;
            row.slices = score.slices();
            row.dsc = score.dsc();
            row.nsd = score.nsd();
            row.guess = score.guess();
            out.push_back(row);
        }
    }

private:
    Geometry grid_;
    bool everySlice_;
    std::map<std::pair<std::string, int>, StackScore> scores_;
};

class Evaluation {
public:
    Evaluation(const std::vector<EvaluationModel>& models, const EvaluateOptions& options,
               std::stop_token stop)
        : models_(models), options_(options), stop_(std::move(stop)) {}

    Result<void> add(const EvaluationItem& item) {
        const auto image = item.load();
        if (!image) {
            report_.skipped.push_back(image.error().sentence);
            return {};
        }
        if (!image->instances) {
            for (const auto& [label, name] : image->names)
                if (auto done = addStructure(item, *image, {label}, name); !done)
                    return done;
            return {};
        }
        std::vector<int> all;
        for (const auto& [label, name] : image->names)
            all.push_back(label);
        return addStructure(item, *image, all, image->names.empty() ? "" : image->names.begin()->second);
    }

    Result<EvaluateReport> finish() {
        if (report_.rows.empty())
            return Error{ErrorCode::FormatInvalid,
                         "Nothing was left to evaluate" +
                             (report_.skipped.empty() ? std::string(".")
                                                      : "; the first problem: " + report_.skipped.front())};
        report_.means = meansOf(report_.rows);
        for (const auto& [model, sum] : clickSum_)
            report_.clicksTo90[model] = sum / static_cast<double>(clickCount_[model]);
        return std::move(report_);
    }

private:
    Result<void> addStructure(const EvaluationItem& item, const EvaluationImage& image,
                              const std::vector<int>& labels, const std::string& name) {
        StructureScores scores(image.truth.grid(), options_.slices == 0);
        for (int label : labels)
            for (const SliceObject& o : objectsOf(image, label, options_))
                if (auto done = addObject(image, o, item.source + "/" + name, scores); !done)
                    return done;
        EvaluateRow row;
        row.caseName = item.caseName;
        row.modality = item.modality;
        row.source = item.source;
        row.label = labels.front();
        row.name = name;
        row.protocol = options_.protocol;
        scores.rows(row, report_.rows);
        return {};
    }

    Result<void> addObject(const EvaluationImage& image, const SliceObject& o, const std::string& label,
                           StructureScores& scores) {
        const auto slice = extractSlice(*image.volume, o.slice);
        if (!slice)
            return slice.error();
        if (options_.baselines) {
            scores.add("ellipse", 0, o, ellipseMask(*slice, o.box));
            scores.add("otsu", 0, o, otsuMask(*slice, o.box));
            scores.add("walker", 0, o, walkerMask(*slice, o.box));
        }
        if (options_.baselines && options_.clicks > 0)
            (void)addClicked("growing", o, scores, [&](const Clicks& clicks) -> Result<Found> {
                return Found{grownMask(*slice, o.box, clicks), {}};
            });
        for (const EvaluationModel& model : models_)
            if (auto done = addModel(image, o, model, label, scores); !done)
                return done;
        if (options_.learning)
            learnBox(habit_, o.box, o.truth);
        return {};
    }

    // @param label  names what the masks of one kind of thing are remembered under
    Result<void> addModel(const EvaluationImage& image, const SliceObject& o, const EvaluationModel& model,
                          const std::string& label, StructureScores& scores) {
        SegmentRequest request{
            image.volume, image.imageHash, o.slice, defaultWindow(*image.volume), {{o.box, {}}}};
        request.habit = !options_.knownHand                       ? habit_
                        : options_.protocol == BoxProtocol::Tight ? exactBoxes()
                                                                  : looseBoxes();
        LabelMemory& memory = memories_[model.name + "/" + label];
        request.lean = options_.learning ? memory.lean() : nullptr;
        SliceImage first;
        auto done = addClicked(model.name, o, scores, [&](const Clicks& clicks) -> Result<Found> {
            request.objects.front().points = clicks;
            auto answer = segmentSlice(
                request, *model.segmenter, [](double, std::string_view) {}, stop_);
            if (!answer)
                return answer.error();
            Proposal& proposal = answer->front();
            Found found{proposal.mask(), static_cast<double>(proposal.predictedIou)};
            if (clicks.empty())
                first = {proposal.width, proposal.height, 1, std::move(proposal.logits)};
            return found;
        });
        if (done && options_.learning)
            if (auto example = exampleOf(first, 0, 0, request.lean.get(), o.box, o.truth))
                memory.add(*std::move(example));
        return done;
    }

    // Masks after 0, 1, 2 ... clicks, each on the largest error of the mask before.
    using Clicks = std::vector<PointPrompt>;
    struct Found {
        SliceMask mask;
        std::optional<double> predictedIou;
    };
    template <class Segment>
    Result<void> addClicked(const std::string& method, const SliceObject& o, StructureScores& scores,
                            const Segment& segment) {
        int reached = options_.clicks + 1;
        Clicks points;
        SliceMask mask;
        for (int clicks = 0; clicks <= options_.clicks; ++clicks) {
            if (clicks > 0)
                if (const auto click = nextClick(mask, o.truth)) // a mask without error stays as it is
                    points.push_back(*click);
            auto answer = segment(points);
            if (!answer)
                return answer.error();
            mask = std::move(answer->mask);
            scores.add(method, clicks, o, mask, answer->predictedIou);
            if (dice(mask, o.truth) >= 0.9)
                reached = std::min(reached, clicks);
        }
        if (options_.clicks > 0) {
            clickSum_[method] += reached;
            ++clickCount_[method];
        }
        return {};
    }

    const std::vector<EvaluationModel>& models_;
    const EvaluateOptions& options_;
    std::stop_token stop_;
    EvaluateReport report_;
    DrawingHabit habit_; // learned, if it is
    std::map<std::string, LabelMemory> memories_;
    std::map<std::string, double> clickSum_;
    std::map<std::string, std::int64_t> clickCount_;
};

} // namespace

std::string_view protocolName(BoxProtocol p) {
    return p == BoxProtocol::Tight ? "tight" : "medsam";
}

std::optional<SliceBox> protocolBox(const SliceMask& truth, BoxProtocol protocol) {
    const auto exact = boundingBox(truth);
    if (!exact || protocol == BoxProtocol::Tight)
        return exact;
    const double out = std::round(0.03 * static_cast<double>(std::max(truth.width, truth.height)));
    return grownBox(*exact, out, truth.width, truth.height);
}

std::optional<PointPrompt> nextClick(const SliceMask& mask, const SliceMask& truth) {
    std::optional<PointPrompt> click;
    std::int64_t largest = 0;
    for (bool missing : {true, false}) {
        std::vector<std::uint8_t> error(truth.inside.size());
        for (std::size_t i = 0; i < error.size(); ++i)
            error[i] = missing ? truth.inside[i] && !mask.inside[i] : mask.inside[i] && !truth.inside[i];
        const Components c = connectedComponents(error, {truth.width, truth.height, 1});
        const std::int64_t size = c.voxels[static_cast<std::size_t>(c.largest())];
        if (size <= largest)
            continue;
        largest = size;
        const auto at = innermost(c, c.largest(), truth.width, truth.height);
        click = PointPrompt{{{static_cast<double>(at[0]), static_cast<double>(at[1])}}, missing};
    }
    return click;
}

Result<EvaluateReport> evaluate(const std::vector<EvaluationItem>& items,
                                const std::vector<EvaluationModel>& models, const EvaluateOptions& options,
                                const Progress& progress, std::stop_token stop) {
    Evaluation evaluation(models, options, stop);
    for (std::size_t n = 0; n < items.size(); ++n) {
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "The evaluation was stopped."};
        progress(static_cast<double>(n) / static_cast<double>(items.size()),
                 "Evaluating " + items[n].caseName);
        if (auto done = evaluation.add(items[n]); !done)
            return done.error();
    }
    progress(1, "Done");
    return evaluation.finish();
}

} // namespace tandem
