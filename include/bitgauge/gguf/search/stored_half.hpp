#pragma once

/// \file
/// Scales and minima as binary16 stores them.

#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitgauge::gguf {

/// The binary16 number nearest to `value` within the finite range.
inline float nearest_half(float value) noexcept {
  return numeric::half_to_float(numeric::half_from_float(std::clamp(value, -65504.0f, 65504.0f)));
}
inline float nearest_half(double value) noexcept {
  return nearest_half(static_cast<float>(std::clamp(value, -65504.0, 65504.0)));
}

/// A binary16 super-scale for `value`: the nearest number; but a subnormal one, whose neighbours lie far
/// apart, is no nearer to 0 than `value`, so that no factor lies beyond its range.
inline float super_half(float value) noexcept {
  const float nearest = nearest_half(value);
  if (std::abs(value) >= 0x1p-14f || std::abs(nearest) >= std::abs(value)) return nearest;
  return nearest + std::copysign(0x1p-24f, value);
}

/// Where `wanted` times 2^exponent is less than 32 of the least binary16 number, 2^-24: how many of these are
/// worth trying for it, as there the numbers lie far apart; elsewhere zeros.
[[gnu::noinline]] inline std::array<int, 4> few_halves(float wanted, int exponent) noexcept {
  const double units = std::scalbn(static_cast<double>(wanted), exponent + 24);
  if (!(units > 0.0 && units < 32.0)) return {};
  const int first = std::max(static_cast<int>(units) - 1, 1);
  return {first, first + 1, first + 2, first + 3};
}

}  // namespace bitgauge::gguf
