#include "core/usecases/label_names.h"

#include "core/files/files.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace tandem {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(at, from), text.size());
        parts.push_back(text.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    return first == text.npos ? std::string_view{}
                              : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The fields of one CSV line (RFC 4180, without line breaks inside fields).
std::vector<std::string> fields(std::string_view line) {
    std::vector<std::string> out(1);
    bool quoted = false;
    for (std::size_t n = 0; n < line.size(); ++n) {
        const char c = line[n];
        if (c == '"' && quoted && n + 1 < line.size() && line[n + 1] == '"')
            out.back() += line[++n];
        else if (c == '"')
            quoted = !quoted;
        else if (c == ',' && !quoted)
            out.emplace_back();
        else
            out.back() += c;
    }
    return out;
}

} // namespace

Result<std::vector<LabelInfo>> parseLabelNames(std::string_view text) {
    std::vector<LabelInfo> labels;
    for (std::string_view part : split(text, ';')) {
        part = trimmed(part);
        if (part.empty())
            continue;
        std::uint16_t number = 0;
        const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), number);
        const auto at = static_cast<std::size_t>(end - part.data());
        if (problem != std::errc{} || number == 0 || at >= part.size() || part[at] != '=' ||
            at + 1 == part.size())
            return Error{ErrorCode::FormatInvalid,
                         "\"" + std::string(part) +
                             "\" does not name a label; expected something like 1=liver."};
        labels.push_back(
            {LabelId{number}, std::string(part.substr(at + 1)), labelColour(LabelId{number}), true, false});
    }
    return labels;
}

Result<std::vector<LabelInfo>> labelNamesOfPairs(const std::filesystem::path& file) {
    constexpr std::uint64_t limitBytes = 64u << 20;
    const Result<std::string> text = readFile(file, limitBytes);
    if (!text)
        return text.error();
    const std::vector<std::string_view> lines = split(*text, '\n');
    const std::vector<std::string> header = fields(trimmed(lines.front()));
    const auto column =
        static_cast<std::size_t>(std::find(header.begin(), header.end(), "labels") - header.begin());
    if (column == header.size())
        return Error{ErrorCode::FormatInvalid, file.string() + " has no column \"labels\"."};
    std::map<LabelId, LabelInfo> found;
    for (std::size_t n = 1; n < lines.size(); ++n) {
        const std::vector<std::string> row = fields(trimmed(lines[n]));
        const Result<std::vector<LabelInfo>> labels = parseLabelNames(column < row.size() ? row[column] : "");
        if (!labels)
            return Error{labels.error().code,
                         file.string() + ", line " + std::to_string(n + 1) + ": " + labels.error().sentence};
        for (const LabelInfo& label : *labels)
            found.emplace(label.id, label);
    }
    std::vector<LabelInfo> all;
    for (const auto& [id, label] : found)
        all.push_back(label);
    return all;
}

} // namespace tandem
