#include "core/usecases/evaluate.h"

#include <algorithm>

namespace tandem {
namespace {

std::optional<std::string> fieldOf(const PairRow& row, const std::string& key) {
    if (key == "case")
        return row.caseName;
    if (key == "patient")
        return row.patient;
    if (key == "modality")
        return row.modality;
    if (key == "anatomy")
        return row.anatomy;
    if (key == "source")
        return row.dataSet;
    if (key == "train")
        return row.train;
    return std::nullopt;
}

// Whether a row fulfils KEY=VALUE; a modality also by its first part (MR for MR-T1).
Result<bool> fulfils(const PairRow& row, const std::string& condition) {
    const std::size_t equals = condition.find('=');
    const auto field = equals == std::string::npos ? std::nullopt : fieldOf(row, condition.substr(0, equals));
    if (!field)
        return Error{ErrorCode::InvalidArgument,
                     "\"" + condition +
                         "\" is no condition; write KEY=VALUE with case, patient, "
                         "modality, anatomy, source or train, as modality=CT."};
    const std::string wanted = condition.substr(equals + 1);
    const bool familyFits = condition.starts_with("modality=") && field->starts_with(wanted) &&
                            field->size() > wanted.size() &&
                            ((*field)[wanted.size()] == '-' || (*field)[wanted.size()] == ' ');
    return *field == wanted || familyFits;
}

Result<EvaluationImage> loadPair(const ImageReader& reader, const PairRow& row) {
    auto image = reader.read(row.image);
    if (!image)
        return image.error();
    auto labels = readPairLabels(reader, row, image->volume->geometry());
    if (!labels)
        return labels.error();
    const std::string hash = reader.contentHash(*image->volume);
    return EvaluationImage{image->volume, hash, std::move(labels->map), std::move(labels->names),
                           labels->instances};
}

Result<EvaluationImage> loadCase(const ImageReader& reader, ProjectStore& store, const CaseRecord& record) {
    auto image = reader.read(record.image.path, record.image.seriesKey, record.image.frame);
    if (!image)
        return image.error();
    auto layer = store.loadLayer(record.layer);
    if (!layer)
        return layer.error();
    if (auto same = checkSameGrid(image->volume->geometry(), record.image.path.string(), layer->labels.grid(),
                                  record.name);
        !same)
        return same.error();
    const auto known = store.labels();
    if (!known)
        return known.error();
    std::map<int, std::string> names;
    for (LabelId label : layer->labels.present()) {
        const auto info =
            std::find_if(known->begin(), known->end(), [&](const LabelInfo& i) { return i.id == label; });
        names[label.value] = info != known->end() ? info->name : "label " + std::to_string(label.value);
    }
    return EvaluationImage{image->volume, record.image.contentHash, std::move(layer->labels),
                           std::move(names), false};
}

} // namespace

Result<std::vector<EvaluationItem>> itemsFromPairs(const ImageReader& reader,
                                                   const std::vector<PairRow>& rows,
                                                   const std::vector<std::string>& where) {
    std::vector<EvaluationItem> items;
    for (const PairRow& row : rows) {
        bool wanted = true;
        for (const std::string& condition : where) {
            const auto holds = fulfils(row, condition);
            if (!holds)
                return holds.error();
            wanted = wanted && *holds;
        }
        if (wanted)
            items.push_back(
                {row.caseName, row.modality, row.dataSet, [&reader, row] { return loadPair(reader, row); }});
    }
    return items;
}

Result<std::vector<EvaluationItem>> itemsFromProject(const ImageReader& reader, ProjectStore& store) {
    const auto cases = store.cases();
    if (!cases)
        return cases.error();
    std::vector<EvaluationItem> items;
    for (const CaseRecord& record : *cases)
        if (record.state == CaseState::Approved)
            items.push_back({record.name, record.image.modality, store.path().stem().string(),
                             [&reader, &store, record] { return loadCase(reader, store, record); }});
    if (items.empty())
        return Error{ErrorCode::FormatInvalid, "No case of " + store.path().string() +
                                                   " is approved; a model is evaluated on approved masks."};
    return items;
}

} // namespace tandem
