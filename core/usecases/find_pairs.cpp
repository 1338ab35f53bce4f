#include "core/files/files.h"
#include "core/files/json.h"
#include "core/usecases/pack.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tandem {
namespace {

constexpr std::array<std::string_view, 9> endings{".nii.gz", ".nii", ".nrrd", ".mha", ".png",
                                                  ".tif",    ".jpg", ".npy",  ".npz"};

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

// The masks of MedSAM's and DB-SAM's folders of slices lie in a folder beside theirs.
std::filesystem::path maskFolderOf(const std::filesystem::path& folder) {
    const std::string name = folder.filename().string();
    const std::string masks = name == "imgs"                               ? "gts"
                              : name == "npy_imgs" || name == "npy_images" ? "npy_gts"
                                                                           : "";
    return masks.empty() ? std::filesystem::path() : folder.parent_path() / masks;
}

std::filesystem::path maskOf(const std::filesystem::path& image, const std::string& stem) {
    const auto folder = image.parent_path();
    if (const auto masks = maskFolderOf(folder); !masks.empty())
        return firstThatExists(masks, {stem});
    if (image.extension() == ".npz" && folder.filename() != "gts" && folder.filename() != "npy_gts")
        return image; // holds both
    if (folder.filename() == "imagesTr" && stem.ends_with("_0000"))
        return firstThatExists(folder.parent_path() / "labelsTr", {stem.substr(0, stem.size() - 5)});
    return firstThatExists(folder, {stem + "_seg", stem + "_mask", stem + "_label"});
}

// "CT_liver_07-012" is slice 12 of CT_liver_07.
std::string patientOf(const std::string& stem) {
    const std::size_t dash = stem.rfind('-');
    const bool numbered = dash != std::string::npos && dash > 0 && dash + 1 < stem.size() &&
                          stem.find_first_not_of("0123456789", dash + 1) == std::string::npos;
    return numbered ? stem.substr(0, dash) : stem;
}

// Of nnU-Net's folder: "1=liver;2=spleen", and the modality of the first channel. Both ways of writing them
// are known.
void nameFromDataset(PairRow& row, const std::filesystem::path& folder) {
    const auto text = readFile(folder / "dataset.json", 1 << 20);
    const auto json = text ? parseJson(*text) : Result<JsonValue>(Error{});
    if (!json)
        return;
    if (const JsonValue* labels = json->find("labels"))
        for (const auto& [key, value] : labels->members()) {
            const std::string number = value.isNumber() ? std::to_string(value.integerOr(0)) : key;
            const std::string name = value.isNumber() ? key : value.stringOr("");
            if (number != "0" && !name.empty())
                row.labels += (row.labels.empty() ? "" : ";") + number + "=" + name;
        }
    for (const char* key : {"channel_names", "modality"})
        if (const JsonValue* channels = json->find(key); channels && channels->find("0"))
            row.modality = channels->find("0")->stringOr("");
    row.dataSet = folder.filename().string();
}

PairRow rowOf(const std::filesystem::path& image, const std::string& stem,
              const std::filesystem::path& mask) {
    PairRow row;
    row.caseName = row.patient = stem;
    row.image = image;
    row.mask = mask;
    row.dataSet = image.parent_path().filename().string();
    row.train = "yes";
    if (row.dataSet == "imagesTr")
        nameFromDataset(row, image.parent_path().parent_path());
    if (!maskFolderOf(image.parent_path()).empty()) {
        row.patient = patientOf(stem);
        row.dataSet = image.parent_path().parent_path().filename().string();
    }
    if (image.extension() == ".npz" || image.extension() == ".npy")
        row.modality =
            stem.substr(0, std::min(stem.find('_'), stem.size())); // MedSAM: CT_..., MR_..., US_...
    return row;
}

bool isMask(const std::filesystem::path& file, const std::string& stem) {
    const std::string folder = file.parent_path().filename().string();
    const bool byName = stem.ends_with("_seg") || stem.ends_with("_mask") || stem.ends_with("_label");
    return byName || folder == "labelsTr" || folder == "gts" || folder == "npy_gts";
}

PackCase caseOf(const ImageReader& reader, const std::filesystem::path& folder, const ImageEntry& entry,
                const std::string& name) {
    PairRow row;
    row.caseName = row.patient = name;
    row.dataSet = folder.filename().string();
    row.licence = "not stated";
    row.train = "yes";
    const auto load = [&reader, entry]() -> Result<PackImage> {
        auto image = reader.read(entry.path, entry.seriesKey);
        return image ? Result<PackImage>(PackImage{image->volume, {}}) : Result<PackImage>(image.error());
    };
    return {row, load, false};
}

// Every file of a folder and those below, in the order of their names.
Result<std::vector<std::filesystem::path>> filesOf(const std::filesystem::path& folder) {
    std::error_code problem;
    std::vector<std::filesystem::path> files;
    for (auto it = std::filesystem::recursive_directory_iterator(folder, problem);
         !problem && it != std::filesystem::recursive_directory_iterator(); it.increment(problem))
        files.push_back(it->path());
    if (problem && files.empty())
        return Error{ErrorCode::FileNotFound,
                     "Cannot look into the folder " + folder.string() + ": " + problem.message() + "."};
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace

Result<std::vector<PackCase>> casesFromImages(const ImageReader& reader,
                                              const std::filesystem::path& folder) {
    const auto files = filesOf(folder);
    if (!files)
        return files.error();
    std::vector<PackCase> cases;
    for (const auto& file : *files)
        if (const std::string stem = stemOf(file); !stem.empty() && !isMask(file, stem))
            cases.push_back(caseOf(reader, folder, {file, {}, {}, 1}, stem));
    if (const auto series = reader.list(folder))
        for (const ImageEntry& entry : *series)
            cases.push_back(caseOf(reader, folder, entry, entry.description));
    if (cases.empty())
        return Error{ErrorCode::FormatInvalid, folder.string() + " holds no image."};
    return cases;
}

Result<std::vector<PairRow>> findPairs(const std::filesystem::path& folder) {
    const auto files = filesOf(folder);
    if (!files)
        return files.error();
    std::vector<PairRow> rows;
    for (const auto& file : *files) {
        const std::string stem = stemOf(file);
        const auto mask = stem.empty() ? std::filesystem::path() : maskOf(file, stem);
        if (!mask.empty())
            rows.push_back(rowOf(file, stem, mask));
    }
    if (rows.empty())
        return Error{ErrorCode::FormatInvalid,
                     folder.string() +
                         " holds no image NAME with a mask NAME_seg or NAME_mask beside it, no imagesTr and "
                         "labelsTr, and none of MedSAM's NumPy files."};
    return rows;
}

} // namespace tandem
