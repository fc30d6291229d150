#pragma once

/// \file
/// Reads JSON (RFC 8259) event by event. The JSON library can do this, too, but is then compiled with its
/// readers of four binary formats, once for every kind of iterator.

#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace bitgauge::io::detail {

/// What a reader tells of, in the order of the text; false ends the reading.
class json_events {
 public:
  using number_integer_t = std::int64_t;
  using number_unsigned_t = std::uint64_t;
  using number_float_t = double;
  using string_t = std::string;

  virtual ~json_events() = default;
  virtual bool null() = 0;
  virtual bool boolean(bool value) = 0;
  virtual bool number_integer(number_integer_t value) = 0;  ///< below 0
  virtual bool number_unsigned(number_unsigned_t value) = 0;
  virtual bool number_float(number_float_t value, const string_t& text) = 0;  ///< all other numbers
  virtual bool string(string_t& value) = 0;
  virtual bool start_object(std::size_t) = 0;
  virtual bool key(string_t& value) = 0;
  virtual bool end_object() = 0;
  virtual bool start_array(std::size_t) = 0;
  virtual bool end_array() = 0;
};

/// The bytes of the UTF-8 sequence that `text` begins with; 0 where it begins with none (RFC 3629).
inline std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const unsigned first = byte(0);
  if (text.empty() || (first >= 0x80 && first < 0xc2) || first > 0xf4) return 0;
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  return length;
}

/// Where and why a text is no JSON.
struct json_fault {
  std::size_t at = 0;  ///< the byte that is wrong
  std::string reason;
};

/// One pass over a text. Memory: a bit for each level of depth, and the text that is read.
class json_reader {
 public:
  /// `consumed` is kept at the number of bytes read so far: the end of an event's text, or one more behind a
  /// number.
  json_reader(std::string_view text, json_events& events, std::size_t& consumed)
      : text_(text), events_(events), consumed_(consumed) {}

  /// Reads all of the text; nothing where it is JSON, or where an event has ended the reading.
  std::optional<json_fault> read() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    if (!read_value()) return fault_;
    while (!inside_array_.empty())
      if (!read_rest()) return fault_;
    taken_ = next();
    if (taken_ != end_of_text) expect("the end of the text");
    return fault_;
  }

 private:
  static constexpr int end_of_text = -1;

  /// The character after white space, which is now consumed.
  int next() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
    consumed_ = at_ < text_.size() ? at_ + 1 : at_;
    return at_ < text_.size() ? static_cast<unsigned char>(text_[at_++]) : end_of_text;
  }

  bool fail(std::size_t at, const char* reason) {
    fault_ = json_fault{at, std::string("syntax error: ") + reason};
    return false;
  }
  /// Fails at the character that was taken last.
  bool expect(const char* expected) {
    return fail(taken_ == end_of_text ? at_ : at_ - 1, (std::string("expected ") + expected).c_str());
  }

  bool read_value() {
    taken_ = next();
    switch (taken_) {
      case '{':
        return events_.start_object(npos) && open(false);
      case '[':
        return events_.start_array(npos) && open(true);
      case '"':
        return read_string() && events_.string(string_);
      case 't':
        return read_word("true") && events_.boolean(true);
      case 'f':
        return read_word("false") && events_.boolean(false);
      case 'n':
        return read_word("null") && events_.null();
      default:
        if (taken_ == '-' || (taken_ >= '0' && taken_ <= '9')) return read_number();
        return expect("a value");
    }
  }

  /// After '{' or '[': the end at once, or the first value.
  bool open(bool array) {
    taken_ = next();
    if (taken_ == (array ? ']' : '}')) return array ? events_.end_array() : events_.end_object();
    inside_array_.push_back(array);
    if (!array) return read_member();
    if (taken_ != end_of_text) --at_;
    return read_value();
  }
  /// What follows a value inside of an array or object.
  bool read_rest() {
    const bool array = inside_array_.back();
    taken_ = next();
    if (taken_ == ',') {
      if (array) return read_value();
      taken_ = next();
      return read_member();
    }
    if (taken_ != (array ? ']' : '}')) return expect(array ? "',' or ']'" : "',' or '}'");
    inside_array_.pop_back();
    return array ? events_.end_array() : events_.end_object();
  }
  bool read_member() {
    if (taken_ != '"') return expect("a key");
    if (!read_string() || !events_.key(string_)) return false;
    taken_ = next();
    return taken_ == ':' ? read_value() : expect("':'");
  }

  /// The rest of a word whose first letter has been read.
  bool read_word(std::string_view word) {
    for (std::size_t i = 1; i < word.size(); ++i, ++at_)
      if (at_ >= text_.size() || text_[at_] != word[i]) return fail(at_, "expected true, false or null");
    consumed_ = at_;
    return true;
  }

  bool read_string() {
    string_.clear();
    for (;;) {
      if (at_ >= text_.size()) return fail(at_, "expected the end of a text");
      const char c = text_[at_];
      if (c == '"') break;
      if (c == '\\') {
        if (!read_escape()) return false;
        continue;
      }
      const std::size_t length = utf8_length(text_.substr(at_));
      if (length == 0) return fail(at_, "expected UTF-8");
      if (static_cast<unsigned char>(c) < 0x20) return fail(at_, "expected no control character");
      string_.append(text_, at_, length);
      at_ += length;
    }
    consumed_ = ++at_;
    return true;
  }
  bool read_escape() {
    constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (const std::size_t which = names.find(c); which != std::string_view::npos) {
      string_ += values[which];
      at_ += 2;
      return true;
    }
    std::uint32_t code = 0;
    if (!read_unit(code)) return false;
    if (code >= 0xdc00 && code < 0xe000) return fail(at_ - 1, "expected the first half of a pair");
    if (code >= 0xd800 && code < 0xdc00) {
      std::uint32_t low = 0;
      if (!read_unit(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return fail(at_ - 1, "expected the second half of a pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append(code);
    return true;
  }
  bool read_unit(std::uint32_t& code) {
    if (at_ + 1 >= text_.size() || text_[at_] != '\\' || text_[at_ + 1] != 'u')
      return fail(at_, "expected an escape sequence");
    const char *begin = text_.data() + at_ + 2, *end = text_.data() + std::min(at_ + 6, text_.size());
    const auto [stopped, failure] = std::from_chars(begin, end, code, 16);
    if (failure != std::errc{} || stopped - begin != 4)
      return fail(at_ + 2, "expected four hexadecimal digits");
    at_ += 6;
    return true;
  }
  void append(std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { string_ += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
      put(0xc0 | code >> 6);
    } else {
      if (code < 0x10000) {
        put(0xe0 | code >> 12);
      } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 63));
      }
      put(0x80 | (code >> 6 & 63));
    }
    put(0x80 | (code & 63));
  }

  bool read_digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > begin || fail(at_, "expected a digit");
  }
  bool skip(std::string_view any) {
    if (at_ >= text_.size() || any.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }
  bool read_number() {
    const std::size_t begin = --at_;
    const bool negative = skip("-");
    if (!skip("0") && !read_digits()) return false;
    bool whole = true;
    if (skip(".")) {
      whole = false;
      if (!read_digits()) return false;
    }
    if (skip("eE")) {
      whole = false;
      (void)skip("+-");
      if (!read_digits()) return false;
    }
    consumed_ = at_ < text_.size() ? at_ + 1 : at_;
    string_.assign(text_, begin, at_ - begin);
    const char *first = string_.data(), *last = first + string_.size();
    if (std::int64_t value = 0; whole && negative && std::from_chars(first, last, value).ec == std::errc{})
      return events_.number_integer(value);
    if (std::uint64_t value = 0; whole && !negative && std::from_chars(first, last, value).ec == std::errc{})
      return events_.number_unsigned(value);
    return read_float(begin);
  }
  bool read_float(std::size_t begin) {
    std::string local = string_;
    if (const std::size_t point = local.find('.'); point != std::string::npos)
      local.replace(point, 1, std::localeconv()->decimal_point);
    const double value = std::strtod(local.c_str(), nullptr);
    if (!numeric::binary64::is_finite(value)) return fail(begin, "expected a number in the range of doubles");
    return events_.number_float(value, string_);
  }

  static constexpr auto npos = static_cast<std::size_t>(-1);

  std::string_view text_;
  json_events& events_;
  std::size_t& consumed_;
  std::size_t at_ = 0;
  int taken_ = end_of_text;         ///< what next() has last returned
  std::vector<bool> inside_array_;  ///< of each level that is open
  std::string string_;
  std::optional<json_fault> fault_;
};

}  // namespace bitgauge::io::detail
