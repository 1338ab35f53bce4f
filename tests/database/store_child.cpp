// The other process of the store's tests:
//   store_child strokes FILE COUNT   goes on with the script after COUNT entries until it is killed; writes a
//   line
//                                    "ENTRY SYNCS" for every acknowledged one (SYNCS: calls of fsync so far)
//   store_child open FILE            opens, writes "open" or the error's code, waits for the end of its input
//   store_child make FILE            makes the project that is kept in tests/data for later schemas

#include "tests/database/stroke_script.h"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <future>
#include <iostream>

static std::atomic<int> syncs{0};

// SQLite's calls arrive here: a commit that is acknowledged must have reached the disk.
extern "C" int fdatasync(int descriptor) {
    ++syncs;
    static const auto real = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, "fdatasync"));
    return real(descriptor);
}
extern "C" int fsync(int descriptor) {
    ++syncs;
    static const auto real = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, "fsync"));
    return real(descriptor);
}

namespace tandem {
namespace {

int fail(const Error& e) {
    std::cerr << e.sentence << "\n";
    return 1;
}

int strokes(const std::string& file, std::int64_t count) {
    auto store = openProject(file);
    if (!store)
        return fail(store.error());
    const LayerId layer = (*store)->cases()->front().layer;
    StrokeScript script;
    script.advanceTo(count);
    for (;;) {
        std::promise<Result<EditId>> answer;
        (*store)->commit(layer, script.next(), [&](Result<EditId> id) { answer.set_value(id); });
        const Result<EditId> id = answer.get_future().get();
        if (!id)
            return fail(id.error());
        char line[64];
        const int length =
            std::snprintf(line, sizeof line, "%lld %d\n", static_cast<long long>(id->value), syncs.load());
        if (::write(STDOUT_FILENO, line, static_cast<std::size_t>(length)) != length)
            return 1;
        script.advance();
    }
}

int open(const std::string& file) {
    const auto store = openProject(file);
    std::cout << (store ? std::string("open") : std::to_string(static_cast<int>(store.error().code)))
              << std::endl;
    std::string line;
    std::getline(std::cin, line);
    return 0;
}

int make(const std::string& file) {
    auto store = createProject(file, "Kept for ever");
    if (!store)
        return fail(store.error());
    ProjectStore& s = **store;
    const CaseId id =
        s.addCase("case 1", imageAt(std::filesystem::path(file).parent_path() / "images/a.nii.gz")).value();
    const LayerId layer = s.caseOf(id)->layer;
    StrokeScript script;
    while (script.count() < 30) {
        if (!s.commitNow(layer, script.next()))
            return 1;
        script.advance();
    }
    const bool done = s.putLabel({LabelId{1}, "Leber \xc3\xa4", {10, 20, 30}, true, true}).has_value() &&
                      s.assign(id, "Ada").has_value() && s.putSetting("key", "value").has_value() &&
                      s.recordPrompt(layer, {{Plane::Axial, 3},
                                             LabelId{1},
                                             {SliceBox{1, 2, 5, 6}, {{Point<SlicePx>{{2, 3}}, true}}},
                                             "model",
                                             0.75f,
                                             true})
                          .has_value() &&
                      s.setState(id, CaseState::Submitted, "Ada", "").has_value() &&
                      s.setState(id, CaseState::Rejected, "Ben", "The dome is missing").has_value();
    return done ? 0 : 1;
}

} // namespace
} // namespace tandem

int main(int argc, char** argv) {
    const std::string mode = argc > 2 ? argv[1] : "";
    if (mode == "strokes" && argc == 4)
        return tandem::strokes(argv[2], std::atoll(argv[3]));
    if (mode == "open")
        return tandem::open(argv[2]);
    if (mode == "make")
        return tandem::make(argv[2]);
    return 2;
}
