#pragma once

/// \file
/// The levels of a grid for eight numbers at a time, each with a line of its own.

#include <bitgauge/rounding/feedback/target.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Eight lanes in the compiler's own vectors, which become registers of whatever width there is.
inline constexpr index_t lane_count = 8;
using double_lanes [[gnu::vector_size(64)]] = double;
using word_lanes [[gnu::vector_size(64)]] = std::int64_t;
using float_lanes [[gnu::vector_size(32)]] = float;
using integer_lanes [[gnu::vector_size(32)]] = std::int32_t;

/// Eight lanes in an array, where they lie within a cache line.
struct alignas(64) lane_cell {
  double values[lane_count];

  [[gnu::always_inline]] void read(double_lanes& out) const { std::memcpy(&out, values, sizeof out); }
  [[gnu::always_inline]] void write(const double_lanes& x) { std::memcpy(values, &x, sizeof x); }
};

/// Calls body(0) ... body(Count - 1), the numbers known to the compiler, so that arrays that they index stay
/// in registers.
template <index_t Count, class Body>
[[gnu::always_inline]] inline void unrolled(const Body& body) {
  [&]<index_t... I>(std::integer_sequence<index_t, I...>) __attribute__((always_inline)) {
    (body(std::integral_constant<index_t, I>{}), ...);
  }
  (std::make_integer_sequence<index_t, Count>{});
}

/// The lines of eight lanes.
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

  /// Whether levels are evenly spaced: the parameter Even below.
  bool even() const { return even_; }
  float value(std::uint8_t choice) const { return values_[choice]; }

  /// False for lines that are too fine to divide by.
  bool usable(const number_line& line) const {
    return std::abs(static_cast<double>(line.scale) * (even_ ? spacing_ : 1.0)) >=
           static_cast<double>(1e-37f);
  }
  void set(group_lanes& lanes, index_t lane, const number_line& line) const {
    const double spacing = even_ ? spacing_ : 1.0;
    lanes.scale[lane] = line.scale;
    lanes.inverse[lane] = static_cast<float>(1 / (static_cast<double>(line.scale) * spacing));
    lanes.shift[lane] =
        (static_cast<double>(line.zero_point) - (even_ ? lowest_ : 0.0)) / spacing + (even_ ? 0.5 : 0.0);
    lanes.zero_point[lane] = line.zero_point;
    lanes.minimum[lane] = line.minimum;
  }

  /// The choice whose real value is nearest to each value.
  template <bool Even>
  [[gnu::always_inline]] void nearest(const double_lanes& value, const group_lanes& line,
                                      integer_lanes& choice) const {
    const float_lanes above = __builtin_convertvector(value, float_lanes) + line.minimum;
    double_lanes position = __builtin_convertvector(above, double_lanes) * line.inverse + line.shift;
    if constexpr (Even) {
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
  template <bool Even>
  [[gnu::always_inline]] void pattern(const integer_lanes& choice, const group_lanes& line,
                                      float_lanes& out) const {
    if constexpr (Even) {
      const double_lanes level = __builtin_convertvector(choice, double_lanes) * spacing_ + lowest_;
      out = __builtin_convertvector(level, float_lanes);
    } else {
      for (index_t i = 0; i < lane_count; ++i) out[i] = values_[static_cast<std::size_t>(choice[i])];
    }
    out -= line.zero_point;
  }

  /// number_line::real of each choice, to the bit.
  template <bool Even>
  [[gnu::always_inline]] void real(const integer_lanes& choice, const group_lanes& line,
                                   float_lanes& out) const {
    float_lanes off_zero;
    pattern<Even>(choice, line, off_zero);
    const double_lanes product = __builtin_convertvector(off_zero, double_lanes) * line.scale;
    out = __builtin_convertvector(product, float_lanes) - line.minimum;
  }
  std::int32_t last() const { return static_cast<std::int32_t>(last_); }

 private:
  std::vector<float> values_;
  std::vector<double> midpoints_;
  double last_, lowest_ = 0, spacing_ = 1;
  bool even_ = true;
};

}  // namespace bitgauge::detail
