#pragma once

/// \file
/// Codes of small floats, many at once, by arithmetic on the bits alone.

#include <bitgauge/numeric/small_float.hpp>
#include <bitgauge/simd/lanes/vector.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <bit>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd {
namespace detail {

/// The codes of Bytes / 4 values x * inverse. Where a value is at least the smallest normal one, half of the
/// last place is added to the bits of the float, whose exponent is then counted from the format's bias.
/// Below, adding a power of two leaves the multiple of the smallest value in the last bits of the sum.
template <class Float, int Bytes>
[[gnu::always_inline]] inline void encode_small_float_vector(const float* x, float inverse,
                                                             std::uint8_t* codes) noexcept {
  using floats = vector<float, Bytes / 4>;
  using words = vector<std::uint32_t, Bytes / 4>;
  constexpr std::uint32_t dropped = 23 - Float::fraction_bits;
  constexpr std::uint32_t half = (1u << (dropped - 1)) - 1u;
  constexpr std::uint32_t rebias = static_cast<std::uint32_t>(127 - Float::bias) << Float::fraction_bits;
  constexpr std::uint32_t smallest_normal = static_cast<std::uint32_t>(128 - Float::bias) << 23;
  constexpr std::uint32_t shifter = smallest_normal + (dropped << 23);
  floats values;
  std::memcpy(&values, x, sizeof values);
  values *= inverse;
  const words bits = reinterpret_cast<words>(values), magnitude = bits & ~numeric::sign_bit;
  const words normal = ((magnitude + half + ((magnitude >> dropped) & 1u)) >> dropped) - rebias;
  const floats sum = reinterpret_cast<floats>(magnitude) + std::bit_cast<float>(shifter);
  const words subnormal = reinterpret_cast<words>(sum) - shifter;
  words code = magnitude < smallest_normal ? subnormal : normal;
  const words largest = words{} + Float::max_code;
  code = code < largest ? code : largest;
  words sign = (bits >> (32 - Float::bits)) & Float::sign_mask;
  if constexpr (Float::special == numeric::special_codes::negative_zero_is_nan)
    sign = code == 0u ? words{} : sign;
  // by halves, for which GCC has instructions
  const auto halves = __builtin_convertvector(code | sign, vector<std::uint16_t, Bytes / 4>);
  const auto bytes = __builtin_convertvector(halves, vector<std::uint8_t, Bytes / 4>);
  std::memcpy(codes, &bytes, sizeof bytes);
}

/// The same for sixteen values.
template <class Float, int Bytes>
[[gnu::always_inline]] inline void encode_16_small_floats(const float* x, float inverse,
                                                          std::uint8_t* codes) noexcept {
  for (int i = 0; i < 16; i += Bytes / 4) encode_small_float_vector<Float, Bytes>(x + i, inverse, codes + i);
}

}  // namespace detail

/// codes[i] = Float::from_float(x[i] * inverse).code for finite x and `inverse`.
template <class Float>
void encode_small_floats(const float* x, index_t count, float inverse, std::uint8_t* codes) {
  multiversion([=](auto width) __attribute__((always_inline)) {
    constexpr index_t chunk = 16;
    index_t at = 0;
    for (; at + chunk <= count; at += chunk)
      detail::encode_16_small_floats<Float, width>(x + at, inverse, codes + at);
    if (at == count) return;
    const auto left = static_cast<std::size_t>(count - at);
    float values[chunk] = {};
    std::uint8_t found[chunk];
    std::memcpy(values, x + at, left * sizeof(float));
    detail::encode_16_small_floats<Float, width>(values, inverse, found);
    std::memcpy(codes + at, found, left);
  });
}

}  // namespace bitgauge::simd
