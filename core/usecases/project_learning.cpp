#include "core/usecases/project_learning.h"

#include "core/files/json.h"
#include "core/measure/overlap.h"
#include "core/usecases/label_lean.h"
#include "core/usecases/open_case.h"
#include "core/usecases/segment_volume.h"

#include <algorithm>
#include <map>

namespace tandem {
namespace {

constexpr const char* splitKey = "learning.split";
constexpr std::uint64_t splitSeed = 1;

Result<std::vector<CaseRecord>> approvedCases(ProjectStore& store) {
    auto cases = store.cases();
    if (cases)
        std::erase_if(*cases, [](const CaseRecord& c) { return c.state != CaseState::Approved; });
    return cases;
}

Result<JsonValue> readSplit(ProjectStore& store) {
    const auto text = store.setting(splitKey);
    if (!text)
        return text.error();
    const auto json = *text ? parseJson(**text) : Result<JsonValue>(Error{});
    return json && json->isObject() ? *json : JsonValue(JsonValue::Object{});
}

std::string keyOf(const CaseRecord& c) {
    return std::to_string(c.id.value);
}

std::map<int, std::string> labelNames(ProjectStore& store, const LabelMap& map) {
    std::map<int, std::string> names;
    const auto known = store.labels();
    for (const LabelId label : map.present()) {
        names[label.value] = "label " + std::to_string(label.value);
        for (std::size_t n = 0; known && n < known->size(); ++n)
            if ((*known)[n].id == label)
                names[label.value] = (*known)[n].name;
    }
    return names;
}

PairRow rowOf(const ProjectStore& store, const CaseRecord& c) {
    PairRow row;
    row.caseName = row.patient = c.name;
    row.modality = c.image.modality;
    row.dataSet = store.path().stem().string();
    row.licence = "private: from a project of this machine's user";
    row.train = "yes";
    return row;
}

Result<PackImage> loadApproved(const ImageReader& reader, ProjectStore& store, CaseId id) {
    auto opened = openCase(reader, store, id, [](double, std::string_view) {}, {});
    if (!opened)
        return opened.error();
    auto names = labelNames(store, opened->layer.labels);
    if (names.empty())
        return Error{ErrorCode::FormatInvalid,
                     "The approved case " + opened->record.name + " has an empty mask."};
    PackImage image{opened->image.volume, {}};
    image.masks.push_back({std::move(opened->layer.labels), std::move(names), false});
    return image;
}

bool isOnGrid(const Geometry& grid, SliceKey key) {
    const auto axis = static_cast<std::size_t>(sliceAxes(grid, key.plane).slice);
    return key.index >= 0 && key.index < grid.size()[axis];
}

// The last prompt of every slice and label.
std::vector<PromptRecord> lastPrompts(std::vector<PromptRecord> all) {
    std::vector<PromptRecord> last;
    for (PromptRecord& record : all) {
        const auto same = std::find_if(last.begin(), last.end(), [&](const PromptRecord& r) {
            return r.slice == record.slice && r.label == record.label;
        });
        if (same == last.end())
            last.push_back(std::move(record));
        else
            *same = std::move(record);
    }
    return last;
}

// For a case that nobody prompted on (its mask was drawn by hand or imported): exact boxes on some slices of
// a label.
std::vector<PromptRecord> boxesOfMask(const LabelMap& map) {
    constexpr std::size_t slicesPerLabel = 8;
    std::map<int, std::vector<SlicePrompts>> byLabel;
    for (SlicePrompts& p : promptsFromMask(map, Plane::Axial, std::nullopt, 0))
        byLabel[p.label.value].push_back(std::move(p));
    std::vector<PromptRecord> records;
    for (const auto& [label, all] : byLabel) {
        const std::size_t wanted = std::min(all.size(), slicesPerLabel);
        for (std::size_t n = 0; n < wanted; ++n) {
            const SlicePrompts& p = all[n * all.size() / wanted];
            records.push_back({p.slice, p.label, p.prompts, {}, 0, false});
        }
    }
    return records;
}

// What replayed boxes have taught: as if each mask had been accepted in the window.
struct Taught {
    DrawingHabit habit;
    std::map<std::string, LabelMemory> memories; ///< of a model, label and plane
};

// Replays one case; a row for each label.
class CaseReplay {
public:
    /// @param taught  learns from each box that is replayed
    CaseReplay(OpenedCase opened, const std::vector<EvaluationModel>& models,
               std::map<int, std::string> names, Taught& taught)
        : opened_(std::move(opened)), models_(models), names_(std::move(names)), taught_(taught),
          window_(defaultWindow(*opened_.image.volume)) {}

    Result<void> add(const PromptRecord& record, std::stop_token stop) {
        const LabelMap& approved = opened_.layer.labels;
        if (!isOnGrid(approved.grid(), record.slice) || !names_.contains(record.label.value))
            return {};
        const SliceMask truth = sliceMask(approved, record.slice, record.label);
        if (std::count(truth.inside.begin(), truth.inside.end(), 1) == 0)
            return {}; // what was asked for here did not stay in the mask
        ReplayRow& row = rows_[record.label.value];
        row.dsc.resize(models_.size());
        for (std::size_t m = 0; m < models_.size(); ++m) {
            const auto dsc = ask(record, truth, models_[m], stop);
            if (!dsc)
                return dsc.error();
            row.dsc[m] += *dsc;
        }
        ++row.prompts;
        if (record.prompts.box)
            learnBox(taught_.habit, *record.prompts.box, truth);
        return {};
    }

    void finish(ReplayReport& report) {
        for (auto& [label, row] : rows_) {
            row.caseName = opened_.record.name;
            row.label = LabelId{static_cast<std::uint16_t>(label)};
            row.name = names_[label];
            for (double& sum : row.dsc)
                sum /= static_cast<double>(row.prompts);
            report.rows.push_back(row);
        }
    }

private:
    Result<double> ask(const PromptRecord& record, const SliceMask& truth, const EvaluationModel& model,
                       const std::stop_token& stop) {
        SegmentRequest request{
            opened_.image.volume, opened_.record.image.contentHash, record.slice, window_, {record.prompts}};
        request.habit = taught_.habit;
        LabelMemory& memory = taught_.memories[model.name + "/" + names_[record.label.value] + "/" +
                                               std::string(planeName(record.slice.plane))];
        request.lean = memory.lean();
        const auto answer = segmentSlice(
            request, *model.segmenter, [](double, std::string_view) {}, stop);
        if (!answer)
            return answer.error();
        const Proposal& p = answer->front();
        if (record.prompts.box && record.prompts.points.empty())
            if (auto example = exampleOf({p.width, p.height, 1, p.logits}, 0, 0, request.lean.get(),
                                         *record.prompts.box, truth))
                memory.add(*std::move(example));
        return dice(truth, p.mask());
    }

    OpenedCase opened_;
    const std::vector<EvaluationModel>& models_;
    std::map<int, std::string> names_;
    Taught& taught_;
    GreyWindow window_;
    std::map<int, ReplayRow> rows_;
};

Result<void> replayCase(const ImageReader& reader, ProjectStore& store, const CaseRecord& record,
                        const std::vector<EvaluationModel>& models, Taught& taught,
                        const std::stop_token& stop, ReplayReport& report) {
    auto opened = openCase(
        reader, store, record.id, [](double, std::string_view) {}, stop);
    if (!opened) {
        report.skipped.push_back(opened.error().sentence);
        return {};
    }
    auto prompts = store.promptRecords(record.layer);
    if (!prompts)
        return prompts.error();
    if (prompts->empty())
        prompts = boxesOfMask(opened->layer.labels);
    auto names = labelNames(store, opened->layer.labels);
    CaseReplay replay(std::move(*opened), models, std::move(names), taught);
    for (const PromptRecord& prompt : lastPrompts(std::move(*prompts)))
        if (auto done = replay.add(prompt, stop); !done)
            return done;
    replay.finish(report);
    return {};
}

} // namespace

Result<LearningSplit> learningSplit(ProjectStore& store) {
    auto cases = approvedCases(store);
    if (!cases)
        return cases.error();
    auto split = readSplit(store);
    if (!split)
        return split.error();
    const auto isKept = [&](const CaseRecord& c) {
        return split->find(keyOf(c))->stringOr("") == "kept_out";
    };
    std::vector<CaseRecord> fresh;
    std::int64_t kept = 0;
    for (const CaseRecord& c : *cases)
        if (split->find(keyOf(c)))
            kept += isKept(c);
        else
            fresh.push_back(c);
    std::sort(fresh.begin(), fresh.end(), [](const CaseRecord& a, const CaseRecord& b) {
        return patientHash(a.name, splitSeed) < patientHash(b.name, splitSeed);
    });
    const auto wanted = static_cast<std::int64_t>(cases->size() + 1) / 4;
    for (const CaseRecord& c : fresh)
        split->set(keyOf(c), kept < wanted ? (++kept, "kept_out") : "train");
    if (!fresh.empty())
        if (auto stored = store.putSetting(splitKey, writeJson(*split)); !stored)
            return stored.error();
    LearningSplit out;
    for (CaseRecord& c : *cases)
        (isKept(c) ? out.keptOut : out.train).push_back(std::move(c));
    return out;
}

Result<PackReport> packProject(const ImageReader& reader, ProjectStore& store, const PackOptions& options,
                               const std::filesystem::path& out, const Progress& progress,
                               std::stop_token stop) {
    const auto split = learningSplit(store);
    if (!split)
        return split.error();
    std::vector<PackCase> cases;
    const auto add = [&](const CaseRecord& c, bool keptOut) {
        PairRow row;
        row.caseName = row.patient = c.name;
        row.modality = c.image.modality;
        row.dataSet = store.path().stem().string();
        row.licence = "private: from a project of this machine's user";
        row.train = "yes";
        cases.push_back(
            {row, [&reader, &store, id = c.id] { return loadApproved(reader, store, id); }, keptOut});
    };
    for (const CaseRecord& c : split->train)
        add(c, false);
    for (const CaseRecord& c : split->keptOut)
        add(c, true);
    if (cases.empty())
        return Error{ErrorCode::InvalidArgument, "No case of " + store.path().string() +
                                                     " is approved; a model learns from approved masks."};
    return writePack(cases, options, out, progress, std::move(stop));
}

Result<std::vector<PackCase>> imagesOfProject(const ImageReader& reader, ProjectStore& store) {
    const auto records = store.cases();
    if (!records)
        return records.error();
    std::vector<PackCase> cases;
    for (const CaseRecord& c : *records) {
        const auto load = [&reader, image = c.image]() -> Result<PackImage> {
            auto read = reader.read(image.path, image.seriesKey, image.frame);
            return read ? Result<PackImage>(PackImage{read->volume, {}}) : Result<PackImage>(read.error());
        };
        cases.push_back({rowOf(store, c), load, false});
    }
    return cases;
}

std::vector<double> ReplayReport::means() const {
    std::vector<double> sums(models.size());
    for (const ReplayRow& row : rows)
        for (std::size_t m = 0; m < sums.size(); ++m)
            sums[m] += row.dsc[m] / static_cast<double>(rows.size());
    return sums;
}

bool worthOffering(const ReplayReport& report) {
    struct Sum {
        double gain = 0;
        int cases = 0;
    };
    std::map<std::string, Sum> structures;
    double gain = 0;
    for (const ReplayRow& row : report.rows) {
        Sum& sum = structures[row.name];
        sum.gain += row.dsc.back() - row.dsc.front();
        ++sum.cases;
        gain += row.dsc.back() - row.dsc.front();
    }
    constexpr double tolerated = 0.01;
    return gain > 0 && std::all_of(structures.begin(), structures.end(), [](const auto& s) {
               return s.second.gain / s.second.cases >= -tolerated;
           });
}

Result<ReplayReport> replayProject(const ImageReader& reader, ProjectStore& store,
                                   const std::vector<CaseRecord>& cases,
                                   const std::vector<EvaluationModel>& models, const Progress& progress,
                                   std::stop_token stop) {
    ReplayReport report;
    for (const EvaluationModel& model : models)
        report.models.push_back(model.name);
    Taught taught;
    for (std::size_t n = 0; n < cases.size(); ++n) {
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "The replay was stopped."};
        progress(static_cast<double>(n) / static_cast<double>(cases.size()), "Replaying " + cases[n].name);
        if (auto done = replayCase(reader, store, cases[n], models, taught, stop, report); !done)
            return done.error();
    }
    if (report.rows.empty())
        return Error{ErrorCode::InvalidArgument,
                     cases.empty()
                         ? "No approved case is kept out of training yet (from three on, a quarter is)."
                         : "The cases have no prompts that could be replayed" +
                               (report.skipped.empty() ? std::string(".")
                                                       : "; the first problem: " + report.skipped.front())};
    return report;
}

} // namespace tandem
