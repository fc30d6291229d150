#pragma once

/// \file
/// E8M0: a power of two in one byte, the scale of the microscaling formats.

#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/small_float.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace bitgauge::numeric {

/// Code c stands for 2^(c - 127), c = 0..254, and 255 for NaN; no sign and no zero ("OCP Microscaling Formats
/// (MX) Specification" 1.0, section 5.4.1).
struct e8m0 {
  static constexpr int bits = 8;
  static constexpr int bias = 127;
  static constexpr int code_count = 256;
  static constexpr std::uint32_t max_code = 254;
  static constexpr std::uint32_t nan_code = 255;

  std::uint8_t code = bias;

  static constexpr e8m0 from_code(std::uint32_t code) noexcept {
    return e8m0{static_cast<std::uint8_t>(code)};
  }

  /// 2^exponent, the exponent clamped to -127..127.
  static constexpr e8m0 from_exponent(int exponent) noexcept {
    return from_code(static_cast<std::uint32_t>(std::clamp(exponent, -bias, bias) + bias));
  }

  /// The power of two nearest to `value`, a tie (1.5 * 2^k) to the even code; positive values below the
  /// smallest power become that. NaN stays NaN. Zero, negative and too large values, which the format lacks,
  /// become NaN under overflow_rule::ieee and the nearer end of the range under
  /// overflow_rule::saturate; saturate_finite differs from that in infinity, which becomes NaN.
  static constexpr e8m0 from_float(float value, overflow_rule overflow = overflow_rule::saturate) noexcept {
    const bool saturate = overflow != overflow_rule::ieee;
    const std::uint32_t magnitude = magnitude_bits(value);
    if (magnitude > infinity_bits) return from_code(nan_code);
    if (is_negative(value) || magnitude == 0) return from_code(saturate ? 0u : nan_code);
    if (magnitude == infinity_bits)
      return from_code(overflow == overflow_rule::saturate ? max_code : nan_code);
    const std::uint32_t field = magnitude >> 23;
    if (field == 0) return from_code(magnitude > 0x600000u ? 1u : 0u);  // 0.75 * 2^-126 is the tie
    const std::uint32_t fraction = magnitude & 0x7fffffu;
    const std::uint32_t rounded = field + (fraction + 0x3fffffu + (field & 1u) >= 0x800000u ? 1u : 0u);
    if (rounded > max_code) return from_code(saturate ? max_code : nan_code);
    return from_code(rounded);
  }

  constexpr int exponent() const noexcept { return static_cast<int>(code) - bias; }

  /// The value, exactly: 2^-127 is a subnormal float.
  constexpr float to_float() const noexcept {
    if (code == nan_code) return std::bit_cast<float>(infinity_bits | 0x400000u);
    return std::bit_cast<float>(code == 0 ? 0x400000u : static_cast<std::uint32_t>(code) << 23);
  }

  constexpr explicit operator float() const noexcept { return to_float(); }

  friend constexpr bool operator==(e8m0, e8m0) noexcept = default;
};

}  // namespace bitgauge::numeric
