#include "app/cli/command.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

namespace tandem {
namespace {

std::string firstMatch(const char* file, const std::string& key) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);)
        if (line.compare(0, key.size(), key) == 0)
            return line.substr(line.find_first_not_of(" \t:", key.size()));
    return "unknown";
}

std::string vectorUnits() {
    const std::string flags = " " + firstMatch("/proc/cpuinfo", "flags") + " ";
    std::string found;
    for (const char* unit : {"avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"})
        if (flags.find(" " + std::string(unit) + " ") != std::string::npos)
            found += (found.empty() ? "" : ", ") + std::string(unit);
    return found.empty() ? "none that Tandem uses" : found;
}

void printMachine() {
    std::cout << "Tandem " << TANDEM_VERSION << "\nProcessor: " << firstMatch("/proc/cpuinfo", "model name")
              << ", " << std::thread::hardware_concurrency() << " threads; vector units: " << vectorUnits()
              << "\nMemory: " << firstMatch("/proc/meminfo", "MemTotal") << " in all, "
              << firstMatch("/proc/meminfo", "MemAvailable") << " free\n";
}

Result<void> examine(CommandContext& context) {
    printMachine();
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    for (const std::string& sentence : (*library)->describeMachine())
        std::cout << sentence << "\n";
    if (context.parts.defaultModel.empty())
        return Error{ErrorCode::FileNotFound, "The bundled model is missing; install Tandem again."};
    const Result<ModelInfo> model = (*library)->modelInfo(context.parts.defaultModel);
    if (!model)
        return model.error();
    std::cout << "Bundled model: " << model->description << "\n";
    return {};
}

} // namespace

void addDoctorCommand(CLI::App& app, CommandContext& context) {
    CLI::App* command = newCommand(
        app, "doctor", "Say what this machine offers and whether all parts are there", "tandem doctor");
    command->callback([&context] { context.run = [&context] { return examine(context); }; });
}

} // namespace tandem
