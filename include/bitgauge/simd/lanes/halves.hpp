#pragma once

/// \file
/// Numbers to and from binary16, many at a time.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/multiversion.hpp>
#include <bitgauge/simd/portable/halves.hpp>
#include <bitgauge/simd/x86/avx2/halves.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd {

namespace detail {

/// numeric::half_to_float without branches: infinities and NaN move to the top exponent; a subnormal becomes
/// 2^-14 (1 + f) - 2^-14, whose terms are normal.
constexpr float half_to_float(std::uint16_t pattern) noexcept {
  const std::uint32_t sign = (pattern & 0x8000u) << 16;
  const std::uint32_t magnitude = (pattern & 0x7fffu) << 13;
  const std::uint32_t normal = magnitude + (magnitude >= 0x0f800000u ? 0x70000000u : 0x38000000u);
  const float small = std::bit_cast<float>(magnitude + 0x38800000u) - 0x1p-14f;
  return std::bit_cast<float>(sign |
                              (magnitude < 0x00800000u ? std::bit_cast<std::uint32_t>(small) : normal));
}

}  // namespace detail

/// out[i] = the value of the binary16 number in bytes 2i and 2i + 1, little-endian.
inline void from_halves(const std::uint8_t* bytes, index_t count, float* out) {
  constexpr index_t together = 32;
  multiversion([=](auto) __attribute__((always_inline)) {
    for (index_t at = 0; at < count; at += together) {
      const index_t n = std::min(together, count - at);
      std::uint16_t some[together] = {};
      float values[together];
      std::memcpy(some, bytes + 2 * at, static_cast<std::size_t>(2 * n));
      for (index_t i = 0; i < together; ++i) {
        const std::uint16_t swapped = static_cast<std::uint16_t>(some[i] >> 8 | some[i] << 8);
        values[i] = detail::half_to_float(std::endian::native == std::endian::little ? some[i] : swapped);
      }
      std::memcpy(out + at, values, static_cast<std::size_t>(n) * sizeof(float));
    }
  });
}

inline constexpr operation_table<half_operations> half_table;

/// pattern[i] and value[i]: the finite binary16 number nearest to x[i], which is not NaN; ties to even.
inline void nearest_halves(const float* x, index_t count, std::uint16_t* pattern, float* value) {
  half_table.in_use().nearest_halves(x, count, pattern, value);
}

}  // namespace bitgauge::simd
