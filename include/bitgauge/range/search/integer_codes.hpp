#pragma once

/// \file
/// The codes of an integer grid as a function of the scale: sums for many scales at once, and the breakpoints
/// at which a code changes.

#include <bitgauge/range/search/breakpoint.hpp>
#include <bitgauge/range/search/group.hpp>
#include <bitgauge/range/search/trials.hpp>

#include <algorithm>

namespace bitgauge::detail {

class integer_codes {
 public:
  explicit integer_codes(const search_group& group) : group_(group) {}

  void evaluate(trial_batch& trials) const {
    const auto blocks = trials.blocks();
    simd::code_sums(group_.x, group_.weights, group_.count, blocks.data(),
                    static_cast<index_t>(blocks.size()));
  }

  /// About how many breakpoints lie between two scales; an upper bound where much is clipped.
  double expected_breakpoints(double inverse_from, double inverse_to) const {
    return group_.magnitude * (inverse_from - inverse_to);
  }

  /// Adds the breakpoints between the scales 1 / inverse_from and 1 / inverse_to, the larger one.
  void breakpoints(code_window window, double inverse_from, double inverse_to, breakpoint_list& found) const {
    for (index_t i = 0; i < group_.count; ++i) {
      const double value = group_.x[i], magnitude = std::fabs(value);
      const double limit = value < 0 ? -window.low : window.high;
      const double last = nearest(std::min(magnitude * inverse_to, limit));
      double code = nearest(std::min(magnitude * inverse_from, limit));
      do found.add({magnitude / (code - 0.5), i, code}, code > last);
      while (--code > last);
    }
  }

  /// What the sums change by as the scale grows past a breakpoint.
  code_sums change(const breakpoint& b) const {
    const double weight = group_.weight(b.element);
    return {-weight * std::fabs(static_cast<double>(group_.x[b.element])), -weight * (2 * b.code - 1)};
  }

  /// The part of the error at `scale` that comes from elements beyond the outermost levels. It only grows as
  /// the scale shrinks.
  double clipping_error(code_window window, double scale) const {
    const double low = window.low * scale, high = window.high * scale;
    double sum = 0;
    for (index_t i = 0; i < group_.count; ++i) {
      const double value = group_.x[i], excess = value - std::clamp(value, low, high);
      sum += numeric::uncontracted(group_.weight(i) * excess * excess);
    }
    return sum;
  }

  /// Values of up to this many scales have the code 0.
  double zero_reach() const { return 0.5; }

  /// The scale above which all codes are 0.
  double coarsest() const { return 2 * group_.absmax(); }

 private:
  /// Ties to even, as the sums are computed.
  static double nearest(double steps) {
    constexpr double to_integer = 0x1.8p52;
    return numeric::uncontracted(steps + to_integer) - to_integer;
  }

  const search_group& group_;
};

}  // namespace bitgauge::detail
