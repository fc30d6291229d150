#pragma once

/// \file
/// Numbers in messages, notes and texts, the same in every locale.

#include <array>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <system_error>

namespace bitgauge::detail {

/// As printf's %.<digits>g in the C locale: so many significant digits.
inline std::string general_text(double value, int digits) {
  std::array<char, 64> text;
  const auto [end, failure] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, digits);
  return failure == std::errc{} ? std::string(text.data(), end) : std::string();
}

/// As printf's %.<digits>f in the C locale: so many digits behind the point.
inline std::string fixed_text(double value, int digits) {
  std::array<char, 384> text;  // the largest double has 309 digits before the point
  const auto [end, failure] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  return failure == std::errc{} ? std::string(text.data(), end) : std::string();
}

/// The shortest text that reads back as the same float or double, whatever its size: 1e-09, where
/// std::to_string says 0.000000.
template <std::floating_point Scalar>
std::string shortest_text(Scalar value) {
  std::array<char, 32> text;
  const auto [end, failure] = std::to_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} ? std::string(text.data(), end) : std::string();
}

/// True where all of `text` is a number, which goes to `to`; `to` is left alone otherwise. The same in every locale.
template <class Number>
bool read_number(std::string_view text, Number& to) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return false;
  to = value;
  return true;
}

}  // namespace bitgauge::detail
