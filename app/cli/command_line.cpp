#include "app/cli/command_line.h"

#include "app/cli/command.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string_view>
#include <thread>

namespace tandem {
namespace {

// Ctrl+C sets a flag (all that a signal handler may do); a thread turns it into a stop request.
std::atomic<bool> interrupted{false};

class InterruptWatch {
public:
    InterruptWatch() : thread_([this](const std::stop_token& end) { watch(end); }) {
        std::signal(SIGINT, [](int) { interrupted = true; });
        std::signal(SIGTERM, [](int) { interrupted = true; });
    }
    std::stop_token token() const { return source_.get_token(); }

private:
    void watch(const std::stop_token& end) {
        while (!end.stop_requested()) {
            if (interrupted)
                source_.request_stop();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    std::stop_source source_;
    std::jthread thread_;
};

Progress progressBar() {
    if (!isatty(STDERR_FILENO))
        return [](double, std::string_view) {};
    return [](double fraction, std::string_view sentence) {
        constexpr int width = 30;
        const int filled = static_cast<int>(fraction * width);
        std::string bar(static_cast<std::size_t>(filled), '#');
        bar.resize(width, '.');
        std::fprintf(stderr, "\r[%s] %3.0f %% %.*s\x1b[K", bar.c_str(), 100 * fraction,
                     static_cast<int>(sentence.size()), sentence.data());
        if (fraction >= 1)
            std::fputc('\n', stderr);
    };
}

bool isCommand(const CLI::App& app, const std::string& name) {
    const auto all = app.get_subcommands([](const CLI::App*) { return true; });
    return std::any_of(all.begin(), all.end(), [&](const CLI::App* c) { return c->get_name() == name; });
}

int statusOf(const Error& error) {
    if (error.code == ErrorCode::Cancelled)
        return 130;
    std::cerr << "tandem: " << error.sentence << "\n";
    return 1;
}

int runParsed(CommandContext& context) {
    try {
        const Result<void> done = context.run();
        return done ? 0 : statusOf(done.error());
    } catch (const std::bad_alloc&) {
        return statusOf({ErrorCode::OutOfMemory, "There is not enough memory for this."});
    } catch (const std::exception& e) {
        return statusOf({ErrorCode::Internal, std::string("An unexpected problem: ") + e.what()});
    }
}

} // namespace

CLI::App* newCommand(CLI::App& parent, const std::string& name, const std::string& what,
                     const std::string& example) {
    CLI::App* command = parent.add_subcommand(name, what);
    command->footer("Example:\n  " + example);
    return command;
}

void addArithmeticOption(CLI::App& command, Arithmetic& chosen) {
    static const std::map<std::string, Arithmetic> names{{"auto", Arithmetic::Automatic},
                                                         {"float32", Arithmetic::Float32},
                                                         {"bfloat16", Arithmetic::Bfloat16}};
    command
        .add_option("--arithmetic", chosen,
                    "What the network computes with on the CPU: float32, bfloat16 (about half the time where "
                    "the processor has it), auto (bfloat16 for large models where it has it)")
        ->transform(CLI::CheckedTransformer(names))
        ->type_name("auto|float32|bfloat16");
}

Result<void> writeReport(const std::string& target, const std::string& text) {
    if (target == "-") {
        std::cout << text << std::flush;
        return {};
    }
    const std::filesystem::path temporary = target + ".part";
    std::ofstream file(temporary, std::ios::binary);
    file << text;
    file.close();
    std::error_code failed;
    if (file)
        std::filesystem::rename(temporary, target, failed);
    if (!file || failed) {
        std::filesystem::remove(temporary, failed);
        return Error{ErrorCode::FileUnwritable,
                     "Cannot write " + target + "; check the folder and its permissions."};
    }
    return {};
}

int runCommandLine(int argc, const char* const* argv, Parts& parts) {
    CLI::App app{"Tandem: masks on medical images, drawn by a network and a person together.\n"
                 "Without a command it opens the window: tandem [PROJECT.tandem | IMAGE | FOLDER]..."};
    app.name("tandem");
    app.set_version_flag("--version", std::string("tandem ") + TANDEM_VERSION);
    app.require_subcommand(1);
    InterruptWatch watch;
    CommandContext context{parts, watch.token(), progressBar(), {}};
    addSegmentCommand(app, context);
    addEvaluateCommand(app, context);
    addModelCommand(app, context);
    addProjectCommand(app, context);
    addPackCommand(app, context);
    addTrainCommand(app, context);
    addPhantomCommand(app, context);
    addBenchCommand(app, context);
    addDoctorCommand(app, context);
    const std::string first = argc > 1 ? argv[1] : "";
    if (first == "help") {
        std::cout << app.help();
        return 0;
    }
    if (!first.empty() && first.front() != '-' && !isCommand(app, first)) {
        std::cerr << "tandem: There is no command " << first << "; tandem --help lists them.\n";
        return 2;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    return runParsed(context);
}

} // namespace tandem
