#include "terminal.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

namespace program {
namespace {

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0u) != 0x80;
}

/// The byte at which character `index` begins; the size of the text where there are no more.
std::size_t offset_of(const std::string& text, std::size_t index) {
  std::size_t at = 0;
  for (; at < text.size(); ++at)
    if (begins_character(text[at]) && index-- == 0) break;
  return at;
}

}  // namespace

std::size_t terminal_width(std::FILE* stream) {
  constexpr std::size_t usual = 80;
  if (isatty(fileno(stream)) == 0) return 0;
  if (const char* said = std::getenv("COLUMNS")) {
    std::size_t columns = 0;
    const auto [end, failure] = std::from_chars(said, said + std::strlen(said), columns);
    if (failure == std::errc{} && *end == '\0' && columns > 0) return columns;
  }
  winsize size{};
  return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string shortened(const std::string& text, std::size_t width, std::size_t head) {
  const std::string ellipsis = "...";
  const std::size_t whole = width_of(text);
  if (whole <= width) return text;
  if (width <= ellipsis.size()) return ellipsis.substr(0, width);
  const std::size_t kept = width - ellipsis.size(), first = std::min(head, kept);
  return text.substr(0, offset_of(text, first)) + ellipsis +
         text.substr(offset_of(text, whole - (kept - first)));
}

std::string shortened(const std::string& text, std::size_t width) {
  return shortened(text, width, width / 2 - std::min<std::size_t>(width / 2, 2));
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  width = std::max<std::size_t>(width, 1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    std::string word = text.substr(at, end - at);
    at = end + 1;
    std::string& line = lines.back();
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) lines.emplace_back();
    for (; width_of(word) > width; lines.emplace_back()) {
      const std::size_t cut = offset_of(word, width);
      lines.back() = word.substr(0, cut);
      word.erase(0, cut);
    }
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

}  // namespace program
