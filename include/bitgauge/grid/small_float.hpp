#pragma once

/// \file
/// The small floats as grids: FP8, FP6, FP4, and the elements of the microscaling formats.

#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/e8m0.hpp>
#include <bitgauge/numeric/small_float.hpp>
#include <bitgauge/simd/row.hpp>
#include <bitgauge/simd/small_floats.hpp>

#include <algorithm>
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

  /// fields[i] = nearest(x[i] * inverse_scale), by arithmetic on the bits of many elements at once.
  void encode(const float* x, index_t count, float inverse_scale, std::uint8_t* fields) const noexcept {
    simd::encode_small_floats<Float>(x, count, inverse_scale, fields);
  }
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
///     auto q = quantize(W, mxfp4{}, per_group{32}, e8m0_scales);   // MXFP4
template <class Float>
struct microscaling_grid : small_float_grid<Float> {
  float scale_for(interval range) const noexcept {
    return detail::microscale_for(range, Float::max_exponent);
  }
};

struct mxfp8_e4m3 : microscaling_grid<numeric::e4m3> {};
struct mxfp8_e5m2 : microscaling_grid<numeric::e5m2> {};
struct mxfp6_e3m2 : microscaling_grid<numeric::e3m2> {};
struct mxfp6_e2m3 : microscaling_grid<numeric::e2m3> {};
struct mxfp4 : microscaling_grid<numeric::e2m1> {};

/// MXINT8's element: an 8-bit integer in two's complement times 1/64, symmetric: -127/64 .. 127/64.
struct mxint8 {
  constexpr int bits() const noexcept { return 8; }
  constexpr float level(int field) const noexcept { return static_cast<float>((field ^ 0x80) - 0x80) / 64; }
  int nearest(float value) const noexcept {
    return static_cast<int>(std::nearbyint(std::clamp(value * 64, -127.0f, 127.0f))) & 0xff;
  }
  float scale_for(interval range) const noexcept { return detail::microscale_for(range, 0); }

  /// fields[i] = nearest(x[i] * inverse_scale), by the integers' loop where 64 times the inverse is finite.
  void encode(const float* x, index_t count, float inverse_scale, std::uint8_t* fields) const noexcept {
    if (inverse_scale > FLT_MAX / 64) {
      for (index_t i = 0; i < count; ++i)
        fields[i] = static_cast<std::uint8_t>(nearest(x[i] * inverse_scale));
      return;
    }
    const float inverse = inverse_scale * 64;
    constexpr std::int32_t zero = 0;
    simd::row_kernels().encode(x, count, count, &inverse, &zero, -127, 127, fields, {});
  }
};

}  // namespace bitgauge
