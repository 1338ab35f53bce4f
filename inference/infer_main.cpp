// tandem-infer: the commands of `tandem` that need LibTorch alone, for a machine without Qt (a GPU machine
// that trains).
#include "core/files/files.h"
#include "inference/library.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <thread>

using namespace tandem;

namespace {

constexpr const char* kUsage = R"(tandem-infer model info FILE...
tandem-infer model verify FOLDER...
tandem-infer model convert FROM TO [--float16]
tandem-infer train CONFIG.json --data PACK... [--from MODEL] [--resume FOLDER] --out FOLDER
tandem-infer bench encode|decode (--config CONFIG.json | --model MODEL) [--runs N] [--threads N]
                           [--arithmetic float32|bfloat16] [--json FILE]
tandem-infer doctor

Example: tandem-infer model verify tests/data/golden/paper
)";

struct WrongUsage {};

// Options take the words up to the next option; words before any option stand under "".
using Words = std::map<std::string, std::vector<std::string>>;

Words sorted(int argc, char** argv, int from, const std::vector<std::string>& known) {
    Words words;
    std::string option;
    for (int i = from; i < argc; ++i) {
        const std::string word = argv[i];
        if (!word.starts_with("--")) {
            words[option].push_back(word);
            continue;
        }
        if (std::find(known.begin(), known.end(), word) == known.end())
            throw WrongUsage{};
        option = word;
        words[option];
    }
    return words;
}

std::string one(const Words& words, const std::string& option) {
    const auto found = words.find(option);
    if (found == words.end())
        return {};
    if (found->second.size() != 1)
        throw WrongUsage{};
    return found->second[0];
}

int number(const Words& words, const std::string& option, int other) {
    const std::string text = one(words, option);
    if (text.empty())
        return other;
    if (text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos)
        throw WrongUsage{};
    return std::stoi(text);
}

Arithmetic arithmeticOf(const Words& words) {
    const std::string name = one(words, "--arithmetic");
    if (name == "float32")
        return Arithmetic::Float32;
    if (name == "bfloat16")
        return Arithmetic::Bfloat16;
    if (!name.empty())
        throw WrongUsage{};
    return Arithmetic::Automatic;
}

InferenceLibrary& library() {
    return *tandemInferenceLibrary();
}

void showProgress(double done, std::string_view sentence) {
    static int last = -1;
    if (const int percent = static_cast<int>(100 * done); percent != last)
        std::fprintf(stderr, "%3d %%  %.*s\n", last = percent, static_cast<int>(sentence.size()),
                     sentence.data());
}

Result<void> info(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
        const auto model = library().modelInfo(file);
        if (!model)
            return model.error();
        std::cout << file << "\n  " << model->description << "\n  id " << model->id << "\n";
    }
    return {};
}

Result<void> verify(const std::vector<std::string>& folders) {
    std::string failed;
    for (const std::string& folder : folders) {
        const auto report = library().verifyModel(folder);
        if (!report)
            return report.error();
        for (const TensorCheck& t : report->tensors) {
            std::printf("%-4s %9.2e  %s: %s %s\n", t.passed ? "ok" : "FAIL", t.largestDifference,
                        t.golden.c_str(), t.name.c_str(), t.problem.c_str());
            failed += t.passed ? "" : (failed.empty() ? "" : ", ") + t.name;
        }
    }
    if (!failed.empty())
        return Error{ErrorCode::ModelInvalid, "These tensors differ from the expected ones: " + failed + "."};
    return {};
}

Result<void> train(const Words& words, std::stop_token stop) {
    TrainRequest request;
    request.config = one(words, "");
    for (const std::string& pack : words.contains("--data") ? words.at("--data") : std::vector<std::string>{})
        request.packs.emplace_back(pack);
    request.startFrom = one(words, "--from");
    request.resume = one(words, "--resume");
    request.out = one(words, "--out");
    if (request.config.empty() || request.out.empty())
        throw WrongUsage{};
    const auto report = library().train(request, showProgress, std::move(stop));
    if (!report)
        return report.error();
    std::cout << report->model.string() << "\n"
              << report->samples << " samples, loss " << report->finalLoss << "\n";
    return {};
}

Result<void> bench(const std::string& what, const Words& words) {
    const std::string config = one(words, "--config"), model = one(words, "--model"),
                      out = one(words, "--json");
    if (config.empty() == model.empty())
        throw WrongUsage{};
    const BenchRequest request{config.empty() ? model : config, number(words, "--runs", 3), 1,
                               number(words, "--threads", 0), arithmeticOf(words)};
    const auto figures = what == "encode" ? library().benchEncode(request, showProgress)
                                          : library().benchDecode(request, showProgress);
    if (!figures)
        return figures.error();
    if (!out.empty() && out != "-")
        return writeFileAtomically(out, *figures + "\n");
    std::cout << *figures << "\n";
    return {};
}

Result<void> doctor() {
    for (const std::string& line : library().describeMachine())
        std::cout << line << "\n";
    return {};
}

Result<void> run(int argc, char** argv, std::stop_token stop) {
    const std::string first = argc > 1 ? argv[1] : "", second = argc > 2 ? argv[2] : "";
    const std::vector<std::string> rest(argv + std::min(argc, 3), argv + argc);
    if (first == "doctor" && argc == 2)
        return doctor();
    if (first == "train")
        return train(sorted(argc, argv, 2, {"--data", "--from", "--resume", "--out"}), std::move(stop));
    if (first == "bench" && (second == "encode" || second == "decode"))
        return bench(
            second,
            sorted(argc, argv, 3, {"--config", "--model", "--runs", "--threads", "--arithmetic", "--json"}));
    if (first != "model" || rest.empty())
        throw WrongUsage{};
    if (second == "info")
        return info(rest);
    if (second == "verify")
        return verify(rest);
    if (second == "convert" && (rest.size() == 2 || (rest.size() == 3 && rest[2] == "--float16")))
        return library().convertModel(rest[0], rest[1], {rest.size() == 3, {}});
    throw WrongUsage{};
}

// An interrupt asks the work to stop; it saves its state and ends. The watcher waits for the signal in a
// thread of its own, so that nothing runs inside a signal handler.
std::stop_token stopOnInterrupt() {
    static std::stop_source source;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread([signals] {
        int which = 0;
        while (sigwait(&signals, &which) == 0)
            if (!source.request_stop())
                std::_Exit(130); // asked twice
    }).detach();
    return source.get_token();
}

} // namespace

int main(int argc, char** argv) {
    try {
        const auto done = run(argc, argv, stopOnInterrupt());
        if (done)
            return 0;
        std::cerr << done.error().sentence << "\n";
        return done.error().code == ErrorCode::Cancelled ? 130 : 1;
    } catch (const WrongUsage&) {
        std::cerr << kUsage;
        return argc == 2 && std::string(argv[1]) == "--help" ? 0 : 2;
    }
}
