#pragma once

// Text from a file as one cell of a table: on a terminal, in CSV, in Markdown.

#include <string>

namespace program {

/// As a terminal may show it, cut in its middle beyond `limit` bytes so that a row stays readable.
std::string table_cell(const std::string& text, std::size_t limit = 80);

/// One field of CSV (RFC 4180): printable, in quotes where it needs them. A text that a spreadsheet would
/// take for a formula gets an apostrophe in front.
std::string csv_cell(const std::string& text);

/// One cell of a Markdown table: printable, and what Markdown or HTML would take for markup spelled.
std::string markdown_cell(const std::string& text);

}  // namespace program
