#pragma once

/// \file
/// The float32 steps that ggml's encoders are made of. To arrive at its bytes every operation must round as
/// there: no product is fused with a sum, and sums run from left to right.

#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace bitgauge::gguf::reference {

/// `value` rounded to an integer, ties to even, for |value| < 2^22; an unspecified integer elsewhere. Adding
/// 1.5 * 2^23 leaves the integer in the low bits of the fraction.
inline int nearest(float value) noexcept {
  const float shifted = numeric::uncontracted(value) + 12582912.0f;
  return static_cast<int>(std::bit_cast<std::uint32_t>(shifted) & 0x7fffffu) - 0x400000;
}

/// nearest(value), clamped.
inline int nearest(float value, int least, int most) noexcept {
  return std::clamp(nearest(value), least, most);
}

/// `value` without its fraction, clamped; `most` for NaN. Defined for every float.
inline int truncated(float value, int least, int most) noexcept {
  if (!(value < static_cast<float>(most))) return most;
  return value > static_cast<float>(least) ? static_cast<int>(value) : least;
}

/// `value` rounded to an integer, ties away from zero, clamped. The sum with a half would round up the float
/// just below a half, so the fraction is compared instead.
inline int nearest_away(float value, int least, int most) noexcept {
  const float magnitude = std::abs(numeric::uncontracted(value));
  const int whole = truncated(magnitude, 0, 1 << 22);
  const int rounded = magnitude - static_cast<float>(whole) >= 0.5f ? whole + 1 : whole;
  return std::clamp(value < 0 ? -rounded : rounded, least, most);
}

/// 1 / value, or 0 for 0.
inline float inverse(float value) noexcept {
  return value != 0.0f ? 1.0f / value : 0.0f;
}

/// `value` as binary16 stores it.
inline float as_half(float value) noexcept {
  return numeric::half_to_float(numeric::half_from_float(value));
}

/// The first element of largest magnitude, with its sign.
inline float signed_extreme(const float* x, int count) noexcept {
  float extreme = 0.0f;
  for (int j = 0; j < count; ++j) {
    if (std::abs(x[j]) > std::abs(extreme)) extreme = x[j];
  }
  return extreme;
}

/// Below this magnitude a group counts as zero.
inline constexpr float negligible = 1e-15f;

}  // namespace bitgauge::gguf::reference
