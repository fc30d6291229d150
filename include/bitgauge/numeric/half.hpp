#pragma once

/// \file
/// binary16 and bfloat16 as 16-bit patterns. Integer arithmetic only: the same bits with and without F16C,
/// -ffast-math or flush-to-zero. Eigen's `half` and `bfloat16` carry the same patterns and are accepted
/// wherever matrices are.

#include <bitgauge/numeric/bits.hpp>

#include <bit>
#include <cstdint>

namespace bitgauge::numeric {

/// The value of a binary16 pattern (IEEE 754-2008, 3.4): exponent field e and fraction f stand for
/// (1 + f/1024) * 2^(e-15), and for f/1024 * 2^-14 where e is 0. Exact.
constexpr float half_to_float(std::uint16_t pattern) noexcept {
  const std::uint32_t sign = (pattern & 0x8000u) << 16;
  std::uint32_t exponent = (pattern >> 10) & 0x1fu;
  std::uint32_t fraction = pattern & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | infinity_bits | (fraction << 13));
  if (exponent == 0) {
    if (fraction == 0) return std::bit_cast<float>(sign);
    const auto shift =
        static_cast<std::uint32_t>(std::countl_zero(fraction)) - 21u;  // brings the lead bit to bit 10
    fraction = (fraction << shift) & 0x3ffu;
    exponent = 1u - shift;  // wraps below zero and back in the sum below
  }
  return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (fraction << 13));
}

/// The binary16 pattern nearest to `value`, ties to even; magnitudes from 65520 up become infinity, NaN stays
/// NaN.
constexpr std::uint16_t half_from_float(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits & sign_bit) >> 16);
  const std::uint32_t magnitude = bits & ~sign_bit;
  if (magnitude > infinity_bits) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  if (magnitude >= 0x38800000u) {  // 2^-14: a normal number
    const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
    return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
  }
  if (magnitude <= 0x33000000u) return sign;  // at most half of the smallest subnormal, 2^-25
  const std::uint32_t shift = 126u - (magnitude >> 23);
  const std::uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
  const std::uint32_t half_step = 1u << (shift - 1u);
  const std::uint32_t rounded = (fraction + half_step - 1u + ((fraction >> shift) & 1u)) >> shift;
  return static_cast<std::uint16_t>(sign | rounded);
}

/// The value of a bfloat16 pattern: the upper half of a binary32. Exact.
constexpr float bfloat16_to_float(std::uint16_t pattern) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(pattern) << 16);
}

/// The bfloat16 pattern nearest to `value`, ties to even; overflow becomes infinity, NaN stays NaN.
constexpr std::uint16_t bfloat16_from_float(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (is_nan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace bitgauge::numeric
