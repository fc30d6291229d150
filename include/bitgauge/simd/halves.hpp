#pragma once

/// \file
/// Numbers to and from binary16, many at a time.

#include <bitgauge/numeric/half.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/widest.hpp>
#include <bitgauge/simd/x86/target.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd {
namespace portable {

inline void nearest_halves(const float* x, index_t count, std::uint16_t* pattern, float* value) {
  for (index_t i = 0; i < count; ++i) {
    pattern[i] = numeric::half_from_float(std::clamp(x[i], -65504.0f, 65504.0f));
    value[i] = numeric::half_to_float(pattern[i]);
  }
}

}  // namespace portable

#if BITGAUGE_X86
namespace avx2 {

[[BITGAUGE_AVX2]] inline void nearest_halves(const float* x, index_t count, std::uint16_t* pattern,
                                             float* value) {
  const __m256 most = _mm256_set1_ps(65504.0f), least = _mm256_set1_ps(-65504.0f);
  index_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 clamped = _mm256_min_ps(_mm256_max_ps(_mm256_loadu_ps(x + i), least), most);
    const __m128i half = _mm256_cvtps_ph(clamped, _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(pattern + i), half);
    _mm256_storeu_ps(value + i, _mm256_cvtph_ps(half));
  }
  portable::nearest_halves(x + i, count - i, pattern + i, value + i);
}

}  // namespace avx2
#endif

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
  on_widest([=](auto) __attribute__((always_inline)) {
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

/// pattern[i] and value[i]: the finite binary16 number nearest to x[i], which is not NaN; ties to even.
inline void nearest_halves(const float* x, index_t count, std::uint16_t* pattern, float* value) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx2) return avx2::nearest_halves(x, count, pattern, value);
#endif
  portable::nearest_halves(x, count, pattern, value);
}

}  // namespace bitgauge::simd
