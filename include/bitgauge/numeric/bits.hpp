#pragma once

/// \file
/// Tests on the bits of a number, which hold under -ffast-math where `x != x` is compiled away.

#include <bit>
#include <cstdint>

namespace bitgauge::numeric {

inline constexpr std::uint32_t sign_bit = 0x80000000u;
inline constexpr std::uint32_t infinity_bits = 0x7f800000u;

/// The bits of |x|: ordered as |x| is, infinity above every finite value and NaN above infinity.
constexpr std::uint32_t magnitude_bits(float x) noexcept {
  return std::bit_cast<std::uint32_t>(x) & ~sign_bit;
}

/// True for NaN.
constexpr bool is_nan(float x) noexcept {
  return magnitude_bits(x) > infinity_bits;
}
/// True for infinity of either sign.
constexpr bool is_infinite(float x) noexcept {
  return magnitude_bits(x) == infinity_bits;
}
/// True for all but NaN and infinity.
constexpr bool is_finite(float x) noexcept {
  return magnitude_bits(x) < infinity_bits;
}
/// True where the sign is set, as of -0 and of some NaN.
constexpr bool is_negative(float x) noexcept {
  return (std::bit_cast<std::uint32_t>(x) & sign_bit) != 0;
}

/// The same of doubles.
namespace binary64 {

inline constexpr std::uint64_t infinity_bits = std::uint64_t{0x7ff} << 52;

constexpr std::uint64_t magnitude_bits(double x) noexcept {
  return std::bit_cast<std::uint64_t>(x) & ~(std::uint64_t{1} << 63);
}
constexpr bool is_nan(double x) noexcept {
  return magnitude_bits(x) > infinity_bits;
}
constexpr bool is_finite(double x) noexcept {
  return magnitude_bits(x) < infinity_bits;
}
constexpr bool is_zero(double x) noexcept {
  return magnitude_bits(x) == 0;
}

}  // namespace binary64
}  // namespace bitgauge::numeric
