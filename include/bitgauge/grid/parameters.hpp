#pragma once

/// \file
/// What the elements of one group share.

#include <cstdint>

namespace bitgauge {

/// The parameters of one group: real = scale * (level(code) - zero_point). Zero is always representable,
/// except by levels that are fitted to a row.
struct parameters {
  float scale = 0;
  std::int32_t zero_point = 0;

  friend constexpr bool operator==(const parameters&, const parameters&) = default;
};

/// 1 / scale as codes are computed with; 0 where the scale is 0, so that an all-zero group gets its zero
/// point.
inline float inverse_scale(float scale) noexcept {
  return scale > 0 || scale < 0 ? 1.0f / scale : 0.0f;
}

/// The values a group's codes are to cover: low <= 0 <= high.
struct interval {
  float low = 0;
  float high = 0;

  /// The larger magnitude of the two ends.
  constexpr float magnitude() const noexcept { return -low > high ? -low : high; }

  friend constexpr bool operator==(const interval&, const interval&) = default;
};

}  // namespace bitgauge
