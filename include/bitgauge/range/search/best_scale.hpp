#pragma once

/// \file
/// The best stored scale found so far.

#include <bitgauge/grid/grid.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/search/trials.hpp>
#include <bitgauge/scale/codec.hpp>

#include <algorithm>
#include <cfloat>
#include <limits>

namespace bitgauge::detail {

class best_scale {
 public:
  /// Scales below `smallest` are not considered: see integer_grid::smallest_scale.
  best_scale(const search_group& group, const any_grid& grid, const scale_codec& storage)
      : group_(group),
        grid_(grid),
        storage_(storage),
        smallest_(std::max(grid.integer() != nullptr ? grid.integer()->smallest_scale : 0.0f,
                           storage.nearest(FLT_MIN))),
        may_overflow_(group.absmax() >= static_cast<double>(near_overflow)) {}

  /// The smallest scale that can be stored.
  float smallest() const { return smallest_; }

  /// Considers the codes behind `sums`, with the best scale that storage can hold for them.
  void offer(code_sums sums, code_window window) {
    offer(sums, window, 0, std::numeric_limits<double>::infinity());
  }
  /// The same for scales within [from, to], where these codes are the nearest.
  void offer(code_sums sums, code_window window, double from, double to) {
    if (!(sums.linear > 0)) return;  // a scale must be positive
    double wanted = std::clamp(sums.linear / sums.square, from, to);
    if (may_overflow_) wanted = std::min(wanted, static_cast<double>(FLT_MAX) / reach(window));
    if (!(group_.error(sums, wanted) < error_)) return;
    const auto [below, above] = storage_.around(wanted);
    for (const float scale : {below, above}) {
      if (may_overflow_ && scale > below &&
          static_cast<double>(scale) * reach(window) > static_cast<double>(FLT_MAX))
        continue;
      const float stored = std::max(scale, smallest_);
      const double error = group_.error(sums, stored);
      if (error < error_) {
        error_ = error;
        scale_ = stored;
        wanted_ = wanted;
        window_ = window;
      }
    }
  }

  bool found() const { return scale_ > 0; }
  /// An upper bound of the error at scale(); in the end, the error.
  double error() const { return error_; }
  /// The best scale as stored. Throws data_error where the storage cannot hold it.
  float scale() const {
    const float stored = std::max(storage_.nearest(scale_), scale_overflow());
    if (may_overflow_) require_finite_codes(stored, reach(window_));
    return stored;
  }
  code_window window() const { return window_; }
  double wanted() const { return wanted_; }

  /// True where nothing with an error of at least `bound` can still win.
  bool beats(double bound) const { return bound >= error_ - group_.tolerance(); }

 private:
  /// Lets the storage report a scale beyond its largest.
  float scale_overflow() const {
    if (wanted_ > 2 * static_cast<double>(scale_)) return storage_.nearest(static_cast<float>(wanted_));
    return 0;
  }

  /// The outermost code; one of +-1 has no window.
  double reach(code_window window) const {
    return grid_.integer() != nullptr ? std::max({-window.low, window.high, 1.0}) : grid_.reach(0);
  }

  const search_group& group_;
  const any_grid& grid_;
  const scale_codec& storage_;
  float smallest_;
  bool may_overflow_;  ///< codes may be infinite
  double error_ = std::numeric_limits<double>::infinity();
  double wanted_ = 0;
  float scale_ = 0;
  code_window window_{};
};

}  // namespace bitgauge::detail
