#pragma once

/// \file
/// The small floats as grids: FP8, FP6, FP4, and the elements of the microscaling formats.

#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/e8m0.hpp>
#include <bitgauge/numeric/small_float.hpp>
#include <bitgauge/simd/levels.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>

namespace bitgauge {

/// Codes are the patterns of a numeric::small_float; scale = absmax / largest value. A group never needs a
/// NaN or infinity code, and their level() is what the format says. The formats of vendors' FP8 and FP4
/// recipes, and of NVFP4.
///
///     auto q = quantize(W, fp8_e4m3{}, per_row{});
template <class Float>
struct small_float_grid {
  constexpr int bits() const noexcept { return Float::bits; }
  constexpr float level(int field) const noexcept {
    return numeric::value_table<Float>[static_cast<std::size_t>(field)];
  }
  /// Nearest, ties to the even code, saturating.
  constexpr int nearest(float value) const noexcept { return Float::from_float(value).code; }
  constexpr float scale_for(interval range) const noexcept { return range.magnitude() / Float::max(); }

  /// fields[i] = nearest(x[i] * inverse_scale). Four bits are found from the sign and seven bounds, side by
  /// side.
  void encode(const float* x, index count, float inverse_scale, std::uint8_t* fields) const noexcept {
    if constexpr (Float::bits == 4 && Float::special == numeric::special_codes::none) {
      simd::encode_levels(x, count, inverse_scale, bounds.data(), magnitudes.data(), true, fields);
    } else {
      for (index i = 0; i < count; ++i) fields[i] = static_cast<std::uint8_t>(nearest(x[i] * inverse_scale));
    }
  }

 private:
  /// Magnitudes above bounds[c] get codes above c: the midpoint after code c, or the float below it where the
  /// tie goes up to an even code.
  static constexpr std::array<float, 16> bounds = [] {
    std::array<float, 16> found;
    found.fill(FLT_MAX);
    for (std::uint32_t c = 0; c < 7; ++c) {
      const float middle = (Float::from_code(c).to_float() + Float::from_code(c + 1).to_float()) / 2;
      found[c] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(middle) - c % 2);
    }
    return found;
  }();
  /// The codes of magnitudes; beyond the last one stands the largest again, for an infinite product.
  static constexpr std::array<std::uint8_t, 16> magnitudes{0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7};
};

struct fp8_e4m3 : small_float_grid<numeric::e4m3> {};
struct fp8_e5m2 : small_float_grid<numeric::e5m2> {};
struct fp8_e4m3_fnuz : small_float_grid<numeric::e4m3_fnuz> {};
struct fp8_e5m2_fnuz : small_float_grid<numeric::e5m2_fnuz> {};
struct fp6_e3m2 : small_float_grid<numeric::e3m2> {};
struct fp6_e2m3 : small_float_grid<numeric::e2m3> {};
/// OCP's FP4; bitsandbytes' other numbers of that name are the grid fp4.
struct fp4_e2m1 : small_float_grid<numeric::e2m1> {};

namespace detail {

/// 2^(floor(log2(absmax)) - element_exponent), at least 2^-127; where all elements are zero, absmax counts as
/// 2^-126.
inline float microscale_for(interval range, int element_exponent) noexcept {
  const std::uint32_t bits = numeric::magnitude_bits(range.magnitude());
  const int exponent = bits == 0 ? -126 : static_cast<int>(bits >> 23) - 127;
  return numeric::e8m0::from_exponent(exponent - element_exponent).to_float();
}

}  // namespace detail

/// The same codes under the scale rule of "OCP Microscaling Formats (MX) Specification" 1.0, section 6.3:
/// scale = 2^(floor(log2(absmax)) - emax), emax the exponent of the largest element, a power of two that
/// e8m0_scales hold as it is. Elements beyond the largest value saturate.
///
///     auto q = quantize(W, mx_fp4{}, per_group{32}, e8m0_scales);   // MXFP4
template <class Float>
struct microscaling_grid : small_float_grid<Float> {
  float scale_for(interval range) const noexcept {
    return detail::microscale_for(range, Float::max_exponent);
  }
};

struct mx_fp8_e4m3 : microscaling_grid<numeric::e4m3> {};
struct mx_fp8_e5m2 : microscaling_grid<numeric::e5m2> {};
struct mx_fp6_e3m2 : microscaling_grid<numeric::e3m2> {};
struct mx_fp6_e2m3 : microscaling_grid<numeric::e2m3> {};
struct mx_fp4 : microscaling_grid<numeric::e2m1> {};

/// MXINT8's element: an 8-bit integer in two's complement times 1/64, symmetric: -127/64 .. 127/64.
struct mx_int8 {
  constexpr int bits() const noexcept { return 8; }
  constexpr float level(int field) const noexcept { return static_cast<float>((field ^ 0x80) - 0x80) / 64; }
  int nearest(float value) const noexcept {
    return static_cast<int>(std::nearbyint(std::clamp(value * 64, -127.0f, 127.0f))) & 0xff;
  }
  float scale_for(interval range) const noexcept { return detail::microscale_for(range, 0); }
};

}  // namespace bitgauge
