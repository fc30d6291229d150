#pragma once

/// \file
/// Powers and logarithms of 2 by integers alone: what decides bytes must not depend on a processor's or a library's
/// rounding.

#include <array>
#include <bit>
#include <cstdint>

namespace bitgauge::packing::detail {

/// floor(sqrt(x)).
constexpr std::uint64_t integer_sqrt(std::uint64_t x) noexcept {
  std::uint64_t root = 0;
  for (int bit = 31; bit >= 0; --bit) {
    const std::uint64_t trial = root | std::uint64_t{1} << bit;
    if (trial * trial <= x) root = trial;
  }
  return root;
}

/// roots[i] = 2^(-2^-(i + 1)) in units of 2^-32.
inline constexpr std::array<std::uint64_t, 16> roots_of_half = [] {
  std::array<std::uint64_t, 16> roots{};
  std::uint64_t value = std::uint64_t{1} << 31;
  for (auto& root : roots) root = value = integer_sqrt(value << 32);
  return roots;
}();

/// 2^-y, y in units of 2^-16, the power in units of 2^-32.
constexpr std::uint64_t power_of_half(std::uint64_t y) noexcept {
  if (y >> 16 >= 32) return 0;
  std::uint64_t power = std::uint64_t{1} << 32;
  for (int i = 0; i < 16; ++i)
    if ((y >> (15 - i) & 1u) != 0) power = power * roots_of_half[static_cast<std::size_t>(i)] >> 32;
  return power >> (y >> 16);
}

/// log2(x) of x from 1 up to 2^31, in units of 2^-12, rounded down: the bits of the logarithm by repeated squaring.
constexpr std::uint32_t logarithm(std::uint32_t x) noexcept {
  const int whole = static_cast<int>(std::bit_width(x)) - 1;
  std::uint64_t mantissa = std::uint64_t{x} << (31 - whole);  // from 1 to below 2, in units of 2^-31
  std::uint32_t log = static_cast<std::uint32_t>(whole);
  for (int bit = 0; bit < 12; ++bit) {
    mantissa = mantissa * mantissa >> 31;
    const bool above = mantissa >> 32 != 0;
    if (above) mantissa >>= 1;
    log = log << 1 | (above ? 1u : 0u);
  }
  return log;
}

}  // namespace bitgauge::packing::detail
