#pragma once

// How wide the terminal is, and text that fits.

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace program {

/// Columns of the terminal that `stream` is: COLUMNS where the environment says it, else what the terminal
/// says, else 80. 0 where it is none, such as a pipe or a file.
std::size_t terminal_width(std::FILE* stream);

/// Characters of UTF-8 text, each taken for one column.
std::size_t width_of(const std::string& text);

/// `text` where it fits in `width` columns, else its first `head` characters, "..." and as many of its last
/// as there is room for.
std::string shortened(const std::string& text, std::size_t width, std::size_t head);
/// The same, as much of its end as of its beginning.
std::string shortened(const std::string& text, std::size_t width);

/// The words of `text` in lines of at most `width` columns; a longer word is broken.
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

}  // namespace program
