#pragma once

/// \file
/// Text from outside, made safe to show: on a terminal, in a log, in an error.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bitgauge {

/// The most bytes of a file's own text that an error repeats.
inline constexpr std::size_t quoted_limit = 200;

namespace detail {

/// The UTF-8 sequence at the start of `text`, which is not empty: its code point and length, or length 0
/// where there is none (cut short, overlong, a surrogate, beyond 10FFFF).
struct utf8_character {
  std::uint32_t point = 0;
  std::size_t length = 0;
};
constexpr utf8_character first_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t point = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80) return {};
    point = point << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return {};
  return {point, length};
}

/// Characters that move the cursor, reorder their neighbours, break lines or are not seen.
constexpr bool is_unsafe(std::uint32_t point) noexcept {
  constexpr std::uint32_t ranges[][2] = {
      {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},     {0x115f, 0x1160},
      {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},
      {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
  for (const auto& range : ranges)
    if (point >= range[0] && point <= range[1]) return true;
  return false;
}

/// At least two digits.
[[gnu::cold]] inline void append_hexadecimal(std::string& shown, std::uint32_t number) {
  for (unsigned shift = 32; shift > 0;) {
    shift -= 4;
    if (shift < 8 || number >> shift != 0) shown += "0123456789abcdef"[number >> shift & 15u];
  }
}

/// Takes the first character off `rest` and appends it as it may be shown.
[[gnu::cold]] inline void append_printable(std::string& shown, std::string_view& rest) {
  const utf8_character first = first_character(rest);
  const std::string_view raw = rest.substr(0, std::max<std::size_t>(1, first.length));
  rest.remove_prefix(raw.size());
  const bool is_text = first.length > 0;
  const std::uint32_t point = is_text ? first.point : static_cast<unsigned char>(raw[0]);
  if (is_text && !is_unsafe(point)) {
    shown.append(raw);
    return;
  }
  shown += '\\';
  if (is_text && (point == '\n' || point == '\r' || point == '\t')) {
    shown += point == '\n' ? 'n' : point == '\r' ? 'r' : 't';
  } else if (!is_text || point < 0x80) {
    shown += 'x';
    append_hexadecimal(shown, point);
  } else {
    shown.append("u{");
    append_hexadecimal(shown, point);
    shown += '}';
  }
}

}  // namespace detail

/// `text` in one line of valid UTF-8 that a terminal only shows: control characters, ESC among them, line and
/// paragraph separators, characters that reorder text or are not seen, and bytes that are no UTF-8 are
/// spelled `\n`, `\x1b`, `\u{202e}`. A backslash stays as it is, so that escaping twice changes nothing. What is
/// longer than `limit` bytes then is cut in its middle: "head...(30000 bytes)...tail", the head at most 3/4
/// of the limit, head and tail together at most all of it. Time is linear in the smaller of text and limit.
[[gnu::cold]] inline std::string printable(std::string_view text,
                                           std::size_t limit = std::string_view::npos) {
  std::string shown;
  std::size_t kept = 0;  // of `shown`, where all is too long
  for (std::string_view rest = text; shown.size() <= limit; detail::append_printable(shown, rest)) {
    if (rest.empty()) return shown;
    if (shown.size() <= limit / 4 * 3) kept = shown.size();
  }
  shown.resize(kept);
  // the last characters that there is room for, from one that begins within the last bytes
  const std::size_t room = limit - kept;
  std::string_view rest = text.substr(text.size() - std::min(text.size(), room));
  while (!rest.empty() && (static_cast<unsigned char>(rest[0]) & 0xc0u) == 0x80) rest.remove_prefix(1);
  std::string tail, left_out;
  for (std::string_view all = rest; !all.empty();) detail::append_printable(tail, all);
  while (tail.size() - left_out.size() > room) detail::append_printable(left_out, rest);
  shown.append("...(").append(std::to_string(text.size())).append(" bytes)...");
  return shown.append(tail, left_out.size());
}

/// A piece of a file's text as errors repeat it: printable, at most quoted_limit bytes of it.
inline std::string excerpt(std::string_view text) {
  return printable(text, quoted_limit);
}

}  // namespace bitgauge
