#pragma once

/// \file
/// Codes of small floats, many at once, by arithmetic on the bits alone.

#include <bitgauge/numeric/small_float.hpp>
#include <bitgauge/simd/widest_vectors.hpp>

#include <cstdint>
#include <cstring>

namespace bitgauge::simd {
namespace detail {

/// Sixteen lanes in the compiler's own vectors, which become registers of whatever width there is.
using float_lanes [[gnu::vector_size(64)]] = float;
using word_lanes [[gnu::vector_size(64)]] = std::uint32_t;
using byte_lanes [[gnu::vector_size(16)]] = std::uint8_t;

/// Sixteen codes of values x * inverse. Where a value is at least the smallest normal one, half of the last
/// place is added to the bits of the float, whose exponent is then counted from the format's bias. Below,
/// adding a power of two leaves the multiple of the smallest value in the last bits of the sum.
template <class Float>
[[gnu::always_inline]] inline void encode_16_small_floats(const float* x, float inverse,
                                                          std::uint8_t* codes) noexcept {
  constexpr std::uint32_t dropped = 23 - Float::fraction_bits;
  constexpr std::uint32_t half = (1u << (dropped - 1)) - 1u;
  constexpr std::uint32_t rebias = static_cast<std::uint32_t>(127 - Float::bias) << Float::fraction_bits;
  constexpr std::uint32_t smallest_normal = static_cast<std::uint32_t>(128 - Float::bias) << 23;
  constexpr std::uint32_t shifter = smallest_normal + (dropped << 23);
  float_lanes values;
  std::memcpy(&values, x, sizeof values);
  values *= inverse;
  const word_lanes bits = reinterpret_cast<word_lanes>(values), magnitude = bits & ~numeric::sign_bit;
  const word_lanes normal = ((magnitude + half + ((magnitude >> dropped) & 1u)) >> dropped) - rebias;
  const float_lanes sum = reinterpret_cast<float_lanes>(magnitude) + std::bit_cast<float>(shifter);
  const word_lanes subnormal = reinterpret_cast<word_lanes>(sum) - shifter;
  word_lanes code = magnitude < smallest_normal ? subnormal : normal;
  const word_lanes largest = word_lanes{} + Float::max_code;
  code = code < largest ? code : largest;
  word_lanes sign = (bits >> (32 - Float::bits)) & Float::sign_mask;
  if constexpr (Float::special == numeric::special_codes::negative_zero_is_nan)
    sign = code == 0u ? word_lanes{} : sign;
  const byte_lanes bytes = __builtin_convertvector(code | sign, byte_lanes);
  std::memcpy(codes, &bytes, sizeof bytes);
}

}  // namespace detail

/// codes[i] = Float::from_float(x[i] * inverse).code for finite x and `inverse`.
template <class Float>
void encode_small_floats(const float* x, index count, float inverse, std::uint8_t* codes) {
  on_widest_vectors([=]() __attribute__((always_inline)) {
    constexpr index chunk = 16;
    index at = 0;
    for (; at + chunk <= count; at += chunk)
      detail::encode_16_small_floats<Float>(x + at, inverse, codes + at);
    if (at == count) return;
    const auto left = static_cast<std::size_t>(count - at);
    float values[chunk] = {};
    std::uint8_t found[chunk];
    std::memcpy(values, x + at, left * sizeof(float));
    detail::encode_16_small_floats<Float>(values, inverse, found);
    std::memcpy(codes + at, found, left);
  });
}

}  // namespace bitgauge::simd
