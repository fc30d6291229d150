#pragma once

/// \file
/// Floating-point numbers of four to eight bits: one template over exponent bits, fraction bits, bias and the
/// rule for special codes. Integer arithmetic only, so the same codes with and without -ffast-math or
/// flush-to-zero.

#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bitgauge::numeric {

/// Which codes of a small float are not finite numbers.
enum class special_codes {
  none,                  ///< every code is a finite number (OCP FP6 and FP4)
  infinity_and_nan,      ///< as in IEEE 754: the top exponent holds infinity and NaN (OCP E5M2)
  all_ones_nan,          ///< all bits below the sign set is NaN, no infinity ("fn", OCP E4M3)
  negative_zero_is_nan,  ///< sign alone is NaN; no infinity, no negative zero ("fnuz", AMD, Graphcore)
};

/// What becomes of a magnitude that rounds past the largest finite value.
enum class overflow_rule {
  saturate,         ///< the largest finite value of the sign, for infinity too (OFP8's SAT, CUDA's SATFINITE)
  saturate_finite,  ///< the same for finite numbers, while infinity is converted as under ieee
  ieee,             ///< infinity, else NaN where the format has only that, else the largest finite value
};

/// Where a value half-way between two codes goes.
enum class tie_rule { to_even, away_from_zero };

/// A number of 1 + ExponentBits + FractionBits bits, sign first, in the low bits of one byte. Exponent field
/// e and fraction f stand for (1 + f / 2^FractionBits) * 2^(e - Bias), and where e is 0 for f /
/// 2^FractionBits * 2^(1 - Bias).
///
/// Sources: "OCP 8-bit Floating Point Specification (OFP8)" 1.0, "OCP Microscaling Formats (MX)
/// Specification" 1.0, and for the fnuz forms Noune et al., "8-bit Numerical Formats for Deep Neural
/// Networks", 2022.
template <int ExponentBits, int FractionBits, int Bias, special_codes Special>
struct small_float {
  static_assert(ExponentBits >= 1 && FractionBits >= 0 && 1 + ExponentBits + FractionBits <= 8);

  static constexpr int bits = 1 + ExponentBits + FractionBits;
  static constexpr int exponent_bits = ExponentBits;
  static constexpr int fraction_bits = FractionBits;
  static constexpr int bias = Bias;
  static constexpr special_codes special = Special;
  static constexpr int code_count = 1 << bits;
  static constexpr std::uint32_t sign_mask = 1u << (bits - 1);
  static constexpr std::uint32_t exponent_mask = ((1u << ExponentBits) - 1u) << FractionBits;

  /// The code of the largest finite value.
  static constexpr std::uint32_t max_code = Special == special_codes::infinity_and_nan ? exponent_mask - 1u
                                            : Special == special_codes::all_ones_nan   ? sign_mask - 2u
                                                                                       : sign_mask - 1u;
  /// floor(log2(largest finite value)): "emax" of the MX specification.
  static constexpr int max_exponent = static_cast<int>(max_code >> FractionBits) - Bias;

  std::uint8_t code = 0;

  /// The number whose pattern is `code`; bits above the format's are ignored.
  static constexpr small_float from_code(std::uint32_t code) noexcept {
    return small_float{static_cast<std::uint8_t>(code & (sign_mask | (sign_mask - 1u)))};
  }

  /// The number nearest to value * 2^-exponent: exact scaling and one rounding. A NaN becomes NaN, or the
  /// largest positive value where the format has none.
  static constexpr small_float from_float(float value, overflow_rule overflow = overflow_rule::saturate,
                                          tie_rule tie = tie_rule::to_even, int exponent = 0) noexcept {
    const std::uint32_t magnitude = magnitude_bits(value);
    const std::uint32_t sign = is_negative(value) ? sign_mask : 0u;
    if (magnitude > infinity_bits) return from_code(nan_code());
    if (magnitude == infinity_bits)
      return from_code(with_sign(overflowed(overflow == overflow_rule::saturate), sign));
    const std::uint32_t code = round_magnitude(magnitude, tie, exponent);
    return from_code(with_sign(code > max_code ? overflowed(overflow != overflow_rule::ieee) : code, sign));
  }

  /// The value, exactly.
  constexpr float to_float() const noexcept {
    const std::uint32_t sign = (code & sign_mask) << (32 - bits);
    const std::uint32_t magnitude = code & (sign_mask - 1u);
    if constexpr (Special == special_codes::negative_zero_is_nan) {
      if (code == sign_mask) return std::bit_cast<float>(infinity_bits | 0x400000u);
    } else if constexpr (Special != special_codes::none) {
      if (magnitude > max_code) {
        const bool infinite = Special == special_codes::infinity_and_nan && magnitude == exponent_mask;
        return std::bit_cast<float>(sign | infinity_bits | (infinite ? 0u : 0x400000u));
      }
    }
    std::uint32_t field = magnitude >> FractionBits;
    std::uint32_t fraction = magnitude & ((1u << FractionBits) - 1u);
    if (field == 0) {
      if (fraction == 0) return std::bit_cast<float>(sign);
      const auto shift = static_cast<std::uint32_t>(std::countl_zero(fraction) - (31 - FractionBits));
      fraction = (fraction << shift) & ((1u << FractionBits) - 1u);
      field = 1u - shift;  // wraps below zero and back in the sum below
    }
    return std::bit_cast<float>(sign | ((field + 127u - Bias) << 23) | (fraction << (23 - FractionBits)));
  }

  constexpr explicit operator float() const noexcept { return to_float(); }

  /// The largest finite value, and the smallest above zero.
  static constexpr float max() noexcept { return from_code(max_code).to_float(); }
  static constexpr float smallest() noexcept { return from_code(1).to_float(); }

  /// Equal codes; +0 and -0 differ, a NaN equals itself.
  friend constexpr bool operator==(small_float, small_float) noexcept = default;

 private:
  static constexpr std::uint32_t nan_code() noexcept {
    if constexpr (Special == special_codes::none) return max_code;
    if constexpr (Special == special_codes::infinity_and_nan) {
      return exponent_mask | (1u << (FractionBits - 1));
    }
    return Special == special_codes::negative_zero_is_nan ? sign_mask : sign_mask - 1u;
  }

  static constexpr std::uint32_t overflowed(bool saturate) noexcept {
    if (saturate) return max_code;
    return Special == special_codes::infinity_and_nan ? exponent_mask : nan_code();
  }

  static constexpr std::uint32_t with_sign(std::uint32_t code, std::uint32_t sign) noexcept {
    if constexpr (Special == special_codes::negative_zero_is_nan) {
      if (code == 0 || code == sign_mask) return code;
    }
    return code | sign;
  }

  /// The code above zero nearest to a finite binary32 magnitude times 2^-exponent; may exceed max_code.
  static constexpr std::uint32_t round_magnitude(std::uint32_t magnitude, tie_rule tie,
                                                 int exponent) noexcept {
    if (magnitude == 0) return 0;
    constexpr int min_exponent = 1 - Bias;
    // A subnormal float is brought to the form 1.f * 2^e as well, with a field below 1.
    const int lead = std::max(std::countl_zero(magnitude) - 8, 0);
    const std::uint32_t significand = ((magnitude << lead) & 0x7fffffu) | 0x800000u;
    const int field = lead > 0 ? 1 - lead : static_cast<int>(magnitude >> 23);
    const int value_exponent = field - 127 - exponent;
    const int code_exponent = std::max(value_exponent, min_exponent);
    if (code_exponent > max_exponent) return max_code + 1;
    const int shift = 23 - FractionBits + code_exponent - value_exponent;
    if (shift > 24) return 0;  // below half of the smallest value
    const std::uint32_t half = 1u << (shift - 1);
    const std::uint32_t bump = tie == tie_rule::to_even ? half - 1u + ((significand >> shift) & 1u) : half;
    return (static_cast<std::uint32_t>(code_exponent - min_exponent) << FractionBits) +
           ((significand + bump) >> shift);
  }
};

using e4m3 = small_float<4, 3, 7, special_codes::all_ones_nan>;                ///< max 448
using e5m2 = small_float<5, 2, 15, special_codes::infinity_and_nan>;           ///< max 57344
using e4m3_fnuz = small_float<4, 3, 8, special_codes::negative_zero_is_nan>;   ///< max 240
using e5m2_fnuz = small_float<5, 2, 16, special_codes::negative_zero_is_nan>;  ///< max 57344
using e3m2 = small_float<3, 2, 3, special_codes::none>;                        ///< max 28
using e2m3 = small_float<2, 3, 1, special_codes::none>;                        ///< max 7.5
using e2m1 = small_float<2, 1, 1, special_codes::none>;                        ///< max 6

/// The value of every code of `Float`, by code.
template <class Float>
inline constexpr auto value_table = [] {
  std::array<float, static_cast<std::size_t>(Float::code_count)> values{};
  for (std::size_t code = 0; code < values.size(); ++code)
    values[code] = Float::from_code(static_cast<std::uint32_t>(code)).to_float();
  return values;
}();

}  // namespace bitgauge::numeric
