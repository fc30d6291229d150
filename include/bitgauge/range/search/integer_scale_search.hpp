#pragma once

/// \file
/// Which scales, and which windows of an integer grid's codes, each effort tries.

#include <bitgauge/effort.hpp>
#include <bitgauge/range/search/exact_scale_search.hpp>
#include <bitgauge/range/search/integer_codes.hpp>
#include <bitgauge/range/search/ladder.hpp>

#include <algorithm>
#include <cmath>

namespace bitgauge::detail {

/// The window of an integer grid whose zero point is `zero_point`.
inline code_window window_of(const integer_grid& grid, int zero_point) {
  return {static_cast<double>(grid.lowest - zero_point), static_cast<double>(grid.highest - zero_point)};
}

/// The smallest scale at which no element of the group is more than `margin` steps beyond the outermost
/// codes.
inline double covering_scale(const search_group& group, code_window window, double margin) {
  return std::max(group.high > 0 ? group.high / (window.high + margin) : 0,
                  group.low < 0 ? group.low / (window.low - margin) : 0);
}

/// Searches an integer grid for a group with something in it (energy > 0).
class integer_scale_search {
 public:
  integer_scale_search(const search_group& group, const integer_grid& grid, best_scale& best)
      : group_(group), grid_(grid), codes_(group), best_(best), zero_point_(fitting_zero_point()) {}

  void run(effort effort) {
    if (effort == effort::best) {
      scan(16);
      exact();
    } else {
      const int scales = effort == effort::fast ? 8 : 24;
      const double spacing = scan(scales);
      if (effort == effort::normal) refine(spacing, scales);
    }
  }

 private:
  /// The zero point with the smallest scale at which nothing is clipped.
  int fitting_zero_point() const {
    if (!grid_.has_zero_point) return grid_.center;
    const int before = zero_point_before(0.5 * (group_.high + group_.low) / (group_.high - group_.low) *
                                         (grid_.highest - grid_.lowest + 1));
    const int after = std::min(before + 1, grid_.highest);
    const auto covering = [&](int z) { return covering_scale(group_, window_of(grid_, z), 0.5); };
    return covering(before) <= covering(after) ? before : after;
  }
  /// The zero point, or the one before it, for which the window's middle lies `offset` steps from zero.
  int zero_point_before(double offset) const {
    const double wanted = std::floor(0.5 * (grid_.lowest + grid_.highest) - offset);
    return static_cast<int>(std::clamp<double>(wanted, grid_.lowest, grid_.highest));
  }

  /// Tries a ladder of scales. Returns the ratio of the best one's neighbours.
  double scan(int count) {
    const code_window window = window_of(grid_, zero_point_);
    const double extent = grid_.has_zero_point ? group_.high - group_.low : group_.absmax();
    const double levels =
        grid_.has_zero_point ? window.high - window.low : extent / covering_scale(group_, window, 0);
    // an affine range has two ends to clip
    const double clipped = std::sqrt(static_cast<double>(group_.count) * (grid_.has_zero_point ? 0.2 : 0.1));
    const trial_ladder ladder(count, 1 / extent, levels, clipped);
    add(count, ladder);
    return offer_trials();
  }

  /// Looks between the best scale and its neighbours until they are close.
  void refine(double spacing, int count) {
    while (best_.found() && spacing > 1.04) {
      const trial_neighbourhood near(count, 1 / best_.wanted(), spacing);
      add(count, near);
      offer_trials();
      spacing = near.spacing();
    }
  }

  /// An affine grid has two windows for a scale: those that clip both ends about alike.
  std::size_t sides() const { return grid_.has_zero_point ? 2 : 1; }
  template <class Scales>
  void add(int count, const Scales& scales) {
    trials_.clear();
    if (!grid_.has_zero_point)
      return trials_.add(
          count, [&](int i) { return scales.inverse(i); }, window_of(grid_, grid_.center));
    for (int i = 0; i < count; ++i) {
      const double inverse = scales.inverse(i);
      const int before = zero_point_before(0.5 * (group_.low + group_.high) * inverse);
      trials_.add(inverse, window_of(grid_, before));
      trials_.add(inverse, window_of(grid_, std::min(before + 1, grid_.highest)));
    }
  }
  double offer_trials() {
    codes_.evaluate(trials_);
    const std::size_t best = trials_.best();
    best_.offer(trials_[best].sums, trials_.window(best));
    return trials_.spacing(best, sides());
  }

  /// At scales where the fitting window clips nothing no other can do better. The others are searched below,
  /// down to where clipping alone costs too much.
  void exact() {
    scale_search<integer_codes> search(group_, codes_, best_);
    const code_window fitting = window_of(grid_, zero_point_);
    const double fit = covering_scale(group_, fitting, 0.5);
    search.run(fitting, smallest_scale(fitting, fit), codes_.coarsest());
    if (!grid_.has_zero_point) return;
    for (int distance = 1; distance <= grid_.highest - grid_.lowest; ++distance) {
      for (const int z : {zero_point_ - distance, zero_point_ + distance}) {
        const code_window window = window_of(grid_, z);
        if (window.low > 0 || window.high < 0) continue;
        if (codes_.clipping_error(window, fit) < best_.error())
          search.run(window, smallest_scale(window, fit), fit);
      }
    }
  }

  /// A scale below which clipping alone costs more than the best error.
  double smallest_scale(code_window window, double from) const {
    double scale = from;
    while (scale > static_cast<double>(best_.smallest()) &&
           codes_.clipping_error(window, scale) < best_.error())
      scale *= 0.88;
    return scale;
  }

  const search_group& group_;
  const integer_grid& grid_;
  integer_codes codes_;
  best_scale& best_;
  int zero_point_;
  trial_batch trials_;
};

}  // namespace bitgauge::detail
