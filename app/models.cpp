#include "app/models.h"

#include "core/files/files.h"
#include "core/files/safetensors.h"
#include "core/files/sha256.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <set>
#include <system_error>

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> originNames{"bundled", "imported", "learnt", "project", "recent"};
constexpr std::size_t longestName = 60, hashShown = 8;
constexpr std::string_view importPrefix = ".import-";

fs::path wholePath(const fs::path& file) {
    std::error_code failed;
    const fs::path whole = fs::weakly_canonical(file, failed);
    return failed ? file : whole;
}

bool isHidden(const fs::path& file) {
    return file.filename().string().starts_with('.');
}

std::vector<fs::path> modelsIn(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code failed;
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
        if (looksLikeModel(it->path()) && !isHidden(it->path()))
            files.push_back(it->path());
    std::sort(files.begin(), files.end());
    return files;
}

// Beside the project, one folder for each run; one with a pack is under way or was cut off.
std::vector<fs::path> learntBy(const fs::path& project) {
    std::vector<fs::path> files;
    std::error_code failed, ignored;
    const fs::path folder = project.parent_path() / (project.stem().string() + " learning");
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
        if (const fs::path file = it->path() / "model.safetensors";
            fs::exists(file, ignored) && !fs::exists(it->path() / "project-pack", ignored))
            files.push_back(file);
    std::sort(files.begin(), files.end());
    return files;
}

ListedModel listed(ModelOrigin origin, const fs::path& file, const ModelPlaces& places,
                   const ModelNotes& notes, InferenceLibrary& library) {
    ListedModel model;
    std::error_code failed;
    model.origin = origin;
    model.file = file;
    model.title = file.filename().string();
    model.projectDefault =
        !places.projectDefault.empty() && wholePath(places.projectDefault) == wholePath(file);
    if (const auto bytes = fs::file_size(file, failed); !failed)
        model.bytes = static_cast<std::int64_t>(bytes);
    auto info = library.inspectModel(file);
    if (!info) {
        model.problem = info.error().sentence;
        return model;
    }
    model.title = modelTitle(*info, origin == ModelOrigin::Bundled);
    model.info = std::move(*info);
    model.speed = notes.speedOf(file);
    return model;
}

// Letters, digits and a few signs; the rest becomes hyphens. Never empty, never hidden.
std::string fileNameFrom(const std::string& name) {
    std::string clean;
    for (const char c : name) {
        const auto u = static_cast<unsigned char>(c);
        clean.push_back(u >= 0x80 || std::isalnum(u) ||
                                std::string_view(" ._()").find(c) != std::string_view::npos
                            ? c
                            : '-');
    }
    if (clean.size() > longestName) {
        std::size_t cut = longestName;
        while (cut > 0 && (static_cast<unsigned char>(clean[cut]) & 0xc0) == 0x80) // within a character
            --cut;
        clean.resize(cut);
    }
    while (!clean.empty() && (clean.front() == '.' || clean.front() == ' '))
        clean.erase(0, 1);
    while (!clean.empty() && clean.back() == ' ')
        clean.pop_back();
    return clean.empty() ? "model" : clean;
}

// Whether a file of the models folder is, or was made from, the file of that hash.
bool cameFrom(const fs::path& installed, const std::string& id, InferenceLibrary& library) {
    const auto info = library.inspectModel(installed);
    const auto config = info ? parseJson(info->configJson) : Result<JsonValue>(info.error());
    const JsonValue* source = config ? config->find("source") : nullptr;
    if (const JsonValue* hash = source ? source->find("sha256") : nullptr; hash && hash->stringOr("") == id)
        return true;
    const auto own = sha256OfFile(installed);
    return own && *own == id;
}

struct Target {
    fs::path file;
    bool taken = false; ///< by the same model
};

// The first name that is free, or has this very model.
Target targetFor(const fs::path& folder, const std::string& name, const std::string& id,
                 InferenceLibrary& library) {
    const std::string stem = fileNameFrom(name) + "-" + id.substr(0, hashShown);
    std::error_code ignored;
    for (int n = 1;; ++n) {
        fs::path file = folder / (stem + (n > 1 ? "-" + std::to_string(n) : "") + ".safetensors");
        if (!fs::exists(fs::symlink_status(file, ignored)))
            return {file, false};
        if (cameFrom(file, id, library))
            return {file, true};
    }
}

struct Source {
    bool hasConfig = false; ///< a .safetensors that says what it is
    bool isHalf = false;
};

Source lookAt(const fs::path& file) {
    Source source;
    const auto opened = SafetensorsFile::open(file);
    if (!opened)
        return source;
    source.hasConfig = opened->metadataValue("tandem.config").has_value();
    source.isHalf = std::any_of(opened->tensors().begin(), opened->tensors().end(),
                                [](const TensorView& t) { return t.dtype == DType::F16; });
    return source;
}

Error cancelled() {
    return {ErrorCode::Cancelled, "Cancelled."};
}

Result<void> copyBytes(const fs::path& from, const fs::path& to, const Progress& progress,
                       const std::stop_token& stop) {
    const auto source = MappedFile::open(from);
    if (!source)
        return source.error();
    auto copy = AtomicFile::create(to);
    if (!copy)
        return copy.error();
    constexpr std::size_t piece = std::size_t{8} << 20;
    const auto bytes = (*source)->bytes();
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        if (stop.stop_requested())
            return cancelled();
        progress(0.5 + 0.5 * static_cast<double>(at) / static_cast<double>(bytes.size()), "Copying");
        if (auto written = copy->write(bytes.subspan(at, std::min(piece, bytes.size() - at))); !written)
            return written;
    }
    return copy->commit();
}

// Gives a file its name unless that is taken; false then.
bool nameWithoutReplacing(const fs::path& from, const fs::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
        return true;
    std::error_code failed;
    if (errno == EEXIST || fs::exists(to, failed))
        return false;
    fs::rename(from, to, failed); // a file system that cannot refuse
    return !failed;
}

// What imports left behind that were killed; one that still runs on another machine is younger.
void removeLeftovers(const fs::path& folder) {
    std::error_code failed, ignored;
    std::vector<fs::path> old;
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
        if (it->path().filename().string().starts_with(importPrefix) &&
            fs::file_time_type::clock::now() - it->last_write_time(ignored) > std::chrono::hours(24))
            old.push_back(it->path());
    for (const fs::path& file : old)
        fs::remove(file, ignored);
}

// Removes a half-made file whichever way the import ends.
struct Temporary {
    fs::path file;
    ~Temporary() {
        std::error_code ignored;
        fs::remove(file, ignored);
    }
};

Result<void> writeImported(const ModelInfo& info, const std::string& name, const fs::path& to,
                           InferenceLibrary& library, const Progress& progress, const std::stop_token& stop) {
    const Source source = lookAt(info.path);
    if (source.hasConfig && (name.empty() || name == info.name))
        return copyBytes(info.path, to, progress, stop);
    progress(0.5, "Writing the model anew");
    ConvertOptions options;
    options.float16 = source.isHalf;
    options.more = {
        {"name", name.empty() ? info.name : name},
        {"source", JsonValue::Object{{"file", info.path.filename().string()}, {"sha256", info.id}}}};
    return library.convertModel(info.path, to, options);
}

} // namespace

std::string_view modelOriginName(ModelOrigin origin) {
    return originNames[static_cast<std::size_t>(origin)];
}

bool looksLikeModel(const fs::path& file) {
    std::string ending = file.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return ending == ".safetensors" || ending == ".pth" || ending == ".pt";
}

std::vector<ListedModel> listModels(const ModelPlaces& places, const ModelNotes& notes,
                                    InferenceLibrary& library) {
    std::vector<ListedModel> models;
    std::set<fs::path> seen;
    const auto add = [&](ModelOrigin origin, const fs::path& file) {
        if (!file.empty() && seen.insert(wholePath(file)).second)
            models.push_back(listed(origin, file, places, notes, library));
    };
    add(ModelOrigin::Bundled, places.bundled);
    if (!places.folder.empty())
        for (const fs::path& file : modelsIn(places.folder))
            add(ModelOrigin::Imported, file);
    if (!places.project.empty())
        for (const fs::path& file : learntBy(places.project))
            add(ModelOrigin::Learnt, file);
    add(ModelOrigin::Project, places.projectDefault);
    for (const fs::path& file : notes.recent())
        add(ModelOrigin::Recent, file);
    return models;
}

std::string modelKind(const ModelInfo& info) {
    if (info.variant != "sam")
        return "DB-SAM (" + info.variant + ")";
    return info.preprocess == "medsam" ? "MedSAM" : "SAM";
}

std::string modelTitle(const ModelInfo& info, bool bundled) {
    const bool ofARun = !bundled && info.path.filename() == "model.safetensors";
    return ofARun ? info.name + ", " + info.path.parent_path().filename().string() : info.name;
}

std::vector<std::string> trainedPrompts(const ModelInfo& info) {
    std::vector<std::string> prompts;
    const auto config = parseJson(info.configJson);
    if (const JsonValue* said = config ? config->find("prompts") : nullptr)
        for (const JsonValue& prompt : said->items())
            if (std::string word = prompt.stringOr(""); !word.empty())
                prompts.push_back(word == "box" ? "boxes" : word.ends_with('s') ? word : word + "s");
    if (prompts.empty())
        prompts = info.trainedForPoints ? std::vector<std::string>{"boxes", "points"}
                                        : std::vector<std::string>{"boxes"};
    return prompts;
}

std::string millions(std::int64_t count) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), count < 10'000'000 ? "%.2f M" : "%.1f M",
                  static_cast<double>(count) / 1e6);
    return text.data();
}

Result<fs::path> findModel(const std::string& nameOrFile, const std::vector<ListedModel>& models) {
    std::vector<fs::path> found;
    for (const ListedModel& m : models)
        if (m.title == nameOrFile || m.file.filename() == nameOrFile || m.file.stem() == nameOrFile ||
            m.file == nameOrFile)
            found.push_back(m.file);
    std::error_code ignored;
    if (found.empty() && fs::exists(nameOrFile, ignored))
        return fs::path(nameOrFile);
    if (found.size() == 1)
        return found.front();
    if (found.empty())
        return Error{ErrorCode::InvalidArgument,
                     "There is no model \"" + nameOrFile + "\"; `tandem model list` shows what there is."};
    std::string files;
    for (const fs::path& file : found)
        files += (files.empty() ? "" : ", ") + file.string();
    return Error{ErrorCode::InvalidArgument,
                 "Several models are called \"" + nameOrFile + "\"; name the file: " + files + "."};
}

Result<ImportedModel> importModel(const fs::path& from, const std::string& name, const fs::path& folder,
                                  InferenceLibrary& library, const Progress& progress,
                                  const std::stop_token& stop) {
    progress(0, "Reading " + from.filename().string());
    const auto info = library.modelInfo(from);
    if (!info)
        return info.error();
    if (wholePath(from).parent_path() == wholePath(folder))
        return ImportedModel{from, true};
    if (stop.stop_requested())
        return cancelled();
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed)
        return Error{ErrorCode::FileUnwritable, "The folder " + folder.string() +
                                                    " for models could not be made (" + failed.message() +
                                                    "). Check its permissions."};
    removeLeftovers(folder);
    const Temporary part{folder / (std::string(importPrefix) + std::to_string(::getpid()) + "-" +
                                   info->id.substr(0, hashShown) + ".safetensors")};
    Target target = targetFor(folder, name.empty() ? info->name : name, info->id, library);
    if (target.taken)
        return ImportedModel{target.file, true};
    if (auto written = writeImported(*info, name, part.file, library, progress, stop); !written)
        return written.error();
    if (auto whole = library.inspectModel(part.file); !whole)
        return whole.error();
    if (stop.stop_requested())
        return cancelled();
    if (!nameWithoutReplacing(part.file, target.file))
        return Error{ErrorCode::FileUnwritable,
                     "The file " + target.file.string() +
                         " could not be made: it appeared meanwhile, or the folder "
                         "cannot be written. Try again."};
    progress(1, "Done");
    return ImportedModel{target.file, false};
}

Result<void> removeModel(const fs::path& file, const fs::path& folder) {
    if (wholePath(file.parent_path()) != wholePath(folder) || !looksLikeModel(file))
        return Error{ErrorCode::InvalidArgument, file.string() + " is not in the models folder (" +
                                                     folder.string() + "), so Tandem does not delete it."};
    std::error_code failed;
    if (!fs::remove(file, failed))
        return Error{failed ? ErrorCode::FileUnwritable : ErrorCode::FileNotFound,
                     file.string() + (failed ? " could not be deleted (" + failed.message() +
                                                   "). Check the folder's permissions."
                                             : " is not there any more.")};
    return {};
}

} // namespace tandem
