#include "core/usecases/pairs.h"

#include "core/files/csv.h"
#include "core/files/files.h"

#include <charconv>
#include <optional>

namespace tandem {
namespace {

std::optional<int> numberAfter(std::string_view text, std::string_view start) {
    int n = 0;
    if (!text.starts_with(start))
        return std::nullopt;
    const auto [end, problem] = std::from_chars(text.data() + start.size(), text.data() + text.size(), n);
    return problem == std::errc() ? std::optional(n) : std::nullopt;
}

// "1=liver;2=spleen (note)" -> names; anything else names label `single`.
std::map<int, std::string> namesFrom(const std::string& labels, int single) {
    std::map<int, std::string> names;
    std::size_t at = 0;
    while (at < labels.size()) {
        const std::size_t end = std::min(labels.find(';', at), labels.size());
        const std::string item = labels.substr(at, end - at);
        const std::size_t equals = item.find('=');
        int n = 0;
        if (equals != std::string::npos &&
            std::from_chars(item.data(), item.data() + equals, n).ptr == item.data() + equals)
            names[n] = item.substr(equals + 1);
        at = end + 1;
    }
    if (names.empty())
        names[single] = labels;
    return names;
}

// Turns values of a mask into labels; 0 where `keep` says so.
template <class LabelOf>
Result<LabelMap> labelsFrom(const Volume& mask, LabelOf&& labelOf) {
    const Geometry& g = mask.geometry();
    std::vector<std::uint16_t> labels(static_cast<std::size_t>(g.voxelCount()));
    for (std::int64_t k = 0; k < g.size()[2]; ++k)
        for (std::int64_t j = 0; j < g.size()[1]; ++j)
            for (std::int64_t i = 0; i < g.size()[0]; ++i)
                labels[static_cast<std::size_t>(g.offsetOf({i, j, k}))] =
                    static_cast<std::uint16_t>(labelOf(mask.at({i, j, k}, 0)));
    return LabelMap::make(g, std::move(labels));
}

Result<LabelMap> readMask(const ImageReader& reader, const PairRow& row) {
    if (row.maskRead.empty() || row.maskRead.starts_with("value!=0"))
        return reader.readLabels(row.mask);
    auto mask = reader.read(row.mask);
    if (!mask)
        return mask.error();
    if (const auto value = numberAfter(row.maskRead, "value="))
        return labelsFrom(*mask->volume, [&](double v) { return v == *value ? *value : 0; });
    if (const auto threshold = numberAfter(row.maskRead, "threshold>"))
        return labelsFrom(*mask->volume, [&](double v) { return v > *threshold ? 1 : 0; });
    return Error{ErrorCode::FormatInvalid, "How to read the mask " + row.mask.string() +
                                               " is not known: mask_read is \"" + row.maskRead +
                                               "\"; use value=N, value!=0 or threshold>T."};
}

PairRow rowFrom(const CsvTable& table, const std::vector<std::string>& cells,
                const std::filesystem::path& folder) {
    const auto cell = [&](const char* name) { return table.cell(cells, name); };
    PairRow r{cell("case"),           cell("patient"),      cell("modality"), cell("anatomy"), cell("labels"),
              cell("mask_read"),      cell("source"),       cell("licence"),  cell("train"),   {},
              folder / cell("image"), folder / cell("mask")};
    if (r.caseName.empty())
        r.caseName = r.image.stem().string();
    if (r.patient.empty())
        r.patient = r.caseName;
    r.dataSet = r.image.parent_path().filename().string();
    return r;
}

} // namespace

Result<std::vector<PairRow>> readPairs(const std::filesystem::path& path) {
    const auto content = readFile(path);
    if (!content)
        return content.error();
    const auto table = parseCsv(*content);
    if (!table)
        return Error{table.error().code, path.string() + ": " + table.error().sentence};
    for (const char* needed : {"image", "mask"})
        if (!table->hasColumn(needed))
            return Error{ErrorCode::FormatInvalid, path.string() + " has no column \"" + needed +
                                                       "\" in its first line; see `tandem evaluate --help`."};
    std::vector<PairRow> rows;
    for (const auto& cells : table->rows)
        rows.push_back(rowFrom(*table, cells, path.parent_path()));
    return rows;
}

Result<PairLabels> readPairLabels(const ImageReader& reader, const PairRow& row, const Geometry& imageGrid) {
    auto map = readMask(reader, row);
    if (!map)
        return map.error();
    const auto same = checkSameGrid(imageGrid, row.image.string(), map->grid(), row.mask.string());
    if (!same)
        return same.error();
    const std::vector<LabelId> present = map->present();
    if (present.empty())
        return Error{ErrorCode::FormatInvalid, "The mask " + row.mask.string() + " is empty."};
    const std::map<int, std::string> known = namesFrom(row.labels, present.front().value);
    PairLabels out{std::move(*map), {}, row.maskRead.starts_with("value!=0")};
    for (LabelId label : present) {
        const auto name = known.find(label.value);
        out.names[label.value] = name != known.end() ? name->second
                                 : out.instances     ? row.labels
                                                     : "label " + std::to_string(label.value);
    }
    return out;
}

double patientHash(std::string_view patient, std::uint64_t seed) {
    std::uint64_t h = 0xcbf29ce484222325 ^ (seed * 0x9e3779b97f4a7c15);
    for (char c : patient)
        h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
    h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
    return static_cast<double>((h ^ (h >> 31)) >> 11) * 0x1.0p-53;
}

} // namespace tandem
