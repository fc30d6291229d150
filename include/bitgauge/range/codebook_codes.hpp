#pragma once

/// \file
/// The codes of any grid as a function of the scale: see integer_codes, which this is the general form of.

#include <bitgauge/range/breakpoint.hpp>
#include <bitgauge/range/search_group.hpp>
#include <bitgauge/range/trial_batch.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace bitgauge::detail {

class codebook_codes {
 public:
  codebook_codes(const search_group& group, const grid_model& grid) : group_(group) {
    for (int field = 0; field < 1 << grid.bits(); ++field) levels_.push_back(grid.level(field));
    std::sort(levels_.begin(), levels_.end());
    levels_.erase(std::unique(levels_.begin(), levels_.end()), levels_.end());
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i)
      midpoints_.push_back((levels_[i] + levels_[i + 1]) / 2);
  }

  std::size_t level_count() const { return levels_.size(); }
  double lowest() const { return std::min(levels_.front(), 0.0); }
  double highest() const { return std::max(levels_.back(), 0.0); }

  /// Cost: a search among the midpoints per element and trial.
  void evaluate(trial_batch& trials) const {
    for (simd::code_sum_block& block : trials.blocks()) {
      for (std::size_t lane = 0; lane < simd::code_sum_lanes; ++lane) {
        code_sums sums{0, 0};
        for (index i = 0; i < group_.count; ++i) {
          const double x = group_.x[i], weight = group_.weight(i);
          const double level = levels_[nearest(x * block.inverse[lane])];
          sums.linear += numeric::uncontracted(weight * x * level);
          sums.square += numeric::uncontracted(weight * level * level);
        }
        block.linear[lane] = sums.linear;
        block.square[lane] = sums.square;
        block.gain[lane] = sums.linear > 0 ? sums.linear * sums.linear / sums.square : 0;
      }
    }
  }

  double expected_breakpoints(double inverse_from, double inverse_to) const {
    const double density = static_cast<double>(levels_.size() - 1) / (levels_.back() - levels_.front());
    return group_.magnitude * (inverse_from - inverse_to) * density;
  }

  /// Adds the breakpoints between the scales 1 / inverse_from and 1 / inverse_to, the larger one. The code of
  /// a breakpoint is its midpoint.
  void breakpoints(code_window, double inverse_from, double inverse_to, breakpoint_list& found) const {
    for (index i = 0; i < group_.count; ++i) {
      const double x = group_.x[i];
      const std::size_t from = nearest(x * inverse_from), to = nearest(x * inverse_to);
      for (std::size_t m = std::min(from, to); m < std::max(from, to); ++m)
        found.add({x / midpoints_[m], i, static_cast<double>(m)}, true);
    }
  }

  code_sums change(const breakpoint& b) const {
    const auto m = static_cast<std::size_t>(b.code);
    const double x = group_.x[b.element], weight = group_.weight(b.element);
    const bool rising = x < 0;  // towards zero
    const double before = levels_[rising ? m : m + 1], after = levels_[rising ? m + 1 : m];
    return {weight * x * (after - before),
            weight * (numeric::uncontracted(after * after) - numeric::uncontracted(before * before))};
  }

  double clipping_error(code_window, double scale) const {
    double sum = 0;
    for (index i = 0; i < group_.count; ++i) {
      const double value = group_.x[i];
      const double excess = value - std::clamp(value, lowest() * scale, highest() * scale);
      sum += numeric::uncontracted(group_.weight(i) * excess * excess);
    }
    return sum;
  }

  /// The scale above which no code changes.
  double coarsest() const {
    double scale = 0;
    for (const double m : midpoints_)
      if (m != 0) scale = std::max(scale, m > 0 ? group_.high / m : group_.low / m);
    return scale;
  }

 private:
  std::size_t nearest(double value) const {
    return static_cast<std::size_t>(std::lower_bound(midpoints_.begin(), midpoints_.end(), value) -
                                    midpoints_.begin());
  }

  const search_group& group_;
  std::vector<double> levels_, midpoints_;
};

}  // namespace bitgauge::detail
