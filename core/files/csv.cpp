#include "core/files/csv.h"

#include <algorithm>

namespace tandem {
namespace {

class CsvReader {
public:
    explicit CsvReader(std::string_view text) : text_(text) {
        if (text_.starts_with("\xef\xbb\xbf"))
            text_.remove_prefix(3);
    }
    bool atEnd() const { return at_ >= text_.size(); }
    int line() const { return line_; }

    std::vector<std::string> row() {
        std::vector<std::string> cells(1);
        bool quoted = false;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            line_ += c == '\n';
            if (quoted && c == '"' && at_ < text_.size() && text_[at_] == '"')
                cells.back().push_back(text_[at_++]);
            else if (c == '"')
                quoted = !quoted;
            else if (!quoted && c == ',')
                cells.emplace_back();
            else if (!quoted && c == '\n')
                break;
            else if (quoted || c != '\r')
                cells.back().push_back(c);
        }
        return cells;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    int line_ = 1;
};

bool blank(const std::vector<std::string>& cells) {
    return cells.size() == 1 && cells.front().empty();
}

} // namespace

bool CsvTable::hasColumn(std::string_view name) const {
    return std::find(header.begin(), header.end(), name) != header.end();
}

std::string CsvTable::cell(const std::vector<std::string>& row, std::string_view name) const {
    const auto column =
        static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
    return column < row.size() ? row[column] : std::string();
}

Result<CsvTable> parseCsv(std::string_view text) {
    CsvReader reader(text);
    CsvTable table;
    table.header = reader.row();
    while (!reader.atEnd()) {
        const int line = reader.line();
        auto cells = reader.row();
        if (blank(cells))
            continue;
        if (cells.size() != table.header.size())
            return Error{ErrorCode::FormatInvalid,
                         "line " + std::to_string(line) + " has " + std::to_string(cells.size()) +
                             " cells, the header has " + std::to_string(table.header.size()) + "."};
        table.rows.push_back(std::move(cells));
    }
    return table;
}

std::string csvCell(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos)
        return std::string(text);
    std::string out = "\"";
    for (char c : text)
        out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
}

} // namespace tandem
