#include "app/composition.h"

#include "core/imaging/imaging.h"
#include "database/project_file.h"

#include <dlfcn.h>

#include <mutex>
#include <system_error>

namespace tandem {

namespace {

namespace fs = std::filesystem;

fs::path programFolder() {
    std::error_code failed;
    const fs::path program = fs::read_symlink("/proc/self/exe", failed);
    return failed ? fs::path(".") : program.parent_path();
}

/// The first of the places that exists; the last one otherwise.
fs::path firstExisting(std::initializer_list<fs::path> places) {
    std::error_code ignored;
    for (const fs::path& place : places)
        if (fs::exists(place, ignored))
            return place;
    return *(places.end() - 1);
}

/// The bundled model: the only .safetensors in the models folder, or the first by name.
fs::path findDefaultModel() {
    std::error_code failed;
    fs::path found;
    for (const fs::path& folder :
         {programFolder() / "../share/tandem/models", fs::path(TANDEM_RESOURCES_DIR "/models")}) {
        for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
            if (it->path().extension() == ".safetensors" && (found.empty() || it->path() < found))
                found = it->path();
        if (!found.empty())
            return fs::weakly_canonical(found, failed);
    }
    return {};
}

Result<InferenceLibrary*> openInferenceLibrary() {
    const fs::path name = "libtandem_inference.so";
    const fs::path file =
        firstExisting({programFolder() / "../lib" / name, programFolder() / "../lib/tandem" / name, name});
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char* words = dlerror();
        return Error{ErrorCode::Unavailable,
                     "The part of Tandem that runs the network could not be loaded (" +
                         std::string(words ? words : "no reason given") +
                         "). Everything else works; install the program's packages again."};
    }
    auto* entry = reinterpret_cast<InferenceLibrary* (*)()>(dlsym(library, "tandemInferenceLibrary"));
    if (!entry)
        return Error{ErrorCode::Unavailable,
                     file.string() + " belongs to another version of Tandem. Install it again."};
    return entry();
}

/// Loads at the first call and remembers the answer.
Result<InferenceLibrary*> inferenceOnce() {
    static std::mutex guard;
    static std::optional<Result<InferenceLibrary*>> answer;
    const std::lock_guard lock(guard);
    if (!answer)
        answer.emplace(openInferenceLibrary());
    return *answer;
}

} // namespace

Parts composeParts() {
    Parts parts;
    parts.reader = makeImageReader();
    parts.createProject = [](const fs::path& path, const std::string& name) {
        return createProject(path, name);
    };
    parts.openProject = [](const fs::path& path) { return openProject(path); };
    parts.inference = [] { return inferenceOnce(); };
    parts.defaultModel = findDefaultModel();
    return parts;
}

} // namespace tandem
