#include "core/usecases/export_masks.h"

#include "core/files/files.h"
#include "core/usecases/open_case.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <set>

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// A file that is to be written.
struct Planned {
    CaseRecord record;
    LabelId label;
    fs::path file;
};

bool isForbidden(char c) {
    const bool isControl = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    return isControl || std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
}

std::string withoutForbidden(std::string text) {
    std::replace_if(text.begin(), text.end(), isForbidden, '_');
    return text;
}

std::string lowered(std::string text) {
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// Names of one export, apart even where a disk does not tell capitals from small letters.
class Names {
public:
    std::string free(const std::string& wanted) {
        std::string name = wanted;
        for (int n = 2; !taken_.insert(lowered(name)).second; ++n)
            name = wanted + " (" + std::to_string(n) + ")";
        return name;
    }

private:
    std::set<std::string> taken_;
};

bool isWanted(const CaseRecord& c, const ExportRequest& request) {
    if (!request.cases.empty() &&
        std::find(request.cases.begin(), request.cases.end(), c.id) == request.cases.end())
        return false;
    return !request.approvedOnly || c.state == CaseState::Approved;
}

Result<std::vector<CaseRecord>> wantedCases(ProjectStore& store, const ExportRequest& request) {
    Result<std::vector<CaseRecord>> all = store.cases();
    if (!all)
        return all;
    std::vector<CaseRecord> wanted;
    for (const CaseRecord& c : *all)
        if (isWanted(c, request))
            wanted.push_back(c);
    if (wanted.empty())
        return Error{ErrorCode::InvalidArgument, request.approvedOnly && !all->empty()
                                                     ? "No case is approved, so there is nothing to export. "
                                                       "Approve cases, or export all of them."
                                                     : "The project has no case to export."};
    return wanted;
}

std::string labelFileName(const std::vector<LabelInfo>& labels, LabelId id) {
    for (const LabelInfo& label : labels)
        if (label.id == id && !label.name.empty())
            return safeFileName(label.name);
    return "label " + std::to_string(id.value);
}

std::vector<Planned> planNames(const std::vector<CaseRecord>& cases, const std::vector<LabelInfo>& labels,
                               const ExportRequest& request) {
    std::vector<Planned> plan;
    Names names;
    for (const CaseRecord& c : cases) {
        const std::string base = safeFileName(c.name) + withoutForbidden(request.suffix);
        const auto add = [&](LabelId label, const std::string& ending) {
            plan.push_back({c, label, request.folder / (names.free(base + ending) + ".nii.gz")});
        };
        if (!request.filePerLabel)
            add(LabelId{0}, "");
        else
            for (const LabelInfo& label : labels)
                add(label.id, "_" + labelFileName(labels, label.id));
    }
    return plan;
}

Result<void> checkFree(const fs::path& file, const std::vector<CaseRecord>& all, bool replace) {
    std::error_code ec;
    if (!fs::exists(fs::symlink_status(file, ec)))
        return {};
    for (const CaseRecord& c : all)
        if (fs::equivalent(file, c.image.path, ec))
            return Error{ErrorCode::FileUnwritable, "The export would replace " + file.string() +
                                                        ", the image of case \"" + c.name +
                                                        "\". Choose another folder."};
    if (replace)
        return {};
    return Error{ErrorCode::FileUnwritable,
                 file.string() +
                     " exists already. Choose another folder, or allow the export to replace it."};
}

// The certificate: an image that is there must still be the one that was drawn on.
Result<void> checkImage(const ImageReader& reader, const CaseRecord& c, std::vector<std::string>& warnings,
                        const std::stop_token& stop) {
    std::error_code ec;
    if (!fs::exists(c.image.path, ec)) {
        warnings.push_back("The image of case \"" + c.name + "\" is not at " + c.image.path.string() +
                           " any more; its mask was exported on the grid that the project keeps.");
        return {};
    }
    const auto silent = [](double, std::string_view) {};
    const Result<ReadImage> read =
        readImage(reader, c.image.path, c.image.seriesKey, c.image.frame, silent, stop);
    if (!read)
        return read.error();
    if (read->record.contentHash != c.image.contentHash)
        return Error{ErrorCode::GridMismatch,
                     c.image.path.string() + " has changed since case \"" + c.name +
                         "\" was drawn, so its mask may not fit. Put the original file back."};
    return checkSameGrid(c.image.grid, "The mask of case \"" + c.name + "\"", read->record.grid,
                         c.image.path.string());
}

Result<LabelMap> onlyLabel(const LabelMap& map, LabelId label) {
    std::vector<std::uint16_t> chosen(map.labels().size());
    std::transform(map.labels().begin(), map.labels().end(), chosen.begin(),
                   [&](std::uint16_t v) { return static_cast<std::uint16_t>(v == label.value); });
    return LabelMap::make(map.grid(), std::move(chosen));
}

// ITK-SNAP's label description: index, red, green, blue, opacity, visible, mesh visible, "name".
Result<fs::path> writeLabelNames(const fs::path& file, const std::vector<LabelInfo>& labels) {
    std::string text =
        "# index  red green blue  opacity visible mesh  name\n    0     0   0   0   0 0 0  \"Clear Label\"\n";
    for (const LabelInfo& label : labels) {
        char numbers[80];
        std::snprintf(numbers, sizeof numbers, "%5u  %4u %3u %3u   1 1 1  ", label.id.value, label.colour.r,
                      label.colour.g, label.colour.b);
        std::string name = label.name;
        std::replace(name.begin(), name.end(), '"', '\'');
        text += numbers + ("\"" + name + "\"\n");
    }
    if (Result<void> written = writeFileAtomically(file, text); !written)
        return written.error();
    return file;
}

// Masks for each label are named by the label list; voxels that it does not name would be missing without a
// word.
void warnOfUnnamed(const LabelMap& map, std::span<const Planned> files, std::vector<std::string>& warnings) {
    for (LabelId id : map.present())
        if (std::none_of(files.begin(), files.end(), [&](const Planned& p) { return p.label == id; }))
            warnings.push_back(
                "Case \"" + files.front().record.name + "\" holds label " + std::to_string(id.value) +
                ", which the label list does not name; it was not exported. Give it a name first.");
}

// Writes the planned files of one case; their layer is loaded once.
Result<void> writeCase(ProjectStore& store, const ImageReader& reader, std::span<const Planned> files,
                       ExportReport& report, const std::stop_token& stop) {
    const CaseRecord& c = files.front().record;
    if (Result<void> same = checkImage(reader, c, report.warnings, stop); !same)
        return same;
    const Result<LayerContent> layer = store.loadLayer(c.layer);
    if (!layer)
        return layer.error();
    for (const Planned& p : files) {
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "The export was stopped."};
        if (p.label.value != 0 && layer->labels.count(p.label) == 0)
            continue;
        const Result<LabelMap> map = p.label.value == 0 ? layer->labels : onlyLabel(layer->labels, p.label);
        if (!map)
            return map.error();
        if (Result<void> written = reader.writeLabels(p.file, *map); !written)
            return written;
        report.files.push_back({c.id, p.label, p.file});
    }
    if (files.front().label.value != 0)
        warnOfUnnamed(layer->labels, files, report.warnings);
    return {};
}

} // namespace

std::string safeFileName(const std::string& caseName) {
    std::string name = withoutForbidden(caseName);
    constexpr std::size_t longest = 120;
    if (name.size() > longest) {
        std::size_t end = longest; // not inside a UTF-8 character
        while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80)
            --end;
        name.resize(end);
    }
    while (!name.empty() && (name.back() == ' ' || name.back() == '.'))
        name.pop_back();
    name.erase(0, std::min(name.find_first_not_of(" ."), name.size()));
    return name.empty() ? "case" : name;
}

Result<ExportReport> exportMasks(ProjectStore& store, const ImageReader& reader, const ExportRequest& request,
                                 const Progress& progress, std::stop_token stop) {
    const Result<std::vector<CaseRecord>> cases = wantedCases(store, request);
    if (!cases)
        return cases.error();
    const Result<std::vector<LabelInfo>> labels = store.labels();
    if (!labels)
        return labels.error();
    const Result<std::vector<CaseRecord>> all = store.cases();
    if (!all)
        return all.error();
    const std::vector<Planned> plan = planNames(*cases, *labels, request);
    const fs::path names = request.folder / "labels.txt";
    for (const Planned& p : plan)
        if (Result<void> free = checkFree(p.file, *all, request.replace); !free)
            return free.error();
    if (Result<void> free = checkFree(names, *all, request.replace); !free)
        return free.error();
    std::error_code failed;
    fs::create_directories(request.folder, failed);
    if (failed)
        return Error{ErrorCode::FileUnwritable,
                     "The folder " + request.folder.string() + " cannot be made: " + failed.message() + "."};
    ExportReport report;
    for (std::size_t n = 0; n < plan.size();) {
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "The export was stopped."};
        std::size_t end = n + 1;
        while (end < plan.size() && plan[end].record.id == plan[n].record.id)
            ++end;
        progress(static_cast<double>(n) / static_cast<double>(plan.size()),
                 "Exporting " + plan[n].record.name);
        if (Result<void> written = writeCase(store, reader, {plan.data() + n, end - n}, report, stop);
            !written)
            return written.error();
        n = end;
    }
    Result<fs::path> list = writeLabelNames(names, *labels);
    if (!list)
        return list.error();
    report.labelNames = *list;
    progress(1, "Exported");
    return report;
}

} // namespace tandem
