// A run that is killed at random moments, and goes on each time, ends as one that was left alone.
#include "core/files/files.h"
#include "core/files/safetensors.h"
#include "inference/train/random.h"
#include "tests/inference/train/small_pack.h"
#include "tests/inference/train/tiny_network.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <set>
#include <thread>

namespace tandem {
namespace {

namespace fs = std::filesystem;

// How many kills: 50 takes minutes, so the suite makes do with fewer. TANDEM_KILLS=50 asks for
// them.
int killsWanted() {
    const char* asked = std::getenv("TANDEM_KILLS");
    return asked ? std::atoi(asked) : 5;
}

struct Places {
    fs::path config, pack;
};

Places prepare(const fs::path& folder) {
    const std::string recipe =
        R"({"samples":240,"batch":4,"sceneShare":0.5,"regionShare":0.1,"warmupSteps":5,"saveEverySamples":12,
            "validateEverySamples":100,"validateItems":3})";
    const Places places{folder / "config.json", folder / "pack"};
    (void)writeFileAtomically(places.config, std::string("{\"network\":") + test::tinyNetwork +
                                                 ",\"recipe\":" + recipe + "}");
    test::writeSmallPack(places.pack, {{"a", "one"},
                                       {"b", "one"},
                                       {"c", "two", PackSplit::KeptOut},
                                       {"d", "one", PackSplit::KeptOut},
                                       {"e", "two"}});
    return places;
}

pid_t start(const Places& places, const fs::path& out, bool resumes) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::setenv("OMP_NUM_THREADS", "1", 1);
        ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
        ::execl(TANDEM_TRAIN_ONCE, TANDEM_TRAIN_ONCE, places.config.c_str(), places.pack.c_str(), out.c_str(),
                resumes ? "resume" : nullptr, nullptr);
        ::_exit(127);
    }
    return child;
}

int codeOf(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool hasState(const fs::path& out) {
    return fs::exists(out / "state.safetensors");
}

std::string content(const fs::path& file) {
    return readFile(file).value_or("missing: " + file.string());
}

// All that a run leaves for the next one and for its user, but for the seconds in log.csv.
void expectSameEnd(const fs::path& killed, const fs::path& alone) {
    for (const char* name : {"state.safetensors", "model.safetensors", "best.safetensors", "validation.csv"})
        EXPECT_TRUE(content(killed / name) == content(alone / name)) << name;
    for (const auto& entry : fs::directory_iterator(killed))
        EXPECT_TRUE(entry.path().string().find(".part-") == std::string::npos) << entry.path();
}

TEST(KilledTraining, GoesOn_AndEndsWithTheSameWeights) {
    const test::TemporaryFolder folder;
    const Places places = prepare(folder.path());
    ASSERT_EQ(codeOf(start(places, folder / "alone", false)), 0);
    ASSERT_TRUE(hasState(folder / "alone"));

    Random random(static_cast<std::uint64_t>(::getpid())); // other moments each time; every one must do
    int kills = 0, runs = 0;
    std::set<std::string> positions; // where killed runs stood
    while (kills < killsWanted()) {
        const fs::path out = folder / ("killed" + std::to_string(runs++));
        bool finished = false;
        while (!finished) {
            const pid_t child = start(places, out, hasState(out));
            if (kills < killsWanted()) {
                std::this_thread::sleep_for(std::chrono::milliseconds(random.integer(50, 2500)));
                ::kill(child, SIGKILL);
            }
            const int code = codeOf(child);
            ASSERT_TRUE(code == 0 || code == -SIGKILL) << code;
            finished = code == 0;
            kills += !finished;
            if (!finished && hasState(out)) {
                const auto state = SafetensorsFile::open(out / "state.safetensors"); // whole, whenever it was
                ASSERT_TRUE(state.has_value());
                positions.insert(std::to_string(runs) + ":" +
                                 state->metadataValue("tandem.steps").value_or("?"));
            }
        }
        expectSameEnd(out, folder / "alone");
    }
    std::printf("%d kills in %d runs, at %d different positions\n", kills, runs,
                static_cast<int>(positions.size()));
}

} // namespace
} // namespace tandem
