#include "cells.hpp"

#include <bitgauge/base/printable.hpp>

#include <algorithm>
#include <string_view>

namespace program {

std::string table_cell(const std::string& text, std::size_t limit) {
  return bitgauge::printable(text, limit);
}

std::string csv_cell(const std::string& text) {
  // the ASCII characters that begin a formula and their full-width forms, which spreadsheets read alike
  constexpr std::string_view starts[] = {
      "=", "+", "-", "@", "\t", "\r", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
  const bool is_formula = std::any_of(std::begin(starts), std::end(starts),
                                      [&](std::string_view start) { return text.starts_with(start); });
  const std::string shown = (is_formula ? "'" : "") + bitgauge::printable(text);
  if (shown.find_first_of(",\";") == std::string::npos) return shown;
  std::string quoted = "\"";
  for (const char c : shown) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string markdown_cell(const std::string& text) {
  std::string cell;
  for (const char c : bitgauge::printable(text)) {
    if (c == '<' || c == '&') {
      cell += c == '<' ? "&lt;" : "&amp;";
      continue;
    }
    if (std::string_view("\\|`*[]~").find(c) != std::string_view::npos) cell += '\\';
    cell += c;
  }
  return cell;
}

}  // namespace program
