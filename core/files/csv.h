#pragma once

#include "core/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// A table with a header line.
struct CsvTable {
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows; ///< each as long as the header

    bool hasColumn(std::string_view name) const;
    /// A row's cell by the name of its column; empty if there is no such column.
    std::string cell(const std::vector<std::string>& row, std::string_view name) const;
};

/// Parses comma-separated values (RFC 4180: quotes, doubled quotes, line breaks inside quotes; LF or CRLF; a
/// UTF-8 byte order mark is skipped). Error: FormatInvalid with the line if a row has another number of
/// cells. Pure.
Result<CsvTable> parseCsv(std::string_view text);

/// A cell as it stands in a file: quoted where it must be.
std::string csvCell(std::string_view);

} // namespace tandem
