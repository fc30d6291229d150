#pragma once

/// \file
/// The best scale where storage holds few: every stored value that can win is tried.

#include <bitgauge/grid/model.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/range/range.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace bitgauge::detail {

/// True where neighbouring stored scales lie more than 1/64 apart, as those of E8M0 and E4M3 do: then there
/// are few enough to try them all, and rounding the best real scale would miss the best stored one.
inline bool is_coarse(const scale_rounding& storage, float scale) {
  const auto below = storage.around(static_cast<double>(std::nextafter(scale, 0.0f))).below;
  return scale - below > scale / 64;
}

/// The stored scale of least squared error sum_i w_i (x_i - s level_i)^2, codes as the library chooses them,
/// for a grid without zero points. Exact: from min-max's scale it walks down until what is clipped alone
/// costs as much as the best scale found, and up until what falls to zero alone does; both only grow from
/// there. Equal errors go to the scale met first. Cost: some 3 (E8M0) to 20 (E4M3) passes over the group.
class stored_scale_search {
 public:
  stored_scale_search(const group_values& group, const grid_model& grid, const scale_rounding& storage)
      : group_(group), grid_(grid), storage_(storage), fields_(group.values.size()) {
    const int count = 1 << grid.bits();
    zero_cell_ = std::numeric_limits<float>::max();
    for (int field = 0; field < count; ++field) {
      const float level = grid.level(field) - static_cast<float>(grid.constant_zero_point());
      levels_[static_cast<std::size_t>(field)] = level;
      if (!numeric::is_finite(level)) continue;
      lowest_ = std::min(lowest_, level);
      highest_ = std::max(highest_, level);
      if (level != 0) zero_cell_ = std::min(zero_cell_, std::fabs(level) / 2);
      has_zero_ = has_zero_ || level == 0;
    }
    for (const float x : group.values) absmax_ = std::max(absmax_, std::fabs(x));
  }

  /// The best scale, starting from `scale` > 0.
  float run(float scale) {
    best_ = scale;
    error_ = error(scale);
    for (float s = scale;;) {
      const float next = storage_.around(static_cast<double>(std::nextafter(s, 0.0f))).below;
      if (!(next < s) || !(next > 0) || clipped(next) >= error_) break;
      consider(s = next);
    }
    constexpr float end = std::numeric_limits<float>::max();
    for (float s = scale;;) {
      const float next = storage_.around(static_cast<double>(std::nextafter(s, end))).above;
      if (!(next > s) || zeroed(next) >= error_ || next * zero_cell_ > absmax_) break;
      consider(s = next);
    }
    return best_;
  }

 private:
  double weighted_square(std::size_t i, double difference) const {
    const double square = difference * difference;
    return group_.weights.empty() ? square : static_cast<double>(group_.weights[i]) * square;
  }

  double error(float scale) {
    grid_.encode(group_.values.data(), std::ssize(group_.values), {scale, grid_.constant_zero_point()},
                 fields_.data());
    double sum = 0;
    for (std::size_t i = 0; i < fields_.size(); ++i)
      sum += numeric::uncontracted(weighted_square(
          i, static_cast<double>(group_.values[i] - numeric::uncontracted(scale * levels_[fields_[i]]))));
    return sum;
  }
  void consider(float scale) {
    const double found = error(scale);
    if (found < error_) {
      error_ = found;
      best_ = scale;
    }
  }

  /// The error of what lies outside of the levels.
  double clipped(float scale) const {
    const float low = lowest_ * scale, high = highest_ * scale;
    double sum = 0;
    for (std::size_t i = 0; i < group_.values.size(); ++i) {
      const float x = group_.values[i];
      if (x < low || x > high)
        sum += numeric::uncontracted(weighted_square(i, static_cast<double>(x - (x < low ? low : high))));
    }
    return sum * slack;
  }
  /// The error of what is nearest to the level zero.
  double zeroed(float scale) const {
    if (!has_zero_) return 0;
    const float cell = zero_cell_ * scale;
    double sum = 0;
    for (std::size_t i = 0; i < group_.values.size(); ++i) {
      if (std::fabs(group_.values[i]) <= cell)
        sum += numeric::uncontracted(weighted_square(i, static_cast<double>(group_.values[i])));
    }
    return sum * slack;
  }

  static constexpr double slack = 1 - 1e-5;  ///< bounds stay bounds under the rounding of the codes

  const group_values& group_;
  const grid_model& grid_;
  const scale_rounding& storage_;
  std::vector<std::uint8_t> fields_;
  std::array<float, 256> levels_{};
  float lowest_ = 0, highest_ = 0;
  float zero_cell_ = 0;  ///< half of the smallest magnitude above zero
  bool has_zero_ = false;
  float absmax_ = 0;
  float best_ = 0;
  double error_ = 0;
};

}  // namespace bitgauge::detail
