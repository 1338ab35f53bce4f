#include "core/usecases/project_cases.h"

#include "core/usecases/open_case.h"

#include <algorithm>

namespace tandem {
namespace {

namespace fs = std::filesystem;

const Error stopped{ErrorCode::Cancelled, "Adding images was stopped; those that were added stay."};

Result<void> addOne(ProjectStore& store, const ImageReader& reader, const ImageEntry& entry,
                    AddReport& report, const std::stop_token& stop) {
    const auto silent = [](double, std::string_view) {};
    Result<ReadImage> read = readImage(reader, entry.path, entry.seriesKey, 0, silent, stop);
    if (!read) {
        if (read.error().code == ErrorCode::Cancelled)
            return stopped;
        report.refused.push_back({entry.path, read.error().sentence});
        return {};
    }
    const Result<std::vector<CaseRecord>> before = store.cases();
    if (!before)
        return before.error();
    const Result<CaseId> id = findOrAddCase(store, caseNameFor(entry, 0), read->record);
    if (!id)
        return id.error();
    const Result<CaseRecord> record = store.caseOf(*id);
    if (!record)
        return record.error();
    const bool known =
        std::any_of(before->begin(), before->end(), [&](const CaseRecord& c) { return c.id == *id; });
    (known ? report.known : report.added).push_back({entry.path, *id, record->name});
    return {};
}

Result<std::vector<LabelId>> nameNewLabels(ProjectStore& store, const LabelMap& map,
                                           const std::vector<LabelInfo>& known) {
    std::vector<LabelId> added;
    for (LabelId id : map.present()) {
        if (std::any_of(known.begin(), known.end(), [&](const LabelInfo& l) { return l.id == id; }))
            continue;
        if (Result<void> put =
                store.putLabel({id, "Label " + std::to_string(id.value), labelColour(id), true, false});
            !put)
            return put.error();
        added.push_back(id);
    }
    return added;
}

std::uint64_t differences(const LabelMap& a, const LabelMap& b) {
    std::uint64_t n = 0;
    for (std::size_t v = 0; v < a.labels().size(); ++v)
        n += a.labels()[v] != b.labels()[v];
    return n;
}

Result<CaseSummary> summariseCase(ProjectStore& store, const CaseRecord& record, bool volumes) {
    std::error_code ec;
    CaseSummary summary{record, fs::exists(record.image.path, ec), {}};
    if (!volumes)
        return summary;
    const Result<LayerContent> layer = store.loadLayer(record.layer);
    if (!layer)
        return layer.error();
    for (LabelId id : layer->labels.present())
        summary.volumesMl.emplace_back(id, static_cast<double>(layer->labels.count(id)) *
                                               record.image.grid.voxelVolumeMm3() / 1000);
    return summary;
}

} // namespace

Result<AddReport> addImages(ProjectStore& store, const ImageReader& reader,
                            const std::vector<fs::path>& paths, const Progress& progress,
                            std::stop_token stop) {
    const auto silent = [](double, std::string_view) {};
    Result<FoundImages> found = findImages(reader, paths, silent, stop);
    if (!found)
        return stopped;
    AddReport report{{}, {}, std::move(found->refused)};
    for (std::size_t n = 0; n < found->images.size(); ++n) {
        if (stop.stop_requested())
            return stopped;
        progress(static_cast<double>(n) / static_cast<double>(found->images.size()),
                 "Adding " + found->images[n].path.filename().string());
        if (Result<void> added = addOne(store, reader, found->images[n], report, stop); !added)
            return added.error();
    }
    progress(1, "Added");
    return report;
}

Result<ImportReport> importLabels(ProjectStore& store, const ImageReader& reader, CaseId id,
                                  const fs::path& file) {
    const Result<CaseRecord> record = store.caseOf(id);
    if (!record)
        return record.error();
    const Result<LabelMap> target = reader.readLabels(file);
    if (!target)
        return target.error();
    if (Result<void> same = checkSameGrid(target->grid(), "The mask " + file.string(), record->image.grid,
                                          "the image of case \"" + record->name + "\"");
        !same)
        return same.error();
    const Result<LayerContent> layer = store.loadLayer(record->layer);
    const Result<std::vector<LabelInfo>> labels = store.labels();
    if (!layer || !labels)
        return layer ? labels.error() : layer.error();
    LockedLabels locked;
    for (const LabelInfo& label : *labels)
        if (label.locked)
            locked.insert(label.id);
    Result<Edit> edit = editToward(layer->labels, *target, EditSource::Import, locked);
    if (!edit)
        return edit.error();
    ImportReport report;
    report.changedVoxels = edit->voxelCount();
    report.keptByLock = differences(layer->labels, *target) - report.changedVoxels;
    if (edit->empty())
        return report;
    edit->title = "Import " + file.filename().string();
    const Result<EditId> done = store.commitNow(record->layer, {JournalAction::Do, std::move(*edit), {}});
    if (!done)
        return done.error();
    report.entry = *done;
    Result<std::vector<LabelId>> added = nameNewLabels(store, *target, *labels);
    if (!added)
        return added.error();
    report.newLabels = std::move(*added);
    return report;
}

Result<ProjectSummary> summarise(ProjectStore& store, bool volumes) {
    const Result<std::string> name = store.name();
    const Result<std::vector<LabelInfo>> labels = store.labels();
    const Result<std::vector<CaseRecord>> cases = store.cases();
    if (!name || !labels || !cases)
        return !name ? name.error() : !labels ? labels.error() : cases.error();
    ProjectSummary summary{*name, {}, *labels, {}};
    for (const CaseRecord& record : *cases) {
        ++summary.casesByState[static_cast<std::size_t>(record.state)];
        Result<CaseSummary> one = summariseCase(store, record, volumes);
        if (!one)
            return one.error();
        summary.cases.push_back(std::move(*one));
    }
    return summary;
}

} // namespace tandem
