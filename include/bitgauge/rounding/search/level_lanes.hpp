#pragma once

/// \file
/// The levels of a grid for eight numbers at a time, each with a map of its own.

#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/simd/lanes/double_lanes.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge::detail {

using simd::double_lanes;
using simd::float_lanes;
using simd::integer_lanes;
using simd::word_lanes;
inline constexpr index_t lane_count = simd::double_lane_count;

/// The maps of eight lanes.
struct group_lanes {
  double_lanes scale{}, inverse{};  ///< floats: products with floats are exact
  double_lanes shift{};  ///< where the levels are evenly spaced: adds to units what makes them a level + 0.5
  float_lanes zero_point{}, minimum{};
};

/// What lanes are rounded to. All is computed so that no compiler can contract it into other bits: products
/// that are added to anything are exact.
class level_lanes {
 public:
  explicit level_lanes(std::span<const feedback_target::level> levels)
      : last_(static_cast<double>(levels.size()) - 1) {
    for (const auto& level : levels) values_.push_back(level.value);
    lowest_ = values_.front();
    spacing_ = levels.size() > 1 ? values_[1] - values_[0] : 1.0f;
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (static_cast<float>(static_cast<double>(i) * spacing_ + lowest_) != values_[i]) even_ = false;
    for (std::size_t i = 0; i + 1 < values_.size(); ++i)
      midpoints_.push_back((static_cast<double>(values_[i]) + static_cast<double>(values_[i + 1])) / 2);
  }

  /// Whether levels are evenly spaced.
  bool even() const { return even_; }
  float value(std::uint8_t choice) const { return values_[choice]; }

  /// False for maps that are too fine to divide by.
  bool usable(const affine_map& map) const {
    return std::abs(static_cast<double>(map.scale) * (even_ ? spacing_ : 1.0)) >= static_cast<double>(1e-37f);
  }
  void set(group_lanes& lanes, index_t lane, const affine_map& map) const {
    const double spacing = even_ ? spacing_ : 1.0;
    lanes.scale[lane] = map.scale;
    lanes.inverse[lane] = static_cast<float>(1 / (static_cast<double>(map.scale) * spacing));
    lanes.shift[lane] =
        (static_cast<double>(map.zero_point) - (even_ ? lowest_ : 0.0)) / spacing + (even_ ? 0.5 : 0.0);
    lanes.zero_point[lane] = map.zero_point;
    lanes.minimum[lane] = map.minimum;
  }

  /// The choice whose real value is nearest to each value.
  [[gnu::always_inline]] void nearest(const double_lanes& value, const group_lanes& maps,
                                      integer_lanes& choice) const {
    const float_lanes above = __builtin_convertvector(value, float_lanes) + maps.minimum;
    double_lanes position = __builtin_convertvector(above, double_lanes) * maps.inverse + maps.shift;
    if (even_) {
      position = position < 0.5 ? double_lanes{} + 0.5 : position;
      position = position > last_ + 0.5 ? double_lanes{} + (last_ + 0.5) : position;
      choice = __builtin_convertvector(position, integer_lanes);
    } else {
      word_lanes below{};
      for (const double midpoint : midpoints_) below -= position > midpoint;
      choice = __builtin_convertvector(below, integer_lanes);
    }
  }

  /// The level of each choice, less the zero point: what the scale is multiplied by.
  [[gnu::always_inline]] void pattern(const integer_lanes& choice, const group_lanes& maps,
                                      float_lanes& out) const {
    if (even_) {
      const double_lanes level = __builtin_convertvector(choice, double_lanes) * spacing_ + lowest_;
      out = __builtin_convertvector(level, float_lanes);
    } else {
      for (index_t i = 0; i < lane_count; ++i) out[i] = values_[static_cast<std::size_t>(choice[i])];
    }
    out -= maps.zero_point;
  }

  /// affine_map::real of each choice, to the bit.
  [[gnu::always_inline]] void real(const integer_lanes& choice, const group_lanes& maps,
                                   float_lanes& out) const {
    float_lanes off_zero;
    pattern(choice, maps, off_zero);
    const double_lanes product = __builtin_convertvector(off_zero, double_lanes) * maps.scale;
    out = __builtin_convertvector(product, float_lanes) - maps.minimum;
  }
  std::int32_t last() const { return static_cast<std::int32_t>(last_); }

 private:
  std::vector<float> values_;
  std::vector<double> midpoints_;
  double last_, lowest_ = 0, spacing_ = 1;
  bool even_ = true;
};

}  // namespace bitgauge::detail
