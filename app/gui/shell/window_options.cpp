#include "app/gui/shell/window_options.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace tandem {

namespace {

constexpr std::array<std::string_view, 11> commandWords = {"segment", "evaluate", "model", "pack",
                                                           "train",   "project",  "dicom", "phantom",
                                                           "bench",   "doctor",   "help"};

bool looksLikePath(const std::string& word) {
    std::error_code ignored;
    return word.find('/') != std::string::npos || word.find('.') != std::string::npos ||
           std::filesystem::exists(word, ignored);
}

} // namespace

bool asksForCommandLine(const std::vector<std::string>& arguments) {
    if (arguments.empty())
        return false;
    const std::string& first = arguments.front();
    if (first == "--help" || first == "--version" || first == "-h")
        return true;
    if (std::find(commandWords.begin(), commandWords.end(), first) != commandWords.end())
        return true;
    return !first.empty() && first.front() != '-' && !looksLikePath(first);
}

Result<WindowOptions> parseWindowOptions(const std::vector<std::string>& arguments) {
    WindowOptions options;
    bool onlyPaths = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (onlyPaths || word.empty() || word.front() != '-') {
            options.paths.push_back(word);
        } else if (word == "--") {
            onlyPaths = true;
        } else if (word == "--print-startup") {
            options.printStartup = true;
        } else if (word == "--state-file") {
            if (++i == arguments.size())
                return Error{ErrorCode::InvalidArgument, "--state-file needs the name of a file."};
            options.stateFile = arguments[i];
        } else {
            return Error{ErrorCode::InvalidArgument, "There is no option " + word + "; see tandem --help."};
        }
    }
    return options;
}

} // namespace tandem
