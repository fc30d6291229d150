#include "table.hpp"

#include "terminal.hpp"

#include <algorithm>
#include <set>

namespace program {
namespace {

constexpr std::size_t separation = 2;  // columns of the terminal between two of the table

std::size_t width_of(const table_column& column) {
  std::size_t width = program::width_of(column.heading);
  for (const std::string& cell : column.cells) width = std::max(width, program::width_of(cell));
  return width;
}

std::size_t width_of(const std::vector<table_column>& columns) {
  std::size_t width = 0;
  for (const table_column& column : columns) width += width_of(column) + separation;
  return width > 0 ? width - separation : 0;
}

/// Shortens the cells to `width`, all at the same place: the one nearest to the middle at which those that
/// differ still do.
void shorten(std::vector<std::string>& cells, std::size_t width) {
  constexpr std::size_t most_cells = 2000;  // beyond, telling them apart is not worth the time
  const std::set<std::string> whole(cells.begin(), cells.end());
  std::size_t best_head = width / 2, most = 0;
  for (std::size_t i = 0; i <= width && most < whole.size() && cells.size() <= most_cells; ++i) {
    const std::size_t step = (i + 1) / 2;  // the middle, one before it, one after it, ...
    if (i % 2 != 0 && step > width / 2) continue;
    const std::size_t head = i % 2 == 0 ? width / 2 + step : width / 2 - step;
    std::set<std::string> kept;
    for (const std::string& cell : whole) kept.insert(shortened(cell, width, head));
    if (kept.size() <= most) continue;
    most = kept.size();
    best_head = head;
  }
  for (std::string& cell : cells) cell = shortened(cell, width, best_head);
}

/// Shortens texts, the last columns first, as far as the room needs, but not below `part` of what each
/// column's text needs to be read.
void shorten_texts(std::vector<table_column>& columns, std::size_t width, double part) {
  for (std::size_t i = columns.size(); i-- > 0;) {
    const auto least = static_cast<std::size_t>(part * static_cast<double>(columns[i].readable_width));
    const std::size_t all = width_of(columns), own = width_of(columns[i]);
    if (all <= width || !columns[i].is_text || own <= least) continue;
    shorten(columns[i].cells, std::max({least, own - std::min(own, all - width), std::size_t{1}}));
  }
}

/// Leaves out the least important columns until the rest fit, or only `count` are left.
void leave_out(std::vector<table_column>& columns, std::size_t width, std::size_t count) {
  while (width_of(columns) > width && columns.size() > count)
    columns.erase(std::min_element(columns.begin(), columns.end(),
                                   [](const auto& a, const auto& b) { return a.importance < b.importance; }));
}

void fit(std::vector<table_column>& columns, std::size_t width) {
  constexpr std::size_t enough = 5;
  shorten_texts(columns, width, 1);
  leave_out(columns, width, enough);
  shorten_texts(columns, width, 0.5);
  leave_out(columns, width, 1);
  shorten_texts(columns, width, 0);
}

template <class CellOf>
std::string line_of(const std::vector<table_column>& columns, const std::vector<std::size_t>& widths,
                    const CellOf& cell_of) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string& cell = cell_of(columns[i]);
    const std::string blank(widths[i] - program::width_of(cell), ' ');
    line += (columns[i].is_text ? cell + blank : blank + cell) + std::string(separation, ' ');
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

}  // namespace

std::string as_lines(std::vector<table_column> columns, std::size_t width) {
  std::vector<std::string> below;
  if (width > 0 && width_of(columns) > width) {
    if (columns.back().may_go_below) {
      below = std::move(columns.back().cells);
      columns.pop_back();
    }
    fit(columns, width);
  }
  std::vector<std::size_t> widths;
  for (const table_column& column : columns) widths.push_back(width_of(column));
  std::string text = line_of(columns, widths,
                             [](const table_column& column) -> const std::string& { return column.heading; });
  for (std::size_t r = 0; r < columns.front().cells.size(); ++r) {
    text += line_of(columns, widths,
                    [r](const table_column& column) -> const std::string& { return column.cells[r]; });
    constexpr std::size_t indent = 4;
    if (r >= below.size() || below[r].empty()) continue;
    for (const std::string& line : wrapped(below[r], width > 2 * indent ? width - indent : width))
      text += std::string(width > 2 * indent ? indent : 0, ' ') + line + "\n";
  }
  return text;
}

}  // namespace program
