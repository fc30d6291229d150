#pragma once

/// \file
/// The text at the head of an .npy file: a Python dictionary that tells type, order and shape.
/// Source: NEP 1, "A Simple File Format for NumPy Arrays", and numpy.lib.format (versions 1.0 to 3.0).

#include <bitgauge/io/bytes/tensor_view.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io::detail {

/// Whether NumPy has a type of numbers for these elements: it has none for bfloat16 and the 8-bit floats.
constexpr bool npy_can_hold(dtype type) noexcept {
  return has_values(type) &&
         (!is_floating(type) ? type != dtype::f8_e8m0 : size_of(type) > 1 && type != dtype::bf16);
}

/// NumPy's letter and byte count, such as "f4".
inline std::string npy_kind_and_size(dtype type) {
  return traits_of(type).kind + std::to_string(size_of(type));
}

/// What the header tells.
struct npy_header {
  dtype type = dtype::f32;
  bool big_endian = false;
  storage_order order = storage_order::row_major;
  std::vector<std::uint64_t> shape;
};

/// Reads the dictionary. Keys may come in any order and quotes may be single or double, as in Python; every
/// key must be there once. Raises parse_error at the character at fault.
class npy_header_parser {
 public:
  /// \param text  the characters of the header
  /// \param start their byte offset in the file
  /// \param file  the name for messages
  npy_header_parser(std::string_view text, std::uint64_t start, std::string_view file)
      : text_(text), file_(file), start_(start) {}

  npy_header parse() {
    expect('{', "header");
    while (!accept('}')) {
      parse_entry();
      if (accept(',')) continue;
      expect('}', "header");
      break;
    }
    skip_spaces();
    if (at_ != text_.size()) fail("header", "expected nothing after '}'");
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!seen_[i]) fail("header", "expected the key '" + std::string(keys[i]) + "'");
    }
    return header_;
  }

 private:
  static constexpr std::array<std::string_view, 3> keys{"descr", "fortran_order", "shape"};

  void parse_entry() {
    const std::string_view key = quoted("header");
    std::size_t which = 0;
    while (which < keys.size() && keys[which] != key) ++which;
    if (which == keys.size()) fail("header", "unknown key '" + std::string(key) + "'");
    if (seen_[which]) fail(key, "appears twice");
    seen_[which] = true;
    expect(':', key);
    if (which == 0) {
      parse_type();
    } else if (which == 1) {
      header_.order = parse_bool() ? storage_order::column_major : storage_order::row_major;
    } else {
      parse_shape();
    }
  }

  /// A type text such as "<f4": byte order, kind, bytes of an element.
  void parse_type() {
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '[') fail("descr", "structured types are not supported");
    const std::size_t from = at_;
    const std::string_view text = quoted("descr");
    const char order = text.empty() ? '\0' : text.front();
    const bool has_order = order == '<' || order == '>' || order == '|' || order == '=';
    const std::string_view kind_and_size = text.substr(has_order ? 1 : 0);
    for (const dtype_traits& entry : dtypes) {
      if (!npy_can_hold(entry.type) || kind_and_size != npy_kind_and_size(entry.type)) continue;
      header_.type = entry.type;
      header_.big_endian = order == '>' && entry.bits > 8;
      return;
    }
    at_ = from;
    fail("descr", "expected f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1 after the byte order, found '" +
                      std::string(text) + "'");
  }

  bool parse_bool() {
    skip_spaces();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    fail("fortran_order", "expected True or False");
  }

  void parse_shape() {
    expect('(', "shape");
    while (!accept(')')) {
      header_.shape.push_back(number());
      if (accept(',')) continue;
      expect(')', "shape");
      break;
    }
  }

  std::uint64_t number() {
    skip_spaces();
    const std::size_t from = at_;
    std::uint64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) fail("shape", "exceeds 64 bits");
      value = value * 10 + digit;
    }
    if (at_ == from) fail("shape", "expected a number that is not negative");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // a Python 2 long
    return value;
  }

  std::string_view quoted(std::string_view field) {
    skip_spaces();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail(field, "expected a text in quotes");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail(field, "the text in quotes does not end");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inside;
  }

  void skip_spaces() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool accept(char wanted) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted, std::string_view field) {
    if (!accept(wanted)) fail(field, std::string("expected '") + wanted + "'");
  }
  [[noreturn]] void fail(std::string_view field, const std::string& problem) const {
    raise(parse_error(std::string(file_), start_ + at_, std::string(field), problem));
  }

  std::string_view text_, file_;
  std::uint64_t start_;
  std::size_t at_ = 0;
  std::array<bool, 3> seen_{};
  npy_header header_;
};

}  // namespace bitgauge::io::detail
