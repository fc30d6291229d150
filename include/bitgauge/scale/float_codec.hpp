#pragma once

/// \file
/// Rounding scales to the types that stand alone.

#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/e8m0.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/scale/codec.hpp>
#include <bitgauge/scale/type.hpp>

#include <cmath>
#include <cstdint>
#include <string>

namespace bitgauge {

/// Rounds a scale to a type that needs no second level: f32, f16, bf16 or E8M0. E8M0 has no zero: the
/// smallest power of two stands for it; nor has it a sign.
class float_scale_codec final : public scale_codec {
 public:
  explicit float_scale_codec(scale_type type) : type_(type) {}

  float nearest(float scale) const override {
    if (type_ == scale_type::e8m0) return numeric::e8m0::from_float(scale).to_float();
    const float floor = type_ == scale_type::f16 ? 0x1p-24f : 0x1p-126f;
    if (scale < 0) return -nearest(-scale);
    if (!(scale > 0)) return 0;
    if (scale < floor) return floor;
    if (type_ == scale_type::f32) return scale;
    const float stored = type_ == scale_type::f16
                             ? numeric::half_to_float(numeric::half_from_float(scale))
                             : numeric::bfloat16_to_float(numeric::bfloat16_from_float(scale));
    if (!numeric::is_finite(stored))
      detail::raise_message<data_error>({"scale ", scale, " overflows ",
                                         type_ == scale_type::f16 ? "f16" : "bf16", ": store scales as ",
                                         type_ == scale_type::f16 ? "bf16 or f32" : "f32"});
    return stored;
  }

  bool is_exact() const override { return type_ == scale_type::f32; }

  neighbours around(double scale) const override {
    if (type_ == scale_type::f32) return scale_codec::around(scale);
    if (type_ == scale_type::e8m0) return around_power(scale);
    // patterns of positive numbers are ordered as the numbers are
    const bool half = type_ == scale_type::f16;
    const float floor = half ? 0x1p-24f : 0x1p-126f, largest = half ? 65504.0f : 0x1.fep127f;
    if (scale <= static_cast<double>(floor)) return {floor, floor};
    if (scale >= static_cast<double>(largest)) return {largest, largest};
    const auto decoded = [half](std::uint16_t pattern) {
      return half ? numeric::half_to_float(pattern) : numeric::bfloat16_to_float(pattern);
    };
    const auto single = static_cast<float>(scale);
    std::uint16_t pattern = half ? numeric::half_from_float(single) : numeric::bfloat16_from_float(single);
    if (static_cast<double>(decoded(pattern)) > scale) --pattern;
    const float below = decoded(pattern);
    if (static_cast<double>(below) == scale) return {below, below};
    return {below, decoded(static_cast<std::uint16_t>(pattern + 1))};
  }

 private:
  static neighbours around_power(double scale) {
    using numeric::e8m0;
    const int exponent = std::ilogb(scale);
    const float below = e8m0::from_exponent(exponent).to_float();
    if (static_cast<double>(below) >= scale) return {below, below};
    return {below, e8m0::from_exponent(exponent + 1).to_float()};
  }

  scale_type type_;
};

}  // namespace bitgauge
