#pragma once

/// \file
/// Floats in messages and texts.

#include <charconv>
#include <concepts>
#include <string>
#include <system_error>

namespace bitgauge::numeric {

/// The shortest text that reads back as the same float or double, whatever its size: 1e-09, where
/// std::to_string says 0.000000.
template <std::floating_point Scalar>
std::string shortest_text(Scalar value) {
  char text[32];
  const auto [end, failure] = std::to_chars(text, text + sizeof text, value);
  return failure == std::errc{} ? std::string(text, end) : std::string();
}

}  // namespace bitgauge::numeric
