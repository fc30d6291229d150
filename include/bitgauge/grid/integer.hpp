#pragma once

/// \file
/// The integer grids: `symmetric<B>` and `affine<B>`, and the run-time value they both turn into.
///
/// One equation holds for all: real = scale * (code - zero_point), and
/// code = clamp(rint(x * (1 / scale)) + zero_point, lowest, highest), each operation rounded in binary32,
/// ties to even. The zero point is added after rounding, as an integer (the rule of
/// torch.quantize_per_tensor).

#include <bitgauge/error.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <string>

namespace bitgauge {

/// An integer grid chosen at run time. Build it from `symmetric<B>`, `affine<B>` or the two functions below: they
/// keep the fields consistent.
struct integer_grid {
  int width = 8;               ///< bits of a stored code, 1..8
  bool has_zero_point = true;  ///< affine: a zero point per group; symmetric: `center` for all
  int lowest = 0;              ///< smallest code
  int highest = 255;           ///< largest code
  int center = 0;              ///< the code of zero in a symmetric grid
  float steps = 255;         ///< scale = width of the range / steps, where a symmetric range counts from zero
  float smallest_scale = 0;  ///< scales below are raised to it, all-zero groups included (torch: 2^-23)
  bool steady_ties = true;  ///< a zero point half-way between two codes does not hang on the scale's last bit

  constexpr int bits() const noexcept { return width; }
  constexpr bool is_signed() const noexcept { return lowest < 0; }
  /// One bit stands for -scale or +scale: the only grid that cannot represent zero, unless the scale is zero.
  constexpr bool is_sign_only() const noexcept { return width == 1 && !has_zero_point; }

  /// The scale whose codes cover `range`, before it is rounded to its stored type. 0 for an all-zero group.
  float scale_for(interval range) const noexcept {
    float scale;
    if (!has_zero_point) {
      scale = range.magnitude() / steps;
    } else {
      const float length = range.high - range.low;
      scale = numeric::is_finite(length) ? length / steps : range.high / steps - range.low / steps;
    }
    return std::max(scale, smallest_scale);
  }

  /// The zero point that makes `scale` cover `range`: clamp(lowest - rint(low / scale)); `center` in a
  /// symmetric grid. With `steady_ties` a quotient that is half-way between two integers but for the rounding
  /// of the scale goes to the even one: [-20, 20] and every other [-a, a] on 0 .. 255 get 128. torch has 127
  /// or 128, as the last bit of a / 255 falls.
  int zero_point_for(interval range, float scale) const noexcept {
    if (!has_zero_point) return center;
    if (!(scale > 0)) return std::clamp(0, lowest, highest);
    const float steps_below = std::clamp(range.low / scale, -512.0f, 0.0f);
    const int below = steady_ties ? rint_steady(steps_below) : static_cast<int>(std::nearbyint(steps_below));
    return std::clamp(lowest - below, lowest, highest);
  }

  /// The number a stored field (the code's low `width` bits) stands for at scale 1 and zero point 0.
  constexpr float level(int field) const noexcept {
    if (is_sign_only()) return field != 0 ? 1.0f : -1.0f;
    const int sign = 1 << (width - 1);
    return static_cast<float>(is_signed() ? (field ^ sign) - sign : field);
  }

  /// The field of the code nearest to `value` in units of the scale, `zero_point` added after rounding.
  int nearest(float value, int zero_point) const noexcept {
    if (is_sign_only()) return value < 0 ? 0 : 1;
    const auto low = static_cast<float>(lowest - zero_point), high = static_cast<float>(highest - zero_point);
    const int code = static_cast<int>(std::nearbyint(std::clamp(value, low, high))) + zero_point;
    return code & ((1 << width) - 1);
  }

  friend constexpr bool operator==(const integer_grid&, const integer_grid&) = default;

 private:
  /// rint(quotient), to even within the units in the last place that the roundings of the range's length, the
  /// scale and the quotient add up to.
  static int rint_steady(float quotient) noexcept {
    const float halves = 2 * quotient, odd = std::nearbyint(halves);
    const bool is_tie = std::fabs(halves - odd) <= std::fabs(halves) * (2 * FLT_EPSILON);
    return static_cast<int>(std::nearbyint(is_tie ? odd / 2 : quotient));
  }
};

/// How a symmetric grid departs from the default.
struct symmetric_options {
  bool full = false;            ///< adds the code -2^(B-1); the scale stays absmax / (2^(B-1)-1)
  bool unsigned_codes = false;  ///< stores code + 2^(B-1), the constant zero point of the group
  bool torch = false;           ///< torch's rule: full range, scale = absmax / ((2^B-1)/2), at least 2^-23

  friend constexpr bool operator==(const symmetric_options&, const symmetric_options&) = default;
};

/// How an affine grid departs from the default.
struct affine_options {
  bool signed_codes = false;  ///< codes -2^(B-1) .. 2^(B-1)-1 instead of 0 .. 2^B-1
  bool restricted = false;    ///< leaves out the smallest code of a signed grid
  bool torch = false;         ///< torch's observers: scales at least 2^-23, zero points not steady_ties

  friend constexpr bool operator==(const affine_options&, const affine_options&) = default;
};

namespace detail {

constexpr void require_bits(int bits) {
  if (bits < 1 || bits > 8) raise_message<invalid_scheme>({"bits: expected 1 to 8, found ", bits});
}

}  // namespace detail

/// The symmetric grid of `bits` bits: codes -(2^(bits-1)-1) .. 2^(bits-1)-1, scale = absmax / (2^(bits-1)-1).
/// One bit is
/// +-scale. Throws invalid_scheme unless bits is 1..8.
constexpr integer_grid make_symmetric(int bits, symmetric_options options = {}) {
  detail::require_bits(bits);
  const int half = 1 << (bits - 1);
  integer_grid grid;
  grid.width = bits;
  grid.has_zero_point = false;
  if (bits == 1) {
    grid.lowest = -1;
    grid.highest = 1;
    grid.steps = 1;
    return grid;
  }
  grid.lowest = options.full || options.torch ? -half : 1 - half;
  grid.highest = half - 1;
  grid.steps = options.torch ? static_cast<float>(2 * half - 1) / 2 : static_cast<float>(half - 1);
  if (options.torch) grid.smallest_scale = FLT_EPSILON;
  if (options.unsigned_codes) {
    grid.center = half;
    // torch takes 128 for its own quint8 range but (qmin + qmax) / 2, rounded down, for a narrower one
    if (options.torch && bits < 8) grid.center = half - 1;
    grid.lowest = options.full || options.torch ? 0 : grid.lowest + half;
    grid.highest = options.torch ? 2 * half - 1 : grid.highest + half;
  }
  return grid;
}

/// The affine grid of `bits` bits: codes 0 .. 2^bits-1, scale = (high - low) / (2^bits-1), an integer zero
/// point in the codes' range. Throws invalid_scheme unless bits is 1..8.
constexpr integer_grid make_affine(int bits, affine_options options = {}) {
  detail::require_bits(bits);
  const int half = 1 << (bits - 1);
  integer_grid grid;
  grid.width = bits;
  grid.lowest = options.signed_codes ? -half : 0;
  grid.highest = grid.lowest + 2 * half - 1;
  if (options.signed_codes && options.restricted && bits > 1) ++grid.lowest;
  grid.steps = static_cast<float>(grid.highest - grid.lowest);
  if (options.torch) grid.smallest_scale = FLT_EPSILON;
  grid.steady_ties = !options.torch;
  return grid;
}

/// `symmetric<B>{}` and `symmetric<B>{{.full = true}}`: see make_symmetric.
template <int Bits>
requires(Bits >= 1 && Bits <= 8)
struct symmetric {
  symmetric_options options{};
  constexpr operator integer_grid() const { return make_symmetric(Bits, options); }
};

/// `affine<B>{}` and `affine<B>{{.signed_codes = true}}`: see make_affine.
template <int Bits>
requires(Bits >= 1 && Bits <= 8)
struct affine {
  affine_options options{};
  constexpr operator integer_grid() const { return make_affine(Bits, options); }
};

}  // namespace bitgauge
