#include "core/usecases/open_case.h"

#include <algorithm>
#include <array>
#include <system_error>

namespace tandem {

namespace {

namespace fs = std::filesystem;

const Error cancelled{ErrorCode::Cancelled, "Stopped before the image was open."};

bool endsWith(const std::string& text, std::string_view end) {
    return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string withoutExtensions(std::string name) {
    constexpr std::array<std::string_view, 2> packed = {".gz", ".GZ"};
    for (std::string_view end : packed)
        if (endsWith(name, end))
            name.resize(name.size() - end.size());
    const std::size_t dot = name.find_last_of('.');
    return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

/// The first of "name", "name (2)", "name (3)" ... that no case has.
std::string freeName(const std::vector<CaseRecord>& cases, const std::string& name) {
    const auto taken = [&](const std::string& n) {
        return std::any_of(cases.begin(), cases.end(), [&](const CaseRecord& c) { return c.name == n; });
    };
    std::string candidate = name;
    for (int number = 2; taken(candidate); ++number)
        candidate = name + " (" + std::to_string(number) + ")";
    return candidate;
}

/// A known image that was moved: its case follows it. One that is still where it was stays there.
Result<CaseId> reuseCase(ProjectStore& store, const CaseRecord& known, const ImageRecord& image) {
    std::error_code ignored;
    if (known.image.path != image.path && !fs::exists(known.image.path, ignored))
        if (auto moved = store.relocateImage(known.id, image); !moved)
            return moved.error();
    return known.id;
}

} // namespace

Result<ReadImage> readImage(const ImageReader& reader, const fs::path& path, const std::string& seriesKey,
                            std::int64_t frame, const Progress& progress, std::stop_token stop) {
    if (stop.stop_requested())
        return cancelled;
    progress(0, "Reading " + path.filename().string());
    auto image = reader.read(path, seriesKey, frame);
    if (!image)
        return image.error();
    if (stop.stop_requested())
        return cancelled;
    progress(0.7, "Checking " + path.filename().string());
    ReadImage read{std::move(*image), {}};
    std::error_code failed;
    const fs::path whole = fs::absolute(path, failed);
    read.record = {failed ? path : whole.lexically_normal(),
                   seriesKey,
                   frame,
                   reader.contentHash(*read.image.volume),
                   read.image.volume->geometry(),
                   read.image.modality};
    return read;
}

std::string caseNameFor(const ImageEntry& entry, std::int64_t frame) {
    const fs::path path = entry.path.has_filename() ? entry.path : entry.path.parent_path();
    std::error_code ignored;
    std::string name = path.filename().string();
    if (!fs::is_directory(path, ignored))
        name = withoutExtensions(name);
    // "CT 512 x 512 x 118, Abdomen 3 mm", "MR 64 x 64 x 25, 2 frames, bold": the series' name comes last.
    std::size_t comma = entry.description.find(", ");
    if (entry.frames > 1 && comma != std::string::npos)
        comma = entry.description.find(", ", comma + 1);
    if (!entry.seriesKey.empty() && comma != std::string::npos)
        name += entry.description.substr(comma);
    if (entry.frames > 1)
        name += ", frame " + std::to_string(frame + 1);
    return name;
}

Result<CaseId> findOrAddCase(ProjectStore& store, const std::string& name, const ImageRecord& image) {
    auto cases = store.cases();
    if (!cases)
        return cases.error();
    for (const CaseRecord& known : *cases)
        if (known.image.contentHash == image.contentHash)
            return reuseCase(store, known, image);
    return store.addCase(freeName(*cases, name), image);
}

Result<OpenedCase> openCaseWith(ProjectStore& store, CaseId id, ReadImage read) {
    auto record = store.caseOf(id);
    if (!record)
        return record.error();
    const std::string file = read.record.path.string();
    if (record->image.contentHash != read.record.contentHash)
        return Error{
            ErrorCode::GridMismatch,
            file + " has changed since case \"" + record->name +
                "\" was begun, so its masks may not fit. Put the original file back, or add the changed "
                "image as a new case."};
    auto layer = store.loadLayer(record->layer);
    if (!layer)
        return layer.error();
    const Geometry& grid = read.image.volume->geometry();
    if (auto same = checkSameGrid(layer->labels.grid(), "the masks of " + record->name, grid, file); !same)
        return same.error();
    CaseOverview overview = overviewOf(*read.image.volume, record->image.modality, layer->labels);
    return OpenedCase{std::move(*record), std::move(read.image), std::move(*layer), std::move(overview)};
}

Result<OpenedCase> openCase(const ImageReader& reader, ProjectStore& store, CaseId id,
                            const Progress& progress, std::stop_token stop) {
    auto record = store.caseOf(id);
    if (!record)
        return record.error();
    const ImageRecord& image = record->image;
    auto read = readImage(reader, image.path, image.seriesKey, image.frame, progress, stop);
    if (!read)
        return read.error();
    if (stop.stop_requested())
        return cancelled;
    progress(0.9, "Loading the masks of " + record->name);
    return openCaseWith(store, id, std::move(*read));
}

} // namespace tandem
