#pragma once

/// \file
/// The codes of any grid as a function of the scale: see integer_codes, which this is the general form of.

#include <bitgauge/grid/level_table.hpp>
#include <bitgauge/range/search/breakpoint.hpp>
#include <bitgauge/range/search/group.hpp>
#include <bitgauge/range/search/trials.hpp>

#include <algorithm>
#include <cmath>
#include <span>

namespace bitgauge::detail {

class level_codes {
 public:
  level_codes(const search_group& group, const level_table& table) : group_(group), table_(table) {}

  std::size_t level_count() const { return table_.levels().size(); }
  double lowest() const { return std::min(table_.levels().front(), 0.0); }
  double highest() const { return std::max(table_.levels().back(), 0.0); }

  /// Cost: four comparisons per element and eight trials up to 16 levels; beyond, a search by the value's
  /// bits per element and trial.
  void evaluate(trial_batch& trials) const {
    const auto blocks = trials.blocks();
    if (table_.fits_lanes())
      return simd::level_sums(group_.x, group_.weights, group_.count, table_.lanes(), blocks.data(),
                              static_cast<index_t>(blocks.size()));
    for (simd::code_sum_block& block : blocks) {
      for (std::size_t lane = 0; lane < simd::code_sum_lanes; ++lane) {
        code_sums sums{0, 0};
        for (index_t i = 0; i < group_.count; ++i) {
          const double x = group_.x[i], weight = group_.weight(i);
          const double level = table_.levels()[table_.nearest(x * block.inverse[lane])];
          sums.linear += numeric::uncontracted(weight * x * level);
          sums.square += numeric::uncontracted(weight * (level * level));
        }
        block.linear[lane] = sums.linear;
        block.square[lane] = sums.square;
        block.gain[lane] = sums.linear > 0 ? sums.linear * sums.linear / sums.square : 0;
      }
    }
  }

  double expected_breakpoints(double inverse_from, double inverse_to) const {
    const std::span<const double> levels = table_.levels();
    const double density = static_cast<double>(levels.size() - 1) / (levels.back() - levels.front());
    return group_.magnitude * (inverse_from - inverse_to) * density;
  }

  /// Adds the breakpoints between the scales 1 / inverse_from and 1 / inverse_to, the larger one. The code of
  /// a breakpoint is its midpoint.
  void breakpoints(code_window, double inverse_from, double inverse_to, breakpoint_list& found) const {
    for (index_t i = 0; i < group_.count; ++i) {
      const double x = group_.x[i];
      const std::size_t from = table_.nearest(x * inverse_from), to = table_.nearest(x * inverse_to);
      for (std::size_t m = std::min(from, to); m < std::max(from, to); ++m)
        found.add({x / table_.midpoints()[m], i, static_cast<double>(m)}, true);
    }
  }

  code_sums change(const breakpoint& b) const {
    const auto m = static_cast<std::size_t>(b.code);
    const double x = group_.x[b.element], weight = group_.weight(b.element);
    const bool rising = x < 0;  // towards zero
    const std::span<const double> levels = table_.levels();
    const double before = levels[rising ? m : m + 1], after = levels[rising ? m + 1 : m];
    return {numeric::uncontracted(weight * x * (after - before)),
            numeric::uncontracted(
                weight * (numeric::uncontracted(after * after) - numeric::uncontracted(before * before)))};
  }

  double clipping_error(code_window, double scale) const {
    double sum = 0;
    for (index_t i = 0; i < group_.count; ++i) {
      const double value = group_.x[i];
      const double excess = value - std::clamp(value, lowest() * scale, highest() * scale);
      sum += numeric::uncontracted(group_.weight(i) * excess * excess);
    }
    return sum;
  }

  /// The scale above which no code changes.
  double coarsest() const {
    double scale = 0;
    for (const double m : table_.midpoints())
      if (m != 0) scale = std::max(scale, m > 0 ? group_.high / m : group_.low / m);
    return scale;
  }

  /// Values of up to this many scales have no level nearer than 0; 0 where 0 is no level.
  double zero_reach() const { return table_.zero_reach(); }

 private:
  const search_group& group_;
  const level_table& table_;
};

}  // namespace bitgauge::detail
