#pragma once

// Tables that fit a terminal.

#include <cstddef>
#include <string>
#include <vector>

namespace program {

struct table_column {
  std::string heading;
  bool is_text = false;  ///< to the left, and shortened in the middle where there is little room
  int importance = 0;    ///< columns of the least are left out first
  std::vector<std::string> cells{};
  bool may_go_below = false;        ///< long remarks, which stand below their rows where there is little room
  std::size_t readable_width = 24;  ///< of a text; below that other columns are left out first
};

/// A heading and a line a row, each at most `width` columns of the terminal; 0: as wide as they are. Where
/// there is little room, remarks go below their rows, texts lose their middles, and then whole columns are
/// left out; no number is ever cut.
std::string as_lines(std::vector<table_column> columns, std::size_t width);

}  // namespace program
