#include "core/usecases/pack.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tandem {
namespace {

constexpr std::array<std::string_view, 7> endings{".nii.gz", ".nii", ".nrrd", ".mha", ".png", ".tif", ".jpg"};

// A file's name without a known ending; empty if it has none.
std::string stemOf(const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    for (std::string_view ending : endings)
        if (name.size() > ending.size() && name.ends_with(ending))
            return name.substr(0, name.size() - ending.size());
    return {};
}

std::filesystem::path firstThatExists(const std::filesystem::path& folder,
                                      const std::vector<std::string>& stems) {
    std::error_code problem;
    for (const std::string& stem : stems)
        for (std::string_view ending : endings)
            if (auto file = folder / (stem + std::string(ending));
                std::filesystem::is_regular_file(file, problem))
                return file;
    return {};
}

std::filesystem::path maskOf(const std::filesystem::path& image, const std::string& stem) {
    const auto folder = image.parent_path();
    if (folder.filename() == "imagesTr" && stem.ends_with("_0000"))
        return firstThatExists(folder.parent_path() / "labelsTr", {stem.substr(0, stem.size() - 5)});
    return firstThatExists(folder, {stem + "_seg", stem + "_mask", stem + "_label"});
}

} // namespace

Result<std::vector<PairRow>> findPairs(const std::filesystem::path& folder) {
    std::error_code problem;
    std::vector<PairRow> rows;
    for (auto it = std::filesystem::recursive_directory_iterator(folder, problem);
         !problem && it != std::filesystem::recursive_directory_iterator(); it.increment(problem)) {
        const std::string stem = stemOf(it->path());
        const auto mask = stem.empty() ? std::filesystem::path() : maskOf(it->path(), stem);
        if (mask.empty())
            continue;
        PairRow row;
        row.caseName = row.patient = stem;
        row.image = it->path();
        row.mask = mask;
        row.dataSet = it->path().parent_path().filename().string();
        row.train = "yes";
        rows.push_back(std::move(row));
    }
    if (problem && rows.empty())
        return Error{ErrorCode::FileNotFound,
                     "Cannot look into the folder " + folder.string() + ": " + problem.message() + "."};
    if (rows.empty())
        return Error{ErrorCode::FormatInvalid,
                     folder.string() + " holds no image NAME with a mask NAME_seg or NAME_mask beside it."};
    std::sort(rows.begin(), rows.end(), [](const PairRow& a, const PairRow& b) { return a.image < b.image; });
    return rows;
}

} // namespace tandem
